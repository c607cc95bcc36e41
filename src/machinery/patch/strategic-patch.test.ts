import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import definitions from '../../kinds/generated/schemas.json' with { type: 'json' }
import type { Schema } from '../schema/schema-node.ts'
import { loadSchemas } from '../schema/schema-set.ts'
import { StatusError } from '../status-error.ts'
import { applyStrategicPatch } from './strategic-patch.ts'

const schemas = loadSchemas(definitions as unknown as Record<string, Schema>)
const podSpec = schemas.lookup('io.k8s.api.core.v1.PodSpec')
const deploymentSpec = schemas.lookup('io.k8s.api.apps.v1.DeploymentSpec')
const meta = schemas.lookup('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta')

test('merges lists by their key and everything else as a merge patch', () => {
  const check = (schema: typeof podSpec, object: unknown, patch: unknown, expected: unknown) => {
    const before = structuredClone([object, patch])
    assert.deepEqual(applyStrategicPatch(object, patch, schema), expected)
    assert.deepEqual([object, patch], before)
  }
  const two = {
    containers: [
      { name: 'a', image: '1' },
      { name: 'b', image: '2' },
    ],
  }
  check(
    podSpec,
    two,
    { containers: [{ name: 'b', image: '3' }] },
    {
      containers: [
        { name: 'a', image: '1' },
        { name: 'b', image: '3' },
      ],
    },
  )
  check(podSpec, two, { containers: [{ name: 'c' }] }, { containers: [{ name: 'c' }, ...two.containers] })
  check(podSpec, two, { containers: [{ name: 'b' }, { name: 'a' }] }, { containers: [two.containers[1], two.containers[0]] })
  check(podSpec, two, { containers: [{ name: 'a', $patch: 'delete' }] }, { containers: [{ name: 'b', image: '2' }] })
  check(podSpec, two, { containers: [{ name: 'z' }, { $patch: 'replace' }] }, { containers: [{ name: 'z' }] })
  check(podSpec, two, { containers: null }, {})
  check(podSpec, { nodeSelector: { a: '1', b: '2' } }, { nodeSelector: { a: null, c: '3' } }, { nodeSelector: { b: '2', c: '3' } })
  check(podSpec, { nodeSelector: { a: '1' } }, { nodeSelector: { $patch: 'replace', c: '3' } }, { nodeSelector: { c: '3' } })
  check(podSpec, { securityContext: { runAsUser: 1 } }, { securityContext: { $patch: 'delete' } }, { securityContext: {} })
  check(podSpec, { tolerations: [{ key: 'a' }] }, { tolerations: [{ key: 'b' }] }, { tolerations: [{ key: 'b' }] })
  check(
    podSpec,
    {},
    {
      containers: [
        { name: 'a', image: null },
        { name: 'b', $patch: 'replace' },
      ],
    },
    { containers: [{ name: 'a' }] },
  )
  check(podSpec, {}, { nodeSelector: { $patch: 'replace', a: '1' } }, {})
})

test('merges lists of primitives, deletes from them and orders them', () => {
  const check = (object: unknown, patch: unknown, expected: unknown) => assert.deepEqual(applyStrategicPatch(object, patch, meta), expected)
  check({ finalizers: ['a', 'b'] }, { finalizers: ['c', 'b'] }, { finalizers: ['c', 'a', 'b'] })
  check({ finalizers: ['a', 'b', 'c'] }, { '$deleteFromPrimitiveList/finalizers': ['b'] }, { finalizers: ['a', 'c'] })
  check({ finalizers: ['a', 'b', 'c'] }, { '$setElementOrder/finalizers': ['c', 'a'] }, { finalizers: ['b', 'c', 'a'] })
  check({ finalizers: ['a'] }, { '$setElementOrder/finalizers': [], finalizers: ['b'] }, { finalizers: ['a', 'b'] })
  check({ finalizers: ['a'] }, { '$deleteFromPrimitiveList/finalizers': ['a'], finalizers: ['b'] }, { finalizers: ['b'] })
})

test('keeps to the stated order of items', () => {
  const check = (object: unknown, patch: unknown, expected: string[]) => {
    const { containers } = applyStrategicPatch(object, patch, podSpec) as { containers: { name: string }[] }
    assert.deepEqual(
      containers.map((c) => c.name),
      expected,
    )
  }
  const names = (...list: string[]) => ({ containers: list.map((name) => ({ name })) })
  const order = (...list: string[]) => ({ '$setElementOrder/containers': list.map((name) => ({ name })) })
  check(names('a', 'b', 'c'), order('c', 'a'), ['b', 'c', 'a'])
  check(names('a', 'b'), { ...order('a', 'x', 'b'), ...names('x') }, ['a', 'x', 'b'])
  check(names('a', 'server', 'b'), { ...order('a', 'b', 'x'), ...names('x') }, ['a', 'server', 'b', 'x'])
  check(names('a', 'b'), { ...order('a'), containers: [{ name: 'b', $patch: 'delete' }] }, ['a'])
})

test('has upstream’s order where items go, come and are there twice', () => {
  const check = (original: string, patch: object, expected: string) => {
    const { finalizers } = applyStrategicPatch({ finalizers: original.split('') }, patch, meta) as { finalizers: string[] }
    assert.equal(finalizers.join(''), expected, JSON.stringify([original, patch]))
  }
  check('bdd', { '$deleteFromPrimitiveList/finalizers': ['b'], finalizers: ['c'] }, 'dc')
  check('cbd', { '$setElementOrder/finalizers': [], '$deleteFromPrimitiveList/finalizers': ['c'], finalizers: ['b', 'a', 'a'] }, 'abd')
  check('da', { '$setElementOrder/finalizers': [], finalizers: ['x', 'y'] }, 'dayx')
  const owners = ['c', 'd', 'a'].map((uid) => ({ uid }))
  const patch = {
    '$setElementOrder/ownerReferences': [{ uid: 'a' }, { uid: 'b' }],
    ownerReferences: [{ uid: 'b' }, { uid: 'a', $patch: 'delete' }],
  }
  assert.deepEqual(applyStrategicPatch({ ownerReferences: owners }, patch, meta), {
    ownerReferences: [{ uid: 'c' }, { uid: 'd' }, { uid: 'b' }],
  })
})

test('keeps nulls of a new list whose order is stated, and drops those of others', () => {
  const list = [{ uid: 'a', name: null }]
  assert.deepEqual(applyStrategicPatch({}, { ownerReferences: list }, meta), { ownerReferences: [{ uid: 'a' }] })
  const ordered = { ownerReferences: list, '$setElementOrder/ownerReferences': [{ uid: 'a' }] }
  assert.deepEqual(applyStrategicPatch({}, ordered, meta), { ownerReferences: list })
})

test('retains only the named keys', () => {
  assert.deepEqual(
    applyStrategicPatch(
      { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } },
      { strategy: { $retainKeys: ['type'], type: 'Recreate' } },
      deploymentSpec,
    ),
    { strategy: { type: 'Recreate' } },
  )
  assert.deepEqual(
    applyStrategicPatch(
      { volumes: [{ name: 'v', emptyDir: {} }] },
      { volumes: [{ name: 'v', $retainKeys: ['name', 'hostPath'], hostPath: { path: '/' } }] },
      podSpec,
    ),
    { volumes: [{ name: 'v', hostPath: { path: '/' } }] },
  )
})

test('refuses malformed patches with a Status', () => {
  const check = (patch: unknown, code: number) =>
    assert.throws(
      () => applyStrategicPatch({ containers: [{ name: 'a' }], nodeSelector: {} }, patch, podSpec),
      (e) => e instanceof StatusError && e.code === code,
      JSON.stringify(patch),
    )
  check([], 400)
  check({ $patch: 'no' }, 400)
  check({ containers: [{ image: 'x' }] }, 422)
  check({ containers: [{ $patch: 'delete' }] }, 422)
  check({ containers: ['a'] }, 422)
  check({ containers: [[]] }, 422)
  check({ '$setElementOrder/containers': {} }, 400)
  check({ '$setElementOrder/containers': [{ name: 'b' }], containers: [{ name: 'c' }] }, 400)
  check({ nodeSelector: { $retainKeys: 1 } }, 400)
  check({ nodeSelector: { $retainKeys: [{}] } }, 400)
  check({ nodeSelector: { a: {}, '$setElementOrder/': [] } }, 422)
  check({ containers: null, '$setElementOrder/containers': [] }, 400)
  check({ containers: [{ name: 'a' }, { $patch: 'replace' }], '$setElementOrder/containers': [{ name: 'a' }] }, 400)
  check({ containers: [{ name: {} }], '$setElementOrder/containers': [{ name: {} }] }, 422)
  check({ initContainers: [], '$setElementOrder/initContainers': [] }, 422)
  check({ nodeSelector: { $retainKeys: ['a'], b: '1' } }, 400)
})

test('says no more of lists of lists than upstream’s server', () => {
  const message = 'the server rejected our request due to an error in our request'
  assert.throws(() => applyStrategicPatch({ containers: [] }, { containers: [[]] }, podSpec), { message, code: 422 })
})

const item = fc.record(
  {
    name: fc.constantFrom('a', 'b', 'c'),
    image: fc.constantFrom('1', '2', null),
    $patch: fc.constantFrom('delete', 'merge', 'replace', 'odd'),
  },
  { requiredKeys: [] },
)
const anyPatch = fc.record(
  {
    containers: fc.oneof(fc.array(item, { maxLength: 3 }), fc.constant(null), fc.constant('x')),
    '$setElementOrder/containers': fc.array(fc.record({ name: fc.constantFrom('a', 'b', 'c') }), { maxLength: 3 }),
    nodeSelector: fc.dictionary(fc.constantFrom('a', '$patch', '$retainKeys'), fc.constantFrom('x', null)),
    $patch: fc.constantFrom('merge', 'replace', 'delete'),
  },
  { requiredKeys: [] },
)

test('throws nothing but a StatusError', () => {
  fc.assert(
    fc.property(fc.uniqueArray(item, { selector: (i) => i.name, maxLength: 3 }), anyPatch, (items, patch) => {
      const object = { containers: items.filter((i) => i.name).map(({ name }) => ({ name })) }
      try {
        applyStrategicPatch(object, patch, podSpec)
      } catch (error) {
        assert.ok(error instanceof StatusError, String(error))
      }
    }),
    { numRuns: 300 },
  )
})
