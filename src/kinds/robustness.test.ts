import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Random, seededRandom } from '../base/random.ts'
import { deepClone } from '../machinery/deep-clone.ts'
import type { KubeObject } from '../machinery/object.ts'
import { loadSchemas } from '../machinery/schema/schema-set.ts'
import { allKinds } from './all.ts'
import schemas from './generated/schemas.json' with { type: 'json' }
import zeroValues from './generated/zero-values.json' with { type: 'json' }
import { type KindDefinition, kindKey } from './kind.ts'
import { frozen, testNowMs } from './kind-test-support.ts'

type Schema = {
  $ref?: string
  type?: string
  format?: string
  enum?: string[]
  items?: Schema
  properties?: Record<string, Schema>
  additionalProperties?: Schema
}
const definitions = schemas as unknown as Record<string, Schema>
const schemaSet = loadSchemas(definitions as never, zeroValues)
const context = { now: '2026-06-01T12:00:00Z', user: 'tester' }
const objectsPerKind = 40
const depthMax = 10

/** Words that rules stumble over: empty, too long, wrong case, paths, addresses, shares, keys, other kinds' enumerations. */
const words = [
  '',
  'a',
  'A',
  'a b',
  'x'.repeat(300),
  '..',
  '../a',
  '/a',
  '/',
  'a/b',
  'a/b/c',
  '10.0.0.1',
  '10.0.0.0/8',
  '::1',
  '::/0',
  '25%',
  '-1%',
  'ü',
  'true',
  'In',
  'Exists',
  'Always',
  'None',
  "metadata.labels['a']",
  '* * * * *',
  '@every 1s',
  'https://a/b',
  'cpu',
  'hugepages-2Mi',
  'example.com/gpu',
  '\u0000',
]
const quantities: readonly (string | number)[] = ['1', '-1', '100m', '1.5Gi', 0, '1e3', '2Mi']
const numbers = [0, 1, -1, 80, 65536, 2 ** 31, 1001, 0.5]

for (const kind of allKinds) {
  // Without a schema of the API's there is no type to draw from.
  if (kind.group === 'keelson.dev' || kind.group === 'metrics.k8s.io') continue
  test(`${kindKey(kind)} judges whatever its type allows`, () => {
    const random = seededRandom(kind.plural.length * 1000 + kind.kind.length)
    for (let i = 0; i < objectsPerKind; i++) {
      const object = anyObject(kind, random)
      try {
        exercise(kind, object, anyObject(kind, random))
      } catch (error) {
        throw new Error(`not judged: ${JSON.stringify(object)}`, { cause: error })
      }
    }
  })
}

/** The way of two versions of an object through the kind's rules. A refusal is fine, an exception would be an answer 500. */
function exercise(kind: KindDefinition, object: KubeObject, next: KubeObject): void {
  kind.applyDefaults?.(object)
  kind.prepareForCreate(object, context)
  kind.warnings?.(object)
  const errors = [...(kind.validate?.(object) ?? []), ...(kind.validateCreate?.(object) ?? [])]
  for (const column of kind.columns) column.cell(object, testNowMs)
  for (const read of Object.values(kind.selectableFields ?? {})) assert.equal(typeof read(object), 'string')
  kind.gracefulDeletion?.(object, undefined)
  frozen(object)
  kind.applyDefaults?.(next)
  const [main, status] = [deepClone(next), deepClone(next)]
  kind.prepareForUpdate(main, object, context)
  errors.push(...(kind.validate?.(main, object) ?? []), ...(kind.validateUpdate?.(main, object) ?? []))
  kind.prepareForStatusUpdate(status, object, context)
  errors.push(...(kind.validateStatusUpdate?.(status, object) ?? []))
  for (const sub of Object.values(kind.subresourceUpdates ?? {})) {
    const through = deepClone(next)
    sub.prepare(through, object, context)
    errors.push(...sub.validate(through, object))
  }
  for (const error of errors) {
    // Rules of schemas speak of undefined themselves.
    const message = error.message.replace(/must be (?:true or )?undefined/, '')
    assert.ok(!message.includes('undefined'), `${error.field}: ${error.message}`)
  }
  if (kind.storedAs) kind.storedAs.fromStored(kind.storedAs.toStored(deepClone(next)))
}

function anyObject(kind: KindDefinition, random: Random): KubeObject {
  const value = anyValue({ $ref: `#/definitions/${kind.schema}` }, random, 0) as KubeObject
  value.metadata = {
    name: 'sample',
    uid: 'u',
    ...(random.next() < 0.5 ? { deletionTimestamp: '2026-06-01T11:00:00Z' } : {}),
    ...(kind.scope === 'Namespaced' ? { namespace: 'default' } : {}),
  }
  const object = schemaSet.prune(kind.schema, value)
  // As rules see it: what is empty and always written is there, as null where it is a list or a time.
  schemaSet.fillZeroValues(kind.schema, object)
  return object
}

function pick<V>(values: readonly V[], random: Random): V {
  return values[Math.floor(random.next() * values.length)]!
}

function anyValue(schema: Schema, random: Random, depth: number): unknown {
  if (schema.$ref) {
    const reference = schema.$ref.replace('#/definitions/', '')
    if (reference.endsWith('.Quantity')) return pick(quantities, random)
    if (reference.endsWith('.Time')) return '2026-06-01T11:00:00Z'
    if (reference.endsWith('.MicroTime')) return '2026-06-01T11:00:00.000000Z'
    if (reference.endsWith('.IntOrString')) return random.next() < 0.5 ? pick([0, 1, -1, 80, 70000], random) : pick(words, random)
    return anyValue(definitions[reference]!, random, depth + 1)
  }
  if (schema.enum && random.next() < 0.8) return pick(schema.enum, random)
  switch (schema.type) {
    case 'integer':
      return pick(numbers.filter(Number.isInteger), random)
    case 'number':
      return pick(numbers, random)
    case 'boolean':
      return random.next() < 0.5
    case 'string':
      return schema.format === 'byte' ? pick(['', 'c2FtcGxl'], random) : pick(words, random)
    case 'array':
      return depth > depthMax ? [] : Array.from({ length: Math.floor(random.next() * 3) }, () => anyValue(schema.items!, random, depth + 1))
    default:
      if (depth > depthMax) return {}
      if (schema.additionalProperties) return { [pick(words, random)]: anyValue(schema.additionalProperties, random, depth + 1) }
      return Object.fromEntries(
        Object.entries(schema.properties ?? {})
          .filter(([field]) => field !== 'managedFields' && random.next() < (depth < 3 ? 0.8 : 0.4))
          .map(([field, child]) => [field, anyValue(child, random, depth + 1)]),
      )
  }
}
