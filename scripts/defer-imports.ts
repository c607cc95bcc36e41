// Node's own modules and CommonJS packages, read when they are used. esbuild reads each, and copies its exports for every file that imports
// it, at the start of the program: compression, HTTP clients, child processes, whether this run needs them or not.
import { readFileSync, writeFileSync } from 'node:fs'

/** Rewrites a file of the bundle. */
export function deferImports(file: string): void {
  writeFileSync(file, deferred(readFileSync(file, 'utf8')))
}

/** `var import_x = __toESM(require_x(), 1)` … `import_x.y` becomes `(require_x()).y`. Pure. */
export function deferred(text: string): string {
  const imports = [...text.matchAll(importOfCommonJs)].map(([statement, name = '', required = '']) => ({ statement, name, required }))
  const usesOf = (name: string) => [...text.matchAll(new RegExp(`(?<![\\w$.])${name}(?![\\w$])(\\.default\\b|.?)`, 'g'))].slice(1)
  // One that is used as a whole or by its default export stays, and so does one that is not used: it is read for what it does.
  const chosen = imports.filter(({ name }) => {
    const uses = usesOf(name)
    return uses.length > 0 && uses.every(([, next]) => next === '.')
  })
  const requiredOf = new Map(chosen.map(({ name, required }) => [name, required]))
  return chosen
    .reduce((rest, { statement }) => rest.replace(statement, ''), text)
    .replaceAll(/(?<![\w$.])import_\w+(?=\.)/g, (name) => (requiredOf.has(name) ? `(${requiredOf.get(name)})` : name))
}

const importOfCommonJs = /^var (import_\w+) = \w*__toESM\d*\((\w*require_\w+\(\))(?:, 1)?\);\n/gm
