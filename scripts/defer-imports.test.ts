import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deferred } from './defer-imports.ts'

function check(title: string, input: string, expected: string): void {
  test(title, () => assert.equal(deferred(input), expected))
}

check(
  'reads a module where it is used, each time it is used',
  'var import_node_fs2 = __toESM(require_node_fs(), 1);\nconst read = () => (0, import_node_fs2.readFileSync)(file);\nnew import_node_fs2.Stats();\n',
  'const read = () => (0, (require_node_fs()).readFileSync)(file);\nnew (require_node_fs()).Stats();\n',
)
check(
  'tells modules apart whose names begin alike',
  'var import_a = __toESM(require_a(), 1);\nvar import_a2 = chunk_X___toESM(chunk_Y_require_a2());\nimport_a2.x(import_a.y, other.import_a.z);\n',
  '(chunk_Y_require_a2()).x((require_a()).y, other.import_a.z);\n',
)
check(
  'knows the import by whatever name the bundler calls it',
  'var import_a = __toESM2(chunk_X_require_a(), 1);\nimport_a.x();\n',
  '(chunk_X_require_a()).x();\n',
)
for (const [what, use] of [
  ['by its default export', 'import_a.default();\n'],
  ['as a whole', 'pass(import_a);\nimport_a.x();\n'],
  ['for what it does', ''],
] as const) {
  const text = `var import_a = __toESM(require_a(), 1);\n${use}`
  check(`leaves one alone that is imported ${what}`, text, text)
}
