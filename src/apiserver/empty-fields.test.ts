/** What is answered of fields that nobody set, where upstream's types write them all the same: times, lists and pointers as null. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { seededRandom } from '../base/random.ts'
import type { KubeObject } from '../machinery/object.ts'
import { virtualClock } from '../platform/virtual-clock.ts'
import type { StoreKey } from '../store/contract.ts'
import { createMemoryStore } from '../store/memory.ts'
import { encodeStored } from './objects/codec.ts'
import { createTestApi } from './test-api.ts'
import { at, rawRequest, sender, type TestJson } from './test-requests.ts'

const store = createMemoryStore()
/** As a release wrote it that left out what is null. */
const older = {
  ...{ kind: 'Deployment', apiVersion: 'apps/v1', metadata: { name: 'older', namespace: 'default', uid: 'u', generation: 1 } },
  spec: {
    ...{ replicas: 1, selector: { matchLabels: { a: 'b' } }, strategy: {} },
    template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i', resources: {} }] } },
  },
  status: { conditions: [{ type: 'Told', status: 'True' }] },
} as KubeObject
const key = '/registry/apps/deployments/default/older' as StoreKey
await store.commit([{ type: 'put', key, value: encodeStored(older), expected: 'absent' }])
const { api } = await createTestApi({ clock: virtualClock(), random: seededRandom(6), store })
after(() => api.close())
const send = sender(api)

const core = '/api/v1/namespaces/default'
const time = '2026-01-01T00:00:00Z'
const container = { name: 'c', image: 'i' }
const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [container] } }
const workload = { selector: { matchLabels: { a: 'b' } }, template }

async function made(collection: string, body: object): Promise<string> {
  const { code, json, text } = await send('POST', collection, { body })
  assert.equal(code, 201, text)
  return `${collection}/${String(at(json, 'metadata.name'))}`
}

async function told(url: string, status: object): Promise<TestJson> {
  const { code, json, text } = await send('PATCH', `${url}/status`, { body: { status }, type: 'application/merge-patch+json' })
  assert.equal(code, 200, text)
  return json
}

/** The object of a watch's first event. */
async function firstWatched(url: string): Promise<TestJson> {
  const hangUp = new AbortController()
  const { body } = await rawRequest(api, 'GET', url, { signal: hangUp.signal })
  assert.ok(!(body instanceof Uint8Array))
  for await (const block of body) {
    hangUp.abort()
    return at(JSON.parse(Buffer.from(block).toString().split('\n')[0]!), 'object') as TestJson
  }
  throw new Error('the watch ended without an event')
}

const condition = { type: 'Told', status: 'True', reason: 'Test', message: 'm' }
const conditionsOf = (json: TestJson) => at(json, 'status.conditions') as readonly TestJson[]
const toldOf = (json: TestJson) => conditionsOf(json).find(({ type }) => type === 'Told')
const untimed = { lastProbeTime: null, lastTransitionTime: null }

test('a condition without times has them as null in every answer, and whoever wrote it owns them', async () => {
  const url = await made(`${core}/pods`, { metadata: { name: 'p' }, spec: { containers: [container] } })
  const wanted = { ...condition, ...untimed }
  const answer = await told(url, { conditions: [condition] })
  assert.deepEqual(toldOf(answer), wanted)
  assert.match(JSON.stringify(at(answer, 'metadata.managedFields')), /\{"f:lastProbeTime":\{\},|,"f:lastProbeTime":\{\}/)
  assert.deepEqual(toldOf((await send('GET', url)).json), wanted)
  const listed = (await send('GET', `${core}/pods?fieldSelector=metadata.name%3Dp`)).json
  assert.deepEqual(toldOf(at(listed, 'items.0') as TestJson), wanted)
  assert.match((await send('GET', url, { accept: 'application/yaml' })).text, /lastProbeTime: null\n/)
  const table = await send('GET', `${url}?includeObject=Object`, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' })
  assert.deepEqual(toldOf(at(table.json, 'rows.0.object') as TestJson), wanted)
  assert.deepEqual(toldOf(await firstWatched(`${core}/pods?watch=1&resourceVersion=0&fieldSelector=metadata.name%3Dp`)), wanted)
})

test('a time that is taken away is null again, and null for null is no change', async () => {
  const url = await made(`${core}/pods`, { metadata: { name: 'taken' }, spec: { containers: [container] } })
  await told(url, { conditions: [{ ...condition, lastProbeTime: time }] })
  const taken = await told(url, { conditions: [condition] })
  assert.deepEqual(toldOf(taken), { ...condition, ...untimed })
  for (const same of [condition, { ...condition, ...untimed }]) {
    const { metadata } = await told(url, { conditions: [same] })
    assert.deepEqual(metadata, taken.metadata)
  }
})

test('a container that ended without times has both as null', async () => {
  const url = await made(`${core}/pods`, { metadata: { name: 'ended' }, spec: { containers: [container] } })
  const state = { terminated: { exitCode: 137 } }
  const json = await told(url, { containerStatuses: [{ name: 'c', state, lastState: { running: {} } }] })
  assert.deepEqual(at(json, 'status.containerStatuses.0.state'), { terminated: { exitCode: 137, startedAt: null, finishedAt: null } })
  assert.deepEqual(at(json, 'status.containerStatuses.0.lastState'), { running: { startedAt: null } })
})

test('a pod that is bound, and one that is evicted, has conditions of the same form', async () => {
  const url = await made(`${core}/pods`, { metadata: { name: 'bound' }, spec: { containers: [container] } })
  await send('POST', `${url}/binding`, { body: { metadata: { name: 'bound' }, target: { kind: 'Node', name: 'n' } } })
  await told(url, { phase: 'Running' })
  await send('POST', `${url}/eviction`, { body: { metadata: { name: 'bound' } } })
  const conditions = conditionsOf((await send('GET', url)).json)
  assert.deepEqual(
    conditions.map(({ type, lastProbeTime }) => [type, lastProbeTime]),
    [
      ['PodScheduled', null],
      ['DisruptionTarget', null],
    ],
  )
})

const both = { lastUpdateTime: null, lastTransitionTime: null }
const one = { lastTransitionTime: null }
const claimSpec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }
const autoscaled = { maxReplicas: 1, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' } }
const flowSchema = { matchingPrecedence: 2, priorityLevelConfiguration: { name: 'global-default' } }
for (const [collection, spec, times] of [
  ['/apis/apps/v1/namespaces/default/deployments', workload, both],
  ['/apis/apps/v1/namespaces/default/replicasets', workload, one],
  ['/apis/apps/v1/namespaces/default/daemonsets', workload, one],
  ['/apis/apps/v1/namespaces/default/statefulsets', { ...workload, serviceName: 's' }, one],
  [`${core}/replicationcontrollers`, { selector: { a: 'b' }, template }, one],
  ['/apis/batch/v1/namespaces/default/jobs', { template: { spec: { ...template.spec, restartPolicy: 'Never' } } }, untimed],
  [`${core}/persistentvolumeclaims`, claimSpec, untimed],
  ['/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers', autoscaled, one],
  ['/api/v1/nodes', {}, { lastHeartbeatTime: null, lastTransitionTime: null }],
  ['/api/v1/namespaces', {}, one],
  ['/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas', flowSchema, one],
] as const)
  test(`a condition of ${collection.slice(collection.lastIndexOf('/') + 1)} that came without times has them as null`, async () => {
    const url = await made(collection, { metadata: { name: 'conditions' }, spec })
    assert.deepEqual(toldOf(await told(url, { conditions: [condition] })), { ...condition, ...times })
  })

test('what is empty in a spec is null, sent as an empty list or not at all', async () => {
  const roles = '/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles'
  for (const rules of [{ rules: [] }, { rules: null }, {}]) {
    const { json } = await send('POST', `${roles}?dryRun=All`, { body: { metadata: { name: 'empty' }, ...rules } })
    assert.equal(json.rules, null)
  }
  const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices'
  const slice = { metadata: { name: 'empty' }, addressType: 'IPv4', endpoints: [], ports: [] }
  const { json } = await send('POST', slices, { body: slice })
  assert.deepEqual([json.endpoints, json.ports], [null, null])
  const again = await send('PUT', `${slices}/empty`, { body: { ...slice, metadata: json.metadata } })
  assert.deepEqual(at(again.json, 'metadata.resourceVersion'), at(json, 'metadata.resourceVersion'))
  const dataSource = { kind: 'PersistentVolumeClaim', name: 'other' }
  const url = await made(`${core}/persistentvolumeclaims`, { metadata: { name: 'copy' }, spec: { ...claimSpec, dataSource } })
  const claim = (await send('GET', url)).json
  for (const field of ['dataSource', 'dataSourceRef']) assert.deepEqual(at(claim, `spec.${field}`), { apiGroup: null, ...dataSource })
})

test('an autoscaler without metrics has none in its status, and none in the older version’s annotations', async () => {
  const group = (version: string) => `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers`
  const url = await made(group('v2'), { metadata: { name: 'unmeasured' }, spec: autoscaled })
  assert.equal(at(await told(url, { currentReplicas: 1, desiredReplicas: 1 }), 'status.currentMetrics'), null)
  const { json, code } = await send('GET', `${group('v1')}/unmeasured`)
  assert.deepEqual([code, at(json, 'metadata.annotations')], [200, undefined])
})

test('an object of a store that was written without nulls is read, changed and told of', async () => {
  const url = '/apis/apps/v1/namespaces/default/deployments/older'
  const { json, code } = await send('GET', url)
  assert.deepEqual([code, toldOf(json)], [200, { type: 'Told', status: 'True' }])
  const labelled = await send('PATCH', url, { body: { metadata: { labels: { x: 'y' } } }, type: 'application/merge-patch+json' })
  assert.deepEqual([labelled.code, toldOf(labelled.json)], [200, { type: 'Told', status: 'True' }], labelled.text)
  const changed = await told(url, { conditions: [{ ...condition, message: 'another' }] })
  assert.deepEqual(toldOf(changed), { ...condition, message: 'another', ...both })
})
