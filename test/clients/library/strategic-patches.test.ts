/** Random strategic merge patches, held beside the library that upstream's server applies them with. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../../src/base/random.ts'
import definitions from '../../../src/kinds/generated/schemas.json' with { type: 'json' }
import { deepEqual } from '../../../src/machinery/deep-equal.ts'
import { applyStrategicPatch } from '../../../src/machinery/patch/strategic-patch.ts'
import type { Schema } from '../../../src/machinery/schema/schema-node.ts'
import { loadSchemas } from '../../../src/machinery/schema/schema-set.ts'
import { StatusError } from '../../../src/machinery/status-error.ts'
import { type Answer, askLibrary, missing } from './library.ts'
import { type Oddity, randomOriginal, randomPatch, structs } from './strategic-cases.ts'

const cases = 6_000
const schemas = loadSchemas(definitions as unknown as Record<string, Schema>)
const oddities: readonly Oddity[] = [
  { nulls: 30, directives: 20, faults: 4 },
  { nulls: 60, directives: 60, faults: 0 },
  { nulls: 60, directives: 100, faults: 15 },
  { nulls: 150, directives: 150, faults: 0 },
]

type Result = { readonly value: unknown } | { readonly error: string; readonly code: number }

function patched(type: string, object: unknown, patch: unknown): Result {
  try {
    return { value: applyStrategicPatch(object, patch, schemas.lookup(structs[type]!.schema)) }
  } catch (error) {
    assert.ok(error instanceof StatusError, String(error))
    return { error: error.message, code: error.code }
  }
}

/**
 * Where upstream answers 500, the fault is the client's here; where it falls over what it was sent, any refusal is right. Its server has
 * one text for what is unprocessable.
 */
function isAnswer(result: Result, { text, error, code }: Answer): boolean {
  if (text !== undefined) return 'value' in result && deepEqual(result.value, JSON.parse(text))
  if (!('error' in result)) return false
  if (code === 422) return result.code === 422 && result.error === 'the server rejected our request due to an error in our request'
  return code === undefined || (result.error === error && (code === result.code || (code === 500 && result.code < 500)))
}

test('a strategic merge patch makes what upstream’s library makes of it, or fails in its words', { skip: missing }, () => {
  const random = seededRandom(36)
  const names = Object.keys(structs)
  const made = Array.from({ length: cases }, () => {
    const type = names[random.below(names.length)]!
    const { shape } = structs[type]!
    const object = randomOriginal(random, shape)
    const patch = randomPatch(random, shape, oddities[random.below(oddities.length)]!)
    return { type, a: JSON.stringify(object), b: JSON.stringify(patch) }
  })
  const answers = askLibrary(made.map((one) => ({ ask: 'strategic', ...one })))
  for (const [i, { type, a, b }] of made.entries()) {
    const result = patched(type, JSON.parse(a), JSON.parse(b))
    const given = answers[i]!
    if (!given.some((answer) => isAnswer(result, answer)))
      assert.fail(`case ${i}, ${type}\n${a}\n${b}\nthe library: ${JSON.stringify(given)}\nours: ${JSON.stringify(result)}`)
  }
})
