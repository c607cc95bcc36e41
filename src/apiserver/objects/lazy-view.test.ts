import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KubeObject } from '../../machinery/object.ts'
import type { Revision } from '../../store/contract.ts'
import { decodeStored } from './cached-object.ts'
import { encodeStored } from './codec.ts'
import { deepFreeze } from './deep-freeze.ts'
import { createLazyViews } from './lazy-view.ts'
import { Slabs } from './slabs.ts'

type Pod = KubeObject & { readonly spec?: { readonly nodeName: string }; readonly status?: { readonly phase: string } }

const pod = (i: number): Pod => ({
  kind: 'Pod',
  apiVersion: 'v1',
  metadata: { name: `p-${i}`, labels: { app: 'web' } },
  spec: { nodeName: `n-${i}` },
  status: { phase: 'Running' },
})

function views(max: number) {
  const slabs = new Slabs()
  const view = createLazyViews({ freshMax: max, parsedMax: max })
  return (object: KubeObject, i: number) => view(decodeStored(slabs, encodeStored(object), (i + 1) as Revision)) as Pod
}

const stored = (object: KubeObject, i: number): KubeObject => ({
  ...object,
  metadata: { resourceVersion: String(i + 1), ...object.metadata },
})

test('views look like the objects, whether they are still parsed or no more', () => {
  const view = views(3)
  const all = Array.from({ length: 10 }, (_, i) => view(pod(i), i))
  for (const [i, one] of all.entries()) {
    assert.equal(one.spec?.nodeName, `n-${i}`)
    assert.deepEqual(one, stored(pod(i), i))
    assert.deepEqual({ ...one }, stored(pod(i), i))
    assert.deepEqual(JSON.parse(JSON.stringify(one)), stored(pod(i), i))
    assert.deepEqual(structuredClone(one), stored(pod(i), i))
    assert.deepEqual(Object.keys(one), ['kind', 'apiVersion', 'metadata', 'spec', 'status'])
    assert.deepEqual({ ...one, status: { phase: 'Failed' } }.status, { phase: 'Failed' })
  }
})

test('what was read lately is the same when it is read again, and older views let go of theirs', () => {
  const view = views(3)
  const first = view(pod(0), 0)
  const { status } = first
  assert.equal(first.status, status)
  for (let i = 1; i <= 3; i++) assert.ok(view(pod(i), i).status)
  assert.notEqual(first.status, status)
  assert.equal(first.status, first.status)
  assert.deepEqual(first.status, status)
})

test('whose spec is another in nothing but the node shares what is in it', () => {
  const view = views(1)
  const of = (nodeName: string, i: number) => view({ ...pod(i), spec: { containers: [{ name: 'a' }], nodeName } } as KubeObject, i)
  const specs = [of('n-1', 0), of('n-2', 1), of('n-3', 2)].map(({ spec }) => spec as { nodeName: string; containers: unknown })
  assert.deepEqual(
    specs.map(({ nodeName }) => nodeName),
    ['n-1', 'n-2', 'n-3'],
  )
  assert.equal(specs[2]!.containers, specs[1]!.containers)
})

test('a view that somebody froze is still parsed again', () => {
  const view = views(1)
  const frozen = deepFreeze(view(pod(0), 0))
  assert.ok(view(pod(1), 1).status)
  assert.deepEqual(frozen.status, { phase: 'Running' })
})

test('fields that an object lacks are not there', () => {
  const one = views(1)({ kind: 'Pod', apiVersion: 'v1', metadata: { name: 'x', managedFields: [{ manager: 'm' }] } }, 0)
  assert.equal('spec' in one, false)
  assert.deepEqual(one, stored({ kind: 'Pod', apiVersion: 'v1', metadata: { name: 'x' } }, 0))
})

const managedFields = [{ manager: 'm', operation: 'Update', fieldsV1: { 'f:spec': {} } }] as const

const lastStates: [string, KubeObject['metadata']][] = [
  ['with managed fields', { name: 'x', annotations: { a: ',"managedFields":[' }, managedFields: [...managedFields] }],
  ['without', { name: 'x', labels: { a: 'b' } }],
]
for (const [title, metadata] of lastStates)
  test(`the last state of an object ${title} looks like it, too`, () => {
    const object = { ...pod(0), metadata }
    const cached = decodeStored(new Slabs(), encodeStored(object), 1 as Revision)
    const last = createLazyViews()(cached)
    const { managedFields: _, ...kept } = metadata
    assert.deepEqual(last.metadata, { resourceVersion: '1', ...kept })
    assert.deepEqual(last, stored({ ...object, metadata: kept }, 0))
  })
