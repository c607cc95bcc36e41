import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ManagedFieldsEntry } from '../../kinds/generated/types/meta-v1.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { shareValue } from '../../machinery/shared-value.ts'
import type { Revision } from '../../store/contract.ts'
import { adoptStored, decodeStored } from './cached-object.ts'
import { encodeStored } from './codec.ts'
import { Slabs } from './slabs.ts'

type Fields = { readonly metadata?: object; readonly [field: string]: unknown }
type Parsed = KubeObject & { readonly spec: object; readonly status: object }

const pod = ({ metadata, ...more }: Fields = {}) =>
  ({ kind: 'Pod', apiVersion: 'v1', metadata: { name: 'p', ...metadata }, spec: { a: 1 }, status: { b: [2] }, ...more }) as KubeObject

const entry = (more: Partial<ManagedFieldsEntry> = {}): ManagedFieldsEntry => ({
  manager: 'm',
  operation: 'Update',
  apiVersion: 'v1',
  time: '2026-01-01T00:00:00Z',
  fieldsType: 'FieldsV1',
  fieldsV1: { 'f:spec': { 'f:containers': { 'k:{"name":"c"}': { '.': {}, 'f:image': {} } } } },
  ...more,
})
const managed = (...managedFields: unknown[]) => pod({ metadata: { managedFields } })

/** What was just written, with the revision in it, and what a start has read, without. */
function parsed(object: KubeObject): readonly Parsed[] {
  const value = encodeStored(object)
  const slab = new Uint8Array(new SharedArrayBuffer(1 << 20))
  slab.set(value)
  const stored = [
    decodeStored(new Slabs(), value, 7 as Revision),
    adoptStored(new Slabs(), slab.subarray(0, value.length), 7 as Revision),
  ] as const
  return stored.map((cached) => {
    assert.equal(JSON.stringify(cached.object), cached.text)
    assert.deepEqual(cached.object, JSON.parse(cached.text))
    return cached.object as Parsed
  })
}

const status = { 'f:status': { 'f:phase': {} } }
const cases: Readonly<Record<string, KubeObject>> = {
  'no managers': pod(),
  'one manager': managed(entry()),
  'a subresource': managed(entry(), entry({ subresource: 'status', fieldsV1: status }), entry({ manager: 'z' })),
  'no fields': managed(entry({ fieldsV1: undefined }), entry()),
  'fields that are null': managed({ ...entry(), fieldsV1: null }, entry()),
  'fields of another form': managed({ ...entry(), fieldsV1: { a: 'x', subresource: 'y' } }, entry()),
  'an entry without a manager': managed(entry(), { operation: 'Update', fieldsType: 'FieldsV1', fieldsV1: status }),
  'an empty set': managed(entry({ fieldsV1: {} }), entry({ subresource: 'status' })),
  'names that read like the text between': managed(
    entry({ manager: '},{"manager":"' }),
    entry({ manager: '"fieldsV1":', subresource: ',"subresource":"' }),
    entry({ fieldsV1: { 'k:{"name":"},{\\"manager\\":\\""}': {}, 'v:",\\"subresource\\":\\""': {} } }),
  ),
  'annotations that read like more': pod({
    metadata: { annotations: { a: '},"spec":{', b: ',"managedFields":[' }, managedFields: [entry()] },
  }),
  'another language': pod({ metadata: { labels: { x: 'ü' }, managedFields: [entry({ manager: '名' })] }, spec: { a: '中' } }),
  'a status before the spec': {
    ...{ kind: 'Pod', apiVersion: 'v1', metadata: { name: 'p', managedFields: [entry()] } },
    ...{ status: { b: [2] }, spec: { c: [1] } },
  } as KubeObject,
  'something after the status': pod({ metadata: { managedFields: [entry()] }, more: { x: 1 } }),
  'no status': pod({ status: undefined }),
  'empty parts': pod({ spec: {}, status: {} }),
  'a status in the spec': pod({ spec: { x: { y: 1 }, status: { z: 1 } } }),
}
for (const [title, object] of Object.entries(cases))
  test(`a pod that is parsed in parts is what it is: ${title}`, () => {
    parsed(object)
  })

test('alike pods have one spec and one set of owned fields together', () => {
  const spec = shareValue({ containers: [{ name: 'shared by two' }] })
  const make = (name: string) => parsed(pod({ metadata: { name, managedFields: [entry(), entry({ fieldsV1: status })] }, spec }))
  const [one, other] = [...make('a'), ...make('b')]
  assert.equal(one!.spec, spec)
  assert.equal(other!.spec, spec)
  for (const i of [0, 1]) assert.equal(one!.metadata.managedFields![i]!.fieldsV1, other!.metadata.managedFields![i]!.fieldsV1)
  assert.notEqual(one!.status, other!.status)
})

test('of pods that differ in the node alone the rest of the spec is one', () => {
  const on = (nodeName: string) => parsed(pod({ spec: { containers: [{ name: 'on several nodes' }], nodeName } }))[0]!.spec
  const [one, other] = [on('n-1'), on('n-2')] as { nodeName: string; containers: unknown }[]
  assert.deepEqual([one!.nodeName, other!.nodeName], ['n-1', 'n-2'])
  assert.equal(one!.containers, other!.containers)
})
