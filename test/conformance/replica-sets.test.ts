import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startConformanceCluster } from './conformance-cluster.ts'
import { checkStatusWrites, exists, isControlledBy, podsOf, podTemplate, selects, untilReady } from './workloads.ts'

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
  type Scale = { metadata: object; spec: { replicas: number }; status: { replicas: number } }
  const scale = await sets.subresource<undefined, Scale>('scaled', 'scale', undefined, { method: 'GET' })
  assert.deepEqual([scale.spec.replicas, scale.status.replicas], [1, 1])
  await sets.subresource('scaled', 'scale', { ...scale, spec: { replicas: 2 } }, { method: 'PUT' })
  assert.equal((await sets.get('scaled')).spec?.replicas, 2)
  await sets.patch('scaled', { type: 'merge', body: { spec: { replicas: 4 } } }, { subresource: 'scale' })
  await untilReady(c, ns, 'scaled', 4)
})

test('ReplicaSet Replace and Patch tests', async () => {
  await sets.create(replicaSet('patched', 1))
  await untilReady(c, ns, 'patched', 1)
  await sets.scale('patched', 3)
  await untilReady(c, ns, 'patched', 3)
  const image = 'registry.example/pause:2'
  const body = {
    metadata: { labels: { 'test-rs': 'patched' } },
    spec: { replicas: 3, template: { spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image }] } } },
  }
  await sets.patch('patched', { type: 'strategic', body })
  const { metadata, spec } = await sets.get('patched')
  assert.deepEqual([metadata.labels?.['test-rs'], spec?.template?.spec?.containers[0]?.image], ['patched', image])
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
  const [updated, patched] = await checkStatusWrites(sets, 'told')
  assert.ok(updated.includes('StatusUpdate'))
  assert.deepEqual(patched, ['StatusPatched'])
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
  await controllers.scale('refused', 0)
  await c.until('it is over', async () => (await failure()) === undefined)
  await core.resourceQuotas(ns).delete('condition-test')
})

test('ReplicationController should get and update a ReplicationController scale', async () => {
  await controllers.create(controller('rc-scaled', 1))
  await untilReady(c, ns, 'rc-scaled', 1)
  type Scale = { spec: { replicas: number } }
  const scale = await controllers.subresource<undefined, Scale>('rc-scaled', 'scale', undefined, { method: 'GET' })
  assert.equal(scale.spec.replicas, 1)
  await controllers.subresource('rc-scaled', 'scale', { ...scale, spec: { replicas: 2 } }, { method: 'PUT' })
  await untilReady(c, ns, 'rc-scaled', 2)
  assert.equal((await controllers.get('rc-scaled')).spec?.replicas, 2)
})

test('ReplicationController should test the lifecycle of a ReplicationController', async () => {
  await controllers.create(controller('rc-life', 1))
  await untilReady(c, ns, 'rc-life', 1)
  await controllers.patch('rc-life', { type: 'merge', body: { metadata: { labels: { 'test-rc': 'patched' } } } })
  assert.equal((await controllers.get('rc-life')).metadata.labels?.['test-rc'], 'patched')
  await controllers.patch(
    'rc-life',
    { type: 'merge', body: { status: { readyReplicas: 0, availableReplicas: 0 } } },
    { subresource: 'status' },
  )
  await c.until('the controller brings the status back', async () => (await controllers.get('rc-life')).status?.readyReplicas === 1)
  await controllers.scale('rc-life', 2)
  await untilReady(c, ns, 'rc-life', 2)
  const found = (await core.replicationControllers().list({ labelSelector: 'test-rc=patched' })).items
  assert.deepEqual(
    found.map(({ metadata }) => metadata.name),
    ['rc-life'],
  )
  await controllers.update({ ...found[0]!, spec: { ...found[0]!.spec, replicas: 1 } })
  await untilReady(c, ns, 'rc-life', 1)
  await controllers.deleteCollection({ labelSelector: 'test-rc=patched' })
  // Its pods stay by default, and the collector leaves them to nobody before it goes.
  await c.until('it is gone', async () => !(await exists(() => controllers.get('rc-life'))))
})
