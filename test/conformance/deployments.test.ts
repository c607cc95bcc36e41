import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Deployment, DeploymentSpec } from '../../src/kinds/generated/types/apps-v1.ts'
import { startConformanceCluster } from './conformance-cluster.ts'
import { checkScale, checkStatusWrites, follow, isControlledBy, podsOf, podTemplate, readyCount, selects, untilReady } from './workloads.ts'

const c = await startConformanceCluster()
after(() => c.close())
const apps = c.clientset.appsV1()
const core = c.clientset.coreV1()
const ns = await c.namespace('deployments')
const deployments = apps.deployments(ns)
const sets = async (name: string) => (await apps.replicaSets(ns).list({ labelSelector: `name=${name}` })).items
const create = (name: string, replicas: number, more: Partial<DeploymentSpec> = {}, image?: string) =>
  deployments.create({
    metadata: { name, labels: { name } },
    spec: { replicas, ...selects(name), template: podTemplate(name, image), ...more },
  })
const isComplete = async (name: string) => {
  const { metadata, spec, status } = await deployments.get(name)
  const all = [status?.replicas, status?.updatedReplicas, status?.availableReplicas]
  return status?.observedGeneration === metadata.generation && all.every((count) => count === spec?.replicas)
}
const untilComplete = (name: string) => c.until(`${name} is complete`, () => isComplete(name))
const setImage = (name: string, image: string) =>
  deployments.patch(name, { type: 'strategic', body: { spec: { template: { spec: { containers: [{ name: 'c', image }] } } } } })
const revisionOf = (object: { metadata: { annotations?: Record<string, string> } }) =>
  object.metadata.annotations?.['deployment.kubernetes.io/revision']

test('Deployment RollingUpdateDeployment should delete old pods and create new ones', async () => {
  const name = 'rolling'
  await apps.replicaSets(ns).create({
    metadata: {
      name: 'test-rolling-update-controller',
      labels: { name },
      annotations: { 'deployment.kubernetes.io/revision': '3546343826724305832' },
    },
    spec: { replicas: 1, ...selects(name), template: podTemplate(name) },
  })
  await untilReady(c, ns, name, 1)
  const deployment = await create(name, 1, {}, 'registry.example/agnhost:2')
  await untilComplete(name)
  assert.equal(revisionOf(await deployments.get(name)), '3546343826724305833')
  const [old, fresh] = (await sets(name)).sort((a, b) =>
    a.metadata.name === 'test-rolling-update-controller' ? -1 : a.metadata.name! < b.metadata.name! ? -1 : 1,
  )
  assert.deepEqual([old?.spec?.replicas, fresh?.spec?.replicas], [0, 1])
  assert.ok(isControlledBy(old!, deployment), 'the old set was adopted')
})

test('Deployment RecreateDeployment should delete old pods and create new ones', async () => {
  await create('recreated', 2, { strategy: { type: 'Recreate' } })
  await untilComplete('recreated')
  const old = new Set((await podsOf(c, ns, 'recreated')).map(({ metadata }) => metadata.uid))
  const watch = await follow(c, core.pods(ns), 'name=recreated')
  await setImage('recreated', 'registry.example/httpd:2')
  await untilComplete('recreated')
  const isOld = ({ metadata }: { metadata: { uid?: string } }) => old.has(metadata.uid)
  const gone = watch.events.findLastIndex(({ type, object }) => type === 'DELETED' && isOld(object))
  const started = watch.events.findIndex(({ object }) => !isOld(object) && object.status?.phase === 'Running')
  assert.ok(gone >= 0 && gone < started, 'old and new pods run together')
  assert.equal(watch.events.filter(({ type, object }) => type === 'DELETED' && isOld(object)).length, 2)
  assert.ok((await podsOf(c, ns, 'recreated')).every(({ spec }) => spec?.containers[0]?.image === 'registry.example/httpd:2'))
  await watch.stop()
})

test('Deployment deployment should delete old replica sets', async () => {
  const name = 'cleanup'
  await apps.replicaSets(ns).create({
    metadata: { name: 'test-cleanup-controller', labels: { name } },
    spec: { replicas: 1, ...selects(name), template: podTemplate(name) },
  })
  await untilReady(c, ns, name, 1)
  const pods = await follow(c, core.pods(ns), `name=${name}`)
  await create(name, 1, { revisionHistoryLimit: 0 }, 'registry.example/agnhost:2')
  await untilComplete(name)
  await c.until('one set is left', async () => (await sets(name)).length === 1)
  assert.notEqual((await sets(name))[0]?.metadata.name, 'test-cleanup-controller')
  assert.equal(pods.events.filter(({ type }) => type === 'ADDED').length, 1, 'one pod is made for it')
  await pods.stop()
  await deployments.patch(name, { type: 'merge', body: { spec: { revisionHistoryLimit: 2 } } })
  for (const tag of [3, 4, 5, 6]) {
    await setImage(name, `registry.example/agnhost:${tag}`)
    await untilComplete(name)
  }
  await c.until('three sets are left', async () => (await sets(name)).length === 3)
  assert.deepEqual(new Set((await sets(name)).map(revisionOf)), new Set(['3', '4', '5']), 'the oldest went')
})

test('Deployment deployment should support rollover', async () => {
  const name = 'rollover'
  await apps.replicaSets(ns).create({
    metadata: { name: 'test-rollover-controller', labels: { name } },
    spec: { replicas: 1, ...selects(name), template: podTemplate(name) },
  })
  await untilReady(c, ns, name, 1)
  const strategy = { type: 'RollingUpdate' as const, rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } }
  await create(name, 1, { strategy, minReadySeconds: 10 }, 'registry.example/fake-unstartable')
  await c.until('the stuck template has a set', async () => (await sets(name)).length === 2)
  await setImage(name, 'registry.example/agnhost:1')
  await c.until('and the next', async () => (await sets(name)).length === 3)
  await setImage(name, 'registry.example/agnhost:2')
  await c.until('and the last', async () => revisionOf(await deployments.get(name)) === '3')
  await c.until('it is complete', async () => {
    const all = await sets(name)
    const sum = (count: (set: (typeof all)[number]) => number | undefined) => all.reduce((total, set) => total + (count(set) ?? 0), 0)
    assert.ok(sum(({ spec }) => spec?.replicas) <= 2, 'no more than one surplus')
    assert.ok(sum(({ status }) => status?.availableReplicas) >= 1, 'one is always available')
    return isComplete(name)
  })
  const left = new Map(
    (await sets(name)).map(({ spec, status }) => [spec?.template?.spec?.containers[0]?.image, [spec?.replicas, status?.replicas]]),
  )
  assert.deepEqual(left.get('registry.example/agnhost:2'), [1, 1])
  left.delete('registry.example/agnhost:2')
  assert.deepEqual(
    [...left.values()],
    Array.from({ length: 3 }, () => [0, 0]),
  )
})

test('Deployment deployment should support proportional scaling', async () => {
  const name = 'proportional'
  const strategy = { type: 'RollingUpdate' as const, rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } }
  await create(name, 10, { strategy })
  await untilComplete(name)
  await setImage(name, 'registry.example/fake-unstartable')
  const wanted = async () => {
    const all = await sets(name)
    const isNew = (set: (typeof all)[number]) => set.spec?.template?.spec?.containers[0]?.image?.includes('unstartable')
    return [all.find((s) => !isNew(s))?.spec?.replicas, all.find(isNew)?.spec?.replicas]
  }
  await c.until('eight old and five new', async () => (await wanted()).join() === '8,5')
  await c.until('the sets are observed', async () =>
    (await sets(name)).every((set) => set.status?.observedGeneration === set.metadata.generation),
  )
  assert.equal(await readyCount(c, ns, name), 8)
  await deployments.scale(name, 30)
  await c.until('twenty old and thirteen new', async () => (await wanted()).join() === '20,13')
})

test('Deployment Deployment should have a working scale subresource', async () => {
  await create('scaled', 1)
  await untilComplete('scaled')
  await checkScale(c, deployments, { namespace: ns, name: 'scaled' })
})

test('Deployment should validate Deployment Status endpoints', async () => {
  await create('told', 1)
  await untilComplete('told')
  await checkStatusWrites(c, deployments, 'told')
})

test('Deployment should run the lifecycle of a Deployment', async () => {
  const name = 'life'
  const watch = await follow(c, deployments, `name=${name}`)
  await create(name, 2)
  await watch.until('created', 'ADDED')
  await watch.until('both run', 'MODIFIED', ({ status }) => status?.readyReplicas === 2)
  const labels = { 'test-deployment': 'patched' }
  const image = 'registry.example/agnhost:3'
  await deployments.patch(name, {
    type: 'strategic',
    body: {
      metadata: { labels },
      spec: { replicas: 1, template: { spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'c', image }] } } },
    },
  })
  await watch.until('patched', 'MODIFIED', ({ metadata }) => metadata.labels?.['test-deployment'] === 'patched')
  await untilComplete(name)
  const found = (await apps.deployments().list({ labelSelector: 'test-deployment=patched' })).items
  assert.deepEqual(
    found.map(({ metadata, spec }) => [metadata.name, spec?.replicas, spec?.template?.spec?.containers[0]?.image]),
    [[name, 1, image]],
  )
  const read = await deployments.subresource<undefined, Deployment>(name, 'status', undefined, { method: 'GET' })
  assert.deepEqual([read.kind, read.status?.readyReplicas], ['Deployment', 1])
  await deployments.patch(name, { type: 'merge', body: { status: { readyReplicas: 0, availableReplicas: 0 } } }, { subresource: 'status' })
  await watch.until('none is said to be ready', 'MODIFIED', ({ status }) => !status?.readyReplicas)
  await watch.until('the controller brings the status back', 'MODIFIED', ({ status }) => status?.readyReplicas === 1)
  const { metadata, spec } = await deployments.get(name)
  await deployments.update({ metadata, spec: { ...spec!, replicas: 2, template: podTemplate(name, 'registry.example/httpd:4') } })
  await watch.until('updated', 'MODIFIED', ({ status }) => status?.readyReplicas === 2 && status.updatedReplicas === 2)
  await deployments.patch(name, { type: 'merge', body: { spec: { replicas: 3 } } }, { subresource: 'scale' })
  await watch.until('scaled', 'MODIFIED', ({ status }) => status?.readyReplicas === 3)
  await deployments.deleteCollection({ labelSelector: 'test-deployment=patched' })
  await watch.until('it is gone', 'DELETED')
  await watch.stop()
  await c.until('and its pods', async () => (await core.pods(ns).list({ labelSelector: `name=${name}` })).items.length === 0)
})
