/** Random bodies with fields of wrong types and of other names, held beside the library that upstream's server decodes them with. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../../src/base/random.ts'
import definitions from '../../../src/kinds/generated/schemas.json' with { type: 'json' }
import omittedZeros from '../../../src/kinds/generated/omitted-zeros.json' with { type: 'json' }
import zeroValues from '../../../src/kinds/generated/zero-values.json' with { type: 'json' }
import { goQuote } from '../../../src/machinery/go-text.ts'
import type { Schema } from '../../../src/machinery/schema/schema-node.ts'
import { loadSchemas } from '../../../src/machinery/schema/schema-set.ts'
import { askLibrary, missing } from './library.ts'
import { randomOriginal, structs } from './strategic-cases.ts'

const cases = 8_000
const schemas = loadSchemas(definitions as unknown as Record<string, Schema>, zeroValues, omittedZeros)
const random = seededRandom(36)
const oneOf = <T>(all: readonly T[]): T => all[random.below(all.length)]!

const anything = (): unknown =>
  structuredClone(
    oneOf([
      ...[
        null,
        0,
        1,
        -1,
        1.5,
        2 ** 31,
        -(2 ** 31) - 1,
        'x',
        '1',
        '',
        '\u0000',
        '😀',
        true,
        false,
        '2020-01-01T00:00:00Z',
        'YQ==',
        '100m',
        '1x',
      ],
      ...[{}, [], [null], [{}], ['a', null], { a: null }, { a: 1 }, { a: 'b' }, { a: {} }, { '': '' }, [1], [[]]],
    ]),
  )

/** The value with something else here and there: `perMille` of its parts and of its names. */
function disturbed(value: unknown, perMille: number): unknown {
  const happens = (often: number) => random.below(1000) < often
  if (happens(perMille)) return anything()
  if (Array.isArray(value)) return value.map((item) => disturbed(item, perMille))
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value).map(([name, field]) => [happens(perMille) ? renamed(name) : name, disturbed(field, perMille)])
  if (happens(perMille)) fields.push([oneOf(['other', 'a.b', 'x y', 'é', 'x"y', '', '\u0001']), anything()])
  return Object.fromEntries(fields)
}

function renamed(name: string): string {
  return oneOf([name.toUpperCase(), name.charAt(0).toUpperCase() + name.slice(1), `${name}x`, name.toLowerCase(), name.replace('s', 'ſ')])
}

/** What the decoder alone has a say in: a nothing of a part that is always there is written by others. */
function bare(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bare)
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).filter(([, field]) => field !== null && field !== '')
  return Object.fromEntries(
    kept.map(([name, field]) => [name, bare(field)]).filter(([name, field]) => name !== 'metadata' || JSON.stringify(field) !== '{}'),
  )
}

function decoded(schema: string, value: unknown): { error: string } | { value: unknown; unknown: string[] } {
  const { error, unknownFields } = schemas.decode(schema, value)
  if (error !== undefined) return { error }
  schemas.fillZeroValues(schema, value)
  return { value: bare(value), unknown: unknownFields.map((name) => `unknown field ${goQuote(name)}`).sort() }
}

test('a body is decoded as by upstream’s library, or refused in its words', { skip: missing }, () => {
  const made = Array.from({ length: cases }, () => {
    const type = oneOf(Object.keys(structs))
    const original = randomOriginal(random, structs[type]!.shape)
    const body = Object.fromEntries(Object.entries(original).map(([name, field]) => [name, disturbed(field, oneOf([5, 20, 60]))]))
    return { type, a: JSON.stringify(body) }
  })
  const answers = askLibrary(made.map((one) => ({ ask: 'decode', ...one })))
  for (const [i, { type, a }] of made.entries()) {
    const { text = '', error } = answers[i]![0]!
    const [json = '', ...unknown] = text.split('\n')
    const expected = error === undefined ? { value: bare(JSON.parse(json)), unknown: unknown.sort() } : { error }
    assert.deepEqual(decoded(structs[type]!.schema, JSON.parse(a)), expected, `${type} ${a}`)
  }
})
