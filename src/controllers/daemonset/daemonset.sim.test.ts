import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { garbageCollectorController } from '../garbage-collector/controller.ts'
import { faultyClient, simCluster, type SimCluster, type SimOptions } from '../sim-cluster.ts'
import { daemonSetController } from './controller.ts'

async function inCluster(options: Partial<SimOptions>, body: (cluster: SimCluster) => Promise<void>): Promise<void> {
  const cluster = await simCluster({ definitions: [daemonSetController(), garbageCollectorController()], ...options })
  try {
    for (const name of ['n1', 'n2', 'n3']) await cluster.clientset.coreV1().nodes().create({ metadata: { name } })
    await body(cluster)
    if (!options.wrap) assert.equal(cluster.metrics.panicsOf('daemonset'), 0)
  } finally {
    await cluster.stop()
  }
}

const labels = { app: 'log' }
const template = (image: string) => ({ metadata: { labels }, spec: { containers: [{ name: 'c', image }] } })
const daemonSet = (image: string) => ({
  metadata: { name: 'log', namespace: 'default', annotations: { 'kubernetes.io/change-cause': 'begin' } },
  spec: { selector: { matchLabels: labels }, template: template(image) },
})

/** What runs where, e.g. `n1=v1 n2=v1`. */
async function placed({ clientset }: SimCluster): Promise<string> {
  const { items } = await clientset.coreV1().pods('default').list()
  return items
    .map((pod) => `${pod.spec?.nodeName}=${pod.spec?.containers[0]?.image}`)
    .sort()
    .join(' ')
}

const settled = (cluster: SimCluster, expected: string) =>
  cluster.until(expected, async () => {
    const { metadata, status } = await cluster.clientset.appsV1().daemonSets('default').get('log')
    const isObserved = status?.observedGeneration === metadata.generation
    const isWhole = status?.numberAvailable === status?.desiredNumberScheduled && !status?.numberUnavailable
    return isObserved && isWhole && (await placed(cluster)) === expected
  })

async function change({ clientset }: SimCluster, image: string): Promise<void> {
  await clientset
    .appsV1()
    .daemonSets('default')
    .patch('log', { type: 'merge', body: { spec: { template: template(image) } } })
}

async function life(cluster: SimCluster): Promise<void> {
  const { clientset, until } = cluster
  const nodes = clientset.coreV1().nodes()
  await clientset.appsV1().daemonSets('default').create(daemonSet('v1'))
  await settled(cluster, 'n1=v1 n2=v1 n3=v1')
  await nodes.create({ metadata: { name: 'n4' } })
  await settled(cluster, 'n1=v1 n2=v1 n3=v1 n4=v1')
  await nodes.patch('n4', { type: 'merge', body: { spec: { taints: [{ key: 'k', effect: 'NoExecute' }] } } })
  await settled(cluster, 'n1=v1 n2=v1 n3=v1')
  await change(cluster, 'v2')
  await settled(cluster, 'n1=v2 n2=v2 n3=v2')
  await clientset
    .appsV1()
    .daemonSets('default')
    .patch('log', {
      type: 'merge',
      body: { spec: { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } } },
    })
  await change(cluster, 'v1')
  await settled(cluster, 'n1=v1 n2=v1 n3=v1')
  const revisions = (await clientset.appsV1().controllerRevisions('default').list()).items
  const numbers = revisions.map(({ revision }) => revision).sort((a, b) => a - b)
  assert.deepEqual(numbers, [2, 3], 'the old revision came back under a new number')
  assert.equal(revisions[0]?.metadata.annotations?.['kubernetes.io/change-cause'], 'begin')
  await clientset.appsV1().daemonSets('default').delete('log')
  await until('nothing is left', async () => {
    const left = [await clientset.coreV1().pods('default').list(), await clientset.appsV1().controllerRevisions('default').list()]
    return left.every((list) => list.items.length === 0)
  })
}

test('where pods must have been ready for a while, an update by surge goes on when that while is over', () =>
  inCluster({}, async (cluster) => {
    const sets = cluster.clientset.appsV1().daemonSets('default')
    const { metadata, spec } = daemonSet('v1')
    const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } as const
    await sets.create({ metadata, spec: { ...spec, minReadySeconds: 5, updateStrategy } })
    await settled(cluster, 'n1=v1 n2=v1 n3=v1')
    await change(cluster, 'v2')
    await settled(cluster, 'n1=v2 n2=v2 n3=v2')
  }))

test('covers nodes as they come and go, updates by deletion and by surge, and goes with all it made', () => inCluster({}, life))

for (const seed of [1, 2, 3])
  test(`comes to the same end under faults (seed ${seed})`, () =>
    inCluster({ seed, wrap: (client) => faultyClient(client, { seed, share: 0.08 }) }, async (cluster) => {
      await life(cluster)
      assert.ok(cluster.metrics.panicsOf('daemonset') > 0, 'no fault struck')
    }))

test('an update is undone without a restart of what was not updated yet', () =>
  inCluster({ nodes: { canRun: (pod: Pod) => pod.spec?.containers[0]?.image !== 'broken' } }, async (cluster) => {
    const { clientset, until } = cluster
    await clientset.appsV1().daemonSets('default').create(daemonSet('v1'))
    await settled(cluster, 'n1=v1 n2=v1 n3=v1')
    const uids = async () => new Set((await clientset.coreV1().pods('default').list()).items.map(({ metadata }) => metadata.uid))
    const before = await uids()
    await change(cluster, 'broken')
    await until('one waits', async () => (await placed(cluster)).includes('broken'))
    await cluster.clock.advance(60_000)
    await change(cluster, 'v1')
    await settled(cluster, 'n1=v1 n2=v1 n3=v1')
    const after = await uids()
    assert.equal([...before].filter((uid) => after.has(uid)).length, 2)
  }))

test('another of its selector adopts pods and revisions, and restarts none', () =>
  inCluster({ watchLagMs: 20 }, async (cluster) => {
    const { clientset, until, clock } = cluster
    const sets = clientset.appsV1().daemonSets('default')
    await sets.create(daemonSet('v1'))
    await settled(cluster, 'n1=v1 n2=v1 n3=v1')
    const uids = async () => new Set((await clientset.coreV1().pods('default').list()).items.map(({ metadata }) => metadata.uid))
    const before = await uids()
    await sets.delete('log', { propagationPolicy: 'Orphan' })
    await until('the set is gone', async () => (await sets.list()).items.length === 0)
    await clock.advance(10_000)
    await sets.create({ ...daemonSet('v1'), metadata: { name: 'other', namespace: 'default' } })
    await until('all are adopted', async () => (await sets.get('other')).status?.updatedNumberScheduled === 3)
    await clock.advance(30_000)
    assert.deepEqual(await uids(), before)
  }))
