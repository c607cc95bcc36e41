import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { ReplicationController } from '../../src/kinds/generated/types/core-v1.ts'
import { startConformanceCluster } from './conformance-cluster.ts'
import { checkScale, checkStatusWrites, exists, follow, isControlledBy, podsOf, podTemplate, selects, untilReady } from './workloads.ts'

const c = await startConformanceCluster()
after(() => c.close())
const core = c.clientset.coreV1()
const apps = c.clientset.appsV1()
const ns = await c.namespace('replicas')
const sets = apps.replicaSets(ns)
const controllers = core.replicationControllers(ns)

const replicaSet = (name: string, replicas: number) => ({
  metadata: { name, labels: { name } },
  spec: { replicas, ...selects(name), template: podTemplate(name) },
})
const controller = (name: string, replicas: number) => ({
  metadata: { name, labels: { name } },
  spec: { replicas, selector: { name }, template: podTemplate(name) },
})

test('ReplicaSet should serve a basic image on each replica with a public image', async () => {
  await sets.create(replicaSet('serves', 2))
  await untilReady(c, ns, 'serves', 2)
  assert.ok((await podsOf(c, ns, 'serves')).every(({ status }) => status?.podIP))
})

test('ReplicaSet Replicaset should have a working scale subresource', async () => {
  await sets.create(replicaSet('scaled', 1))
  await untilReady(c, ns, 'scaled', 1)
  await checkScale(c, sets, { namespace: ns, name: 'scaled' })
})

test('ReplicaSet Replace and Patch tests', async () => {
  await sets.create(replicaSet('patched', 1))
  await untilReady(c, ns, 'patched', 1)
  await sets.scale('patched', 2)
  await untilReady(c, ns, 'patched', 2)
  type Scale = { spec: { replicas: number }; status: { replicas: number } }
  const scale = () => sets.subresource<undefined, Scale>('patched', 'scale', undefined, { method: 'GET' })
  await c.until('two are counted', async () => (await scale()).status.replicas === 2)
  assert.equal((await scale()).spec.replicas, 2)
  const image = 'registry.example/pause:2'
  const body = {
    metadata: { labels: { 'test-rs': 'patched' } },
    spec: { replicas: 3, template: { spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image }] } } },
  }
  const watch = await follow(c, sets, 'name=patched')
  await sets.patch('patched', { type: 'strategic', body })
  const { metadata, spec } = await watch.until('patched', 'MODIFIED', (set) => set.metadata.labels?.['test-rs'] === 'patched')
  assert.deepEqual([spec?.template?.spec?.containers[0]?.image, spec?.template?.spec?.terminationGracePeriodSeconds], [image, 0])
  assert.equal((await sets.get('patched')).metadata.uid, metadata.uid)
  await watch.until('the third', 'MODIFIED', ({ status }) => status?.readyReplicas === 3)
  await watch.stop()
})

test('ReplicaSet should adopt matching pods on creation and release no longer matching pods', async () => {
  await c.createPod(ns, 'orphan', { labels: { name: 'adopting' } })
  const set = await sets.create(replicaSet('adopting', 1))
  await c.until('adopted', async () => isControlledBy(await c.pod(ns, 'orphan'), set))
  await core.pods(ns).patch('orphan', { type: 'merge', body: { metadata: { labels: { name: 'not-matching' } } } })
  await c.until('released', async () => !(await c.pod(ns, 'orphan')).metadata.ownerReferences?.length)
  await untilReady(c, ns, 'adopting', 1)
})

test('ReplicaSet should list and delete a collection of ReplicaSets', async () => {
  await sets.create(replicaSet('collected', 3))
  await untilReady(c, ns, 'collected', 3)
  assert.equal((await apps.replicaSets().list({ labelSelector: 'name=collected' })).items.length, 1)
  await sets.deleteCollection({ labelSelector: 'name=collected' })
  assert.equal((await apps.replicaSets().list({ labelSelector: 'name=collected' })).items.length, 0)
})

test('ReplicaSet should validate Replicaset Status endpoints', async () => {
  await sets.create(replicaSet('told', 1))
  await untilReady(c, ns, 'told', 1)
  await checkStatusWrites(c, sets, 'told')
})

test('ReplicationController should serve a basic image on each replica with a public image', async () => {
  await controllers.create(controller('rc-serves', 2))
  await untilReady(c, ns, 'rc-serves', 2)
  assert.ok((await podsOf(c, ns, 'rc-serves')).every(({ status }) => status?.podIP))
})

test('ReplicationController should adopt matching pods on creation', async () => {
  await c.createPod(ns, 'rc-orphan', { labels: { name: 'rc-adopting' } })
  const owner = await controllers.create(controller('rc-adopting', 1))
  await c.until('adopted', async () => isControlledBy(await c.pod(ns, 'rc-orphan'), owner))
})

test('ReplicationController should release no longer matching pods', async () => {
  const owner = await controllers.create(controller('rc-releasing', 1))
  await untilReady(c, ns, 'rc-releasing', 1)
  const [pod] = await podsOf(c, ns, 'rc-releasing')
  const name = pod!.metadata.name!
  await core.pods(ns).patch(name, { type: 'merge', body: { metadata: { labels: { name: 'not-matching' } } } })
  await c.until('released', async () => !isControlledBy(await c.pod(ns, name), owner))
})

test('ReplicationController should surface a failure condition on a common issue like exceeded quota', async () => {
  await core.resourceQuotas(ns).create({ metadata: { name: 'condition-test' }, spec: { hard: { pods: '0' }, scopes: ['BestEffort'] } })
  await c.until('the quota is counted', async () => (await core.resourceQuotas(ns).get('condition-test')).status?.hard?.pods === '0')
  await controllers.create(controller('refused', 3))
  const failure = async () => (await controllers.get('refused')).status?.conditions?.find(({ type }) => type === 'ReplicaFailure')
  await c.until('it is told', async () => (await failure())?.reason === 'FailedCreate')
  assert.match((await failure())?.message ?? '', /exceeded quota: condition-test/)
  assert.equal((await podsOf(c, ns, 'refused')).length, 0)
  const events = (await core.events(ns).list({ fieldSelector: 'involvedObject.name=refused,reason=FailedCreate' })).items
  assert.ok(events.length > 0 && events.every(({ type }) => type === 'Warning'))
  await controllers.scale('refused', 0)
  await c.until('it is over', async () => (await failure()) === undefined)
  await core.resourceQuotas(ns).delete('condition-test')
})

test('ReplicationController should get and update a ReplicationController scale', async () => {
  await controllers.create(controller('rc-scaled', 1))
  await untilReady(c, ns, 'rc-scaled', 1)
  await checkScale(c, controllers, { namespace: ns, name: 'rc-scaled' })
})

test('ReplicationController should test the lifecycle of a ReplicationController', async () => {
  const watch = await follow(c, controllers, 'name=rc-life')
  await controllers.create(controller('rc-life', 1))
  await watch.until('created', 'ADDED')
  await watch.until('it runs', 'MODIFIED', ({ status }) => status?.readyReplicas === 1)
  await controllers.patch('rc-life', { type: 'strategic', body: { metadata: { labels: { 'test-rc': 'patched' } } } })
  await watch.until('patched', 'MODIFIED', ({ metadata }) => metadata.labels?.['test-rc'] === 'patched')
  const body = { status: { readyReplicas: 0, availableReplicas: 0 } }
  await controllers.patch('rc-life', { type: 'merge', body }, { subresource: 'status' })
  await watch.until('none is said to be ready', 'MODIFIED', ({ status }) => !status?.readyReplicas)
  await watch.until('the controller brings the status back', 'MODIFIED', ({ status }) => status?.readyReplicas === 1)
  const read = await controllers.subresource<undefined, ReplicationController>('rc-life', 'status', undefined, { method: 'GET' })
  assert.deepEqual([read.kind, read.status?.replicas], ['ReplicationController', 1])
  await controllers.patch('rc-life', { type: 'merge', body: { spec: { replicas: 2 } } }, { subresource: 'scale' })
  await watch.until('scaled', 'MODIFIED', ({ spec, status }) => spec?.replicas === 2 && status?.readyReplicas === 2)
  const found = (await core.replicationControllers().list({ labelSelector: 'test-rc=patched' })).items
  assert.deepEqual(
    found.map(({ metadata }) => metadata.name),
    ['rc-life'],
  )
  await controllers.update({ ...found[0]!, spec: { ...found[0]!.spec, replicas: 1 } })
  await watch.until('updated', 'MODIFIED', ({ spec, status }) => spec?.replicas === 1 && status?.replicas === 1)
  await controllers.deleteCollection({ labelSelector: 'test-rc=patched' })
  // Its pods stay by default, and the collector leaves them to nobody before it goes.
  await watch.until('it is gone', 'DELETED')
  await watch.stop()
  assert.equal(await exists(() => controllers.get('rc-life')), false)
})
