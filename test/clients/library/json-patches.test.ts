/** Random JSON patches and merge patches, held beside the library that upstream's server applies them with. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../../src/base/random.ts'
import { applyJsonPatch } from '../../../src/machinery/patch/json-patch.ts'
import { applyMergePatch } from '../../../src/machinery/patch/merge-patch.ts'
import { StatusError } from '../../../src/machinery/status-error.ts'
import { type Answer, askLibrary, missing } from './library.ts'

const cases = 10_000
const random = seededRandom(36)
const oneOf = <T>(all: readonly T[]): T => all[random.below(all.length)]!
const many = <T>(max: number, make: () => T): T[] => Array.from({ length: random.below(max) }, make)

function value(depth: number): unknown {
  const kind = random.below(depth > 0 ? 10 : 6)
  if (kind < 6) return structuredClone(oneOf<unknown>(['x', 1, 1.5, true, null, '', 0, {}, []]))
  if (kind < 8) return many(4, () => value(depth - 1))
  return Object.fromEntries(many(4, () => [oneOf(['a', 'b', 'c', 'a/b', '~', '0', '1', '', '-', 'é', '__proto__']), value(depth - 1)]))
}

const steps = [
  'a',
  'b',
  'c',
  '0',
  '1',
  '2',
  '-',
  '-1',
  '-2',
  'a~1b',
  '~0',
  '~',
  '~2',
  '',
  '00',
  '01',
  '+1',
  'x',
  '1.5',
  'é',
  '9'.repeat(20),
  '__proto__',
]

function path(): string {
  if (random.below(8) === 0) return oneOf(['', '/', 'a', '//', '/a/', 'a/b'])
  return ['', oneOf(steps), ...many(3, () => oneOf(steps))].join('/')
}

function operation(): unknown {
  if (random.below(60) === 0) return oneOf([null, 1, 'x', [], {}])
  const op = oneOf(['add', 'add', 'add', 'remove', 'replace', 'test', 'test', 'copy', 'move', 'Add', 'none'])
  const made: Record<string, unknown> = { op, path: path() }
  if (op === 'copy' || op === 'move' || random.below(20) === 0) made.from = path()
  if (['add', 'replace', 'test'].includes(op) || random.below(20) === 0) made.value = value(2)
  if (random.below(30) === 0) delete made[oneOf(['op', 'path', 'from', 'value'])]
  if (random.below(40) === 0) made[oneOf(['op', 'path', 'from'])] = oneOf([1, null, {}, []])
  return made
}

type Result = { readonly value: unknown } | { readonly error: string; readonly code: number }

function attempt(apply: () => unknown): Result {
  try {
    return { value: apply() }
  } catch (error) {
    assert.ok(error instanceof StatusError, String(error))
    return { error: error.message, code: error.code }
  }
}

/** A fault of an operation is told by its code alone, as by upstream's server; where the library falls over a patch, any refusal is right. */
function check(result: Result, { text, error, code }: Answer, told: string): void {
  if (text !== undefined) return assert.deepEqual(result, { value: JSON.parse(text) as unknown }, told)
  assert.ok('error' in result, `${told}: ${error}`)
  if (code === undefined) return
  assert.equal(result.code, code, told)
  if (code === 400) assert.equal(result.error, error, told)
}

const object = () => JSON.stringify({ a: value(3), b: value(3), c: value(3) })

test('a JSON patch makes what upstream’s library makes of it', { skip: missing }, () => {
  const made = Array.from({ length: cases }, () => ({
    a: object(),
    b: JSON.stringify(random.below(60) === 0 ? value(1) : many(4, operation)),
  }))
  const answers = askLibrary(made.map((one) => ({ ask: 'jsonPatch', ...one })))
  for (const [i, { a, b }] of made.entries())
    check(
      attempt(() => applyJsonPatch(JSON.parse(a), JSON.parse(b))),
      answers[i]![0]!,
      `${a} ${b}`,
    )
})

test('a merge patch makes what upstream’s library makes of it', { skip: missing }, () => {
  const made = Array.from({ length: cases }, () => ({ a: object(), b: JSON.stringify({ a: value(3), b: value(3), d: value(3) }) }))
  const answers = askLibrary(made.map((one) => ({ ask: 'mergePatch', ...one })))
  for (const [i, { a, b }] of made.entries())
    check(
      attempt(() => applyMergePatch(JSON.parse(a), JSON.parse(b))),
      answers[i]![0]!,
      `${a} ${b}`,
    )
})
