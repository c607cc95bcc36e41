import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { DeploymentSpec } from '../../src/kinds/generated/types/apps-v1.ts'
import { startConformanceCluster } from './conformance-cluster.ts'
import { checkStatusWrites, exists, isControlledBy, podsOf, podTemplate, readyCount, selects, untilReady } from './workloads.ts'

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
  await setImage('recreated', 'registry.example/httpd:2')
  await c.until('the new ones', async () => {
    const images = new Set(
      (await podsOf(c, ns, 'recreated'))
        .filter((p) => p.status?.phase === 'Running' && !p.metadata.deletionTimestamp)
        .map((p) => p.spec?.containers[0]?.image),
    )
    assert.ok(images.size <= 1, 'old and new pods run together')
    return images.has('registry.example/httpd:2') && (await isComplete('recreated'))
  })
})

test('Deployment deployment should delete old replica sets', async () => {
  const name = 'cleanup'
  await apps.replicaSets(ns).create({
    metadata: { name: 'test-cleanup-controller', labels: { name } },
    spec: { replicas: 1, ...selects(name), template: podTemplate(name) },
  })
  await untilReady(c, ns, name, 1)
  await create(name, 1, { revisionHistoryLimit: 0 }, 'registry.example/agnhost:2')
  await untilComplete(name)
  await c.until('one set is left', async () => (await sets(name)).length === 1)
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
  await setImage(name, 'registry.example/agnhost:2')
  await untilComplete(name)
  const replicas = (await sets(name)).map((set) => set.spec?.replicas ?? 0).sort((a, b) => a - b)
  assert.deepEqual(replicas, [0, 0, 1])
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
  type Scale = { spec: { replicas: number } }
  const scale = await deployments.subresource<undefined, Scale>('scaled', 'scale', undefined, { method: 'GET' })
  await deployments.subresource('scaled', 'scale', { ...scale, spec: { replicas: 2 } }, { method: 'PUT' })
  assert.equal((await deployments.get('scaled')).spec?.replicas, 2)
  await deployments.patch('scaled', { type: 'merge', body: { spec: { replicas: 4 } } }, { subresource: 'scale' })
  await untilComplete('scaled')
  assert.equal((await deployments.get('scaled')).status?.replicas, 4)
})

test('Deployment should validate Deployment Status endpoints', async () => {
  await create('told', 1)
  await untilComplete('told')
  const [updated, patched] = await checkStatusWrites(deployments, 'told')
  assert.ok(updated.includes('StatusUpdate'))
  assert.ok(patched.includes('StatusPatched'))
})

test('Deployment should run the lifecycle of a Deployment', async () => {
  const name = 'life'
  await create(name, 1)
  await untilComplete(name)
  const labels = { 'test-deployment': 'patched' }
  await deployments.patch(name, {
    type: 'strategic',
    body: {
      metadata: { labels },
      spec: {
        replicas: 2,
        template: { spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'c', image: 'registry.example/agnhost:3' }] } },
      },
    },
  })
  await untilComplete(name)
  const found = (await apps.deployments().list({ labelSelector: 'test-deployment=patched' })).items
  assert.deepEqual(
    found.map(({ metadata }) => metadata.name),
    [name],
  )
  const { metadata, spec } = await deployments.get(name)
  await deployments.update({ metadata, spec: { ...spec!, replicas: 1, template: podTemplate(name, 'registry.example/httpd:4') } })
  await untilComplete(name)
  await deployments.patch(name, { type: 'merge', body: { status: { readyReplicas: 0, availableReplicas: 0 } } }, { subresource: 'status' })
  await c.until('the controller brings the status back', async () => (await deployments.get(name)).status?.readyReplicas === 1)
  await deployments.deleteCollection({ labelSelector: 'test-deployment=patched' })
  await c.until('it is gone', async () => !(await exists(() => deployments.get(name))))
  await c.until('and its pods', async () => (await core.pods(ns).list({ labelSelector: `name=${name}` })).items.length === 0)
})
