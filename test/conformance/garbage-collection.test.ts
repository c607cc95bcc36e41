import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startConformanceCluster } from './conformance-cluster.ts'
import { exists, follow, isControlledBy, podsOf, podTemplate, selects, untilReady } from './workloads.ts'

const c = await startConformanceCluster()
after(() => c.close())
const core = c.clientset.coreV1()
const apps = c.clientset.appsV1()

async function createRc(namespace: string, name: string, replicas: number) {
  return core
    .replicationControllers(namespace)
    .create({ metadata: { name }, spec: { replicas, selector: { name }, template: podTemplate(name) } })
}

test('Garbage collector should delete pods created by rc when not orphaning', async () => {
  const ns = await c.namespace('gc-background')
  await createRc(ns, 'rc', 2)
  await c.until('a pod', async () => (await podsOf(c, ns, 'rc')).length > 0)
  await core.replicationControllers(ns).delete('rc', { propagationPolicy: 'Background' })
  await c.until('no pods', async () => (await podsOf(c, ns, 'rc')).length === 0)
})

test('Garbage collector should orphan pods created by rc if delete options say so', async () => {
  const ns = await c.namespace('gc-orphan')
  await createRc(ns, 'rc', 10)
  await untilReady(c, ns, 'rc', 10)
  await core.replicationControllers(ns).delete('rc', { propagationPolicy: 'Orphan' })
  await c.until('the rc is gone', async () => !(await exists(() => core.replicationControllers(ns).get('rc'))))
  await c.throughout('all pods stay', async () => (await podsOf(c, ns, 'rc')).length === 10, 30_000)
  assert.ok((await podsOf(c, ns, 'rc')).every(({ metadata }) => !metadata.ownerReferences?.length))
})

test('Garbage collector should keep the rc around until all its pods are deleted if the deleteOptions says so', async () => {
  const ns = await c.namespace('gc-foreground')
  await createRc(ns, 'rc', 10)
  await untilReady(c, ns, 'rc', 10)
  const controllers = core.replicationControllers(ns)
  const [own, pods] = [await follow(c, controllers), await follow(c, core.pods(ns), 'name=rc')]
  await controllers.delete('rc', { propagationPolicy: 'Foreground' })
  const deleting = (await controllers.get('rc')).metadata
  assert.ok(deleting.deletionTimestamp && deleting.finalizers?.includes('foregroundDeletion'))
  const revision = Number((await own.until('the rc goes', 'DELETED')).metadata.resourceVersion)
  const ends = pods.events.filter(({ type }) => type === 'DELETED').map(({ object }) => Number(object.metadata.resourceVersion))
  assert.equal(ends.length, 10)
  assert.ok(
    ends.every((end) => end < revision),
    'the rc went before its pods',
  )
  assert.equal(pods.events.filter(({ type }) => type === 'ADDED').length, 0, 'no pod is made any more')
  await Promise.all([own.stop(), pods.stop()])
})

test('Garbage collector should delete RS created by deployment when not orphaning', async () => {
  const ns = await c.namespace('gc-deployment')
  await apps.deployments(ns).create({ metadata: { name: 'd' }, spec: { replicas: 2, ...selects('d'), template: podTemplate('d') } })
  await c.until('a replica set', async () => (await apps.replicaSets(ns).list()).items.length === 1)
  await apps.deployments(ns).delete('d', { propagationPolicy: 'Background' })
  await c.until('all is gone', async () => (await apps.replicaSets(ns).list()).items.length + (await podsOf(c, ns, 'd')).length === 0)
})

test('Garbage collector should orphan RS created by deployment when deleteOptions.PropagationPolicy is Orphan', async () => {
  const ns = await c.namespace('gc-orphan-rs')
  await apps.deployments(ns).create({ metadata: { name: 'd' }, spec: { replicas: 2, ...selects('d'), template: podTemplate('d') } })
  await untilReady(c, ns, 'd', 2)
  await apps.deployments(ns).delete('d', { propagationPolicy: 'Orphan' })
  await c.until('the deployment is gone', async () => !(await exists(() => apps.deployments(ns).get('d'))))
  const [set] = (await apps.replicaSets(ns).list()).items
  assert.equal(set?.metadata.ownerReferences?.length ?? 0, 0)
  await c.throughout('set and pods stay', async () => (await podsOf(c, ns, 'd')).every((pod) => isControlledBy(pod, set!)), 10_000)
  assert.equal((await podsOf(c, ns, 'd')).length, 2)
})

const bothOwners = [
  'Garbage collector should not delete dependents that have both valid owner and owner that',
  's waiting for dependents to be deleted',
].join("'")
test(bothOwners, async () => {
  const ns = await c.namespace('gc-both')
  await createRc(ns, 'rc1', 10)
  await untilReady(c, ns, 'rc1', 10)
  const other = await core
    .replicationControllers(ns)
    .create({ metadata: { name: 'rc2' }, spec: { replicas: 0, selector: { name: 'rc2' }, template: podTemplate('rc2') } })
  const kept = (await podsOf(c, ns, 'rc1')).slice(0, 5)
  const reference = { apiVersion: 'v1', kind: 'ReplicationController', name: 'rc2', uid: other.metadata.uid ?? '' }
  for (const { metadata } of kept)
    await core.pods(ns).patch(metadata.name!, { type: 'strategic', body: { metadata: { ownerReferences: [reference] } } })
  await core.replicationControllers(ns).delete('rc1', { propagationPolicy: 'Foreground' })
  await c.until('rc1 is gone', async () => !(await exists(() => core.replicationControllers(ns).get('rc1'))))
  const left = await podsOf(c, ns, 'rc1')
  assert.deepEqual(new Set(left.map(({ metadata }) => metadata.uid)), new Set(kept.map(({ metadata }) => metadata.uid)))
  for (const { metadata } of left) {
    assert.equal(metadata.deletionTimestamp, undefined)
    assert.deepEqual(
      metadata.ownerReferences?.map(({ name }) => name),
      ['rc2'],
    )
  }
})

test('Garbage collector should not be blocked by dependency circle', async () => {
  const ns = await c.namespace('gc-circle')
  const pods = await Promise.all(['pod1', 'pod2', 'pod3'].map((name) => c.createPod(ns, name)))
  const own = (index: number, owner: number) => {
    const { name = '', uid = '' } = pods[owner]!.metadata
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Pod', name, uid, controller: true, blockOwnerDeletion: true }]
    return core.pods(ns).patch(pods[index]!.metadata.name!, { type: 'merge', body: { metadata: { ownerReferences } } })
  }
  await own(0, 2)
  await own(1, 0)
  await own(2, 1)
  await core.pods(ns).delete('pod1', { propagationPolicy: 'Foreground' })
  await c.until('all are gone', async () => (await core.pods(ns).list()).items.length === 0)
})

test('Namespaces should ensure that all pods are removed when a namespace is deleted', async () => {
  const ns = await c.namespace('nsdeletetest-pods')
  await c.createPod(ns, 'test-pod')
  await c.until('running', () => c.isRunning(ns, 'test-pod'))
  await core.namespaces().delete(ns)
  await c.until('the namespace is gone', async () => !(await exists(() => core.namespaces().get(ns))))
  await c.namespace(ns)
  assert.equal((await core.pods(ns).list()).items.length, 0)
})

test('Namespaces should ensure that all services are removed when a namespace is deleted', async () => {
  const ns = await c.namespace('nsdeletetest-services')
  await core.services(ns).create({ metadata: { name: 'test-service' }, spec: { selector: { a: 'b' }, ports: [{ port: 80 }] } })
  await core.namespaces().delete(ns)
  await c.until('the namespace is gone', async () => !(await exists(() => core.namespaces().get(ns))))
  await c.namespace(ns)
  assert.equal((await core.services(ns).list()).items.length, 0)
})

test('OrderedNamespaceDeletion namespace deletion should delete pod first', async () => {
  const ns = await c.namespace('ordered')
  await c.createPod(ns, 'held', { finalizers: ['e2e.example.com/finalizer'] })
  await core.configMaps(ns).create({ metadata: { name: 'cm' }, data: { a: 'b' } })
  await core.namespaces().delete(ns)
  await c.until('the pod is being deleted', async () => (await c.pod(ns, 'held')).metadata.deletionTimestamp !== undefined)
  await c.throughout('the config map waits', () => exists(() => core.configMaps(ns).get('cm')), 20_000)
  const told = (await core.namespaces().get(ns)).status?.conditions ?? []
  assert.equal(told.find(({ type }) => type === 'NamespaceFinalizersRemaining')?.status, 'True')
  await core.pods(ns).patch('held', { type: 'merge', body: { metadata: { finalizers: null } } })
  await c.until('the namespace is gone', async () => !(await exists(() => core.namespaces().get(ns))))
})
