import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { deepClone } from '../machinery/deep-clone.ts'
import type { KubeObject } from '../machinery/object.ts'
import { loadSchemas } from '../machinery/schema/schema-set.ts'
import { allKinds } from './all.ts'
import facts from './generated/resources.json' with { type: 'json' }
import schemas from './generated/schemas.json' with { type: 'json' }
import { kindKey } from './kind.ts'
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
const schemaSet = loadSchemas(definitions as never)
const folder = import.meta.dirname
const context = { now: '2026-06-01T12:00:00Z', user: 'tester' }

test('every general version of the API has a kind', () => {
  const missing = facts
    .filter((f) => /^v\d+$/.test(f.version))
    .filter((f) => !allKinds.some((k) => k.plural === f.plural && k.group === f.group && k.version === f.version))
  assert.deepEqual(missing, [])
})

test('kinds and plurals are unique', () => {
  const keys = allKinds.map(kindKey)
  assert.equal(new Set(keys).size, keys.length)
  const paths = allKinds.map((k) => `${k.group}/${k.version}/${k.plural}`)
  assert.equal(new Set(paths).size, paths.length)
})

test('a short name means one resource', () => {
  const owners = new Map<string, string>()
  for (const kind of allKinds)
    for (const name of kind.shortNames) {
      // One resource served in two versions or groups (events, autoscalers) has one short name.
      assert.equal(owners.get(name) ?? kind.plural, kind.plural, name)
      owners.set(name, kind.plural)
    }
})

const isWithoutFacts = ({ group }: { readonly group: string }) => group === 'keelson.dev' || group === 'metrics.k8s.io'

test('every kind of the API names a schema that is there', () => {
  for (const kind of allKinds) if (!isWithoutFacts(kind)) assert.ok(definitions[kind.schema], kind.schema)
})

test('a kind stored as another names one that is there and stored as itself', () => {
  for (const kind of allKinds) {
    if (!kind.storedAs) continue
    const { group = kind.group, version } = kind.storedAs
    const storage = allKinds.find((k) => k.group === group && k.version === version && k.kind === kind.kind)
    assert.ok(storage && !storage.storedAs, kindKey(kind))
  }
})

test('every kind has a file of its own, and every such file is in the list', () => {
  const listed = readFileSync(join(folder, 'all.ts'), 'utf8')
  const defining = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (path) => path.includes('/') && path.endsWith('.ts') && /= defineKind</.test(readFileSync(join(folder, path), 'utf8')),
  )
  assert.equal(defining.length, allKinds.length)
  for (const path of defining) {
    assert.ok(listed.includes(`'./${path}'`), path)
    assert.equal(readFileSync(join(folder, path), 'utf8').match(/= defineKind</g)?.length, 1, path)
  }
})

for (const kind of allKinds) {
  const key = kindKey(kind)
  test(`${key} bears an empty object`, () => {
    const empty = (): KubeObject => ({ metadata: {} })
    for (const column of kind.columns) column.cell({} as KubeObject, testNowMs)
    for (const column of kind.columns) column.cell(empty(), testNowMs)
    for (const read of Object.values(kind.selectableFields ?? {})) assert.equal(typeof read(empty()), 'string')
    const object = empty()
    kind.applyDefaults?.(object)
    kind.prepareForCreate(object, context)
    kind.validate?.(object)
    kind.validateCreate?.(object)
    const next = empty()
    kind.applyDefaults?.(next)
    kind.prepareForUpdate(next, object, context)
    kind.validateUpdate?.(next, object)
    const status = empty()
    kind.prepareForStatusUpdate(status, object, context)
    kind.validateStatusUpdate?.(status, object)
    for (const sub of Object.values(kind.subresourceUpdates ?? {})) {
      const through = empty()
      sub.prepare(through, object, context)
    }
  })

  if (isWithoutFacts(kind)) continue
  test(`${key} bears an object with every field set, and leaves the old one alone`, () => {
    const sample = () => {
      const object = sampleOf({ $ref: `#/definitions/${kind.schema}` }, '', 0) as KubeObject
      object.metadata = {
        name: 'sample',
        ...(kind.scope === 'Namespaced' ? { namespace: 'default' } : {}),
        uid: 'u',
        resourceVersion: '1',
        creationTimestamp: '2026-06-01T11:00:00Z',
      }
      return object
    }
    const pruned = schemaSet.prune(kind.schema, sample())
    assert.equal(schemaSet.decodeErrors(kind.schema, deepClone(pruned)).join(), '')
    assert.deepEqual(schemaSet.unknownFields(kind.schema, deepClone(pruned)), [])
    const object = deepClone(pruned)
    kind.applyDefaults?.(object)
    assert.deepEqual(schemaSet.unknownFields(kind.schema, object), [], 'defaults stay within the schema')
    const again = deepClone(object)
    kind.applyDefaults?.(again)
    assert.deepEqual(again, object, 'defaulting twice changes nothing')
    kind.prepareForCreate(object, context)
    assert.deepEqual(schemaSet.unknownFields(kind.schema, object), [], 'prepare stays within the schema')
    kind.validate?.(object)
    kind.validateCreate?.(object)
    for (const column of kind.columns) {
      const cell = column.cell(object, testNowMs)
      assert.notEqual(String(cell), 'NaN', column.name)
      assert.ok(!String(cell).includes('[object Object]'), column.name)
    }
    frozen(object)
    const next = deepClone(pruned)
    kind.applyDefaults?.(next)
    kind.prepareForUpdate(next, object, context)
    kind.validateUpdate?.(next, object)
    const status = deepClone(pruned)
    kind.applyDefaults?.(status)
    kind.prepareForStatusUpdate(status, object, context)
    kind.validateStatusUpdate?.(status, object)
    for (const sub of Object.values(kind.subresourceUpdates ?? {})) {
      const through = deepClone(pruned)
      kind.applyDefaults?.(through)
      sub.prepare(through, object, context)
      sub.validate(through, object)
    }
  })

  const { storedAs } = kind
  if (!storedAs) continue
  test(`${key} comes back from storage as it went in`, () => {
    const object = schemaSet.prune(kind.schema, sampleOf({ $ref: `#/definitions/${kind.schema}` }, '', 0)) as KubeObject
    object.metadata = { name: 'sample', namespace: 'default' }
    const stored = storedAs.toStored(deepClone(object))
    const { group = kind.group, version } = storedAs
    const storage = allKinds.find((k) => k.group === group && k.version === version && k.kind === kind.kind)!
    assert.deepEqual(schemaSet.unknownFields(storage.schema, deepClone(stored)), [])
    const { apiVersion: _a, kind: _k, metadata, ...back } = storedAs.fromStored(stored)
    const { apiVersion: _b, kind: _l, metadata: given, ...original } = object
    // What the older version has no field for is told in annotations beside.
    const { annotations: _n, ...named } = metadata
    assert.deepEqual({ ...back, metadata: named }, { ...original, metadata: given })
  })
}

const depthMax = 14

/** A value with every field set once; enumerations take their first word. */
function sampleOf(schema: Schema, name: string, depth: number): unknown {
  if (schema.$ref) {
    const reference = schema.$ref.replace('#/definitions/', '')
    if (reference.endsWith('.Quantity')) return '1'
    if (reference.endsWith('.Time')) return '2026-06-01T11:00:00Z'
    if (reference.endsWith('.MicroTime')) return '2026-06-01T11:00:00.000000Z'
    if (reference.endsWith('.IntOrString')) return 80
    return sampleOf(definitions[reference]!, name, depth + 1)
  }
  if (schema.enum) return schema.enum.find((word) => word !== '')
  switch (schema.type) {
    case 'integer':
    case 'number':
      return 1
    case 'boolean':
      return true
    case 'string':
      return schema.format === 'byte' ? 'c2FtcGxl' : 'sample'
    case 'array':
      return depth > depthMax ? [] : [sampleOf(schema.items!, name, depth + 1)]
    default:
      if (schema.additionalProperties) return { sample: sampleOf(schema.additionalProperties, name, depth + 1) }
      if (!schema.properties) return {}
      // Schemas of custom resources contain themselves.
      if (depth > depthMax) return {}
      return Object.fromEntries(
        Object.entries(schema.properties)
          .filter(([field]) => field !== 'managedFields')
          .map(([field, child]) => [field, sampleOf(child, field, depth + 1)]),
      )
  }
}
