import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Client } from '../../client/contract.ts'
import { garbageCollectorController } from '../garbage-collector/controller.ts'
import { replicaSetController } from '../replicaset/controller.ts'
import { faultyClient, simCluster, type SimCluster, type SimOptions } from '../sim-cluster.ts'
import { deploymentController } from './controller.ts'

const web = (replicas: number, image = 'v1') => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image }] } },
  },
})

async function inCluster(options: Partial<SimOptions>, body: (cluster: SimCluster) => Promise<void>): Promise<void> {
  const cluster = await simCluster({ definitions: [deploymentController, replicaSetController, garbageCollectorController()], ...options })
  try {
    await body(cluster)
    for (const name of ['deployment', 'replicaset', 'generic-garbage-collector'])
      if (!options.wrap) assert.equal(cluster.metrics.panicsOf(name), 0, `${name} threw`)
  } finally {
    await cluster.stop()
  }
}

async function rolledOut({ clientset, until }: SimCluster, image: string, replicas: number): Promise<void> {
  await until(`${replicas} pods of ${image} and no others`, async () => {
    const { items } = await clientset.coreV1().pods('default').list()
    const { status, metadata } = await clientset.appsV1().deployments('default').get('web')
    const isComplete =
      (status?.availableReplicas ?? 0) === replicas &&
      (status?.replicas ?? 0) === replicas &&
      status?.observedGeneration === metadata.generation
    return isComplete && items.length === replicas && items.every((pod) => pod.spec?.containers[0]?.image === image)
  })
}

async function changeImage({ clientset }: SimCluster, image: string): Promise<void> {
  const body = { spec: { template: { spec: { containers: [{ name: 'c', image }] } } } }
  await clientset.appsV1().deployments('default').patch('web', { type: 'strategic', body })
}

/** The whole life of a Deployment; every step ends in the state that was asked for. */
async function life(cluster: SimCluster): Promise<void> {
  const { clientset, until } = cluster
  await clientset.appsV1().deployments('default').create(web(5))
  await rolledOut(cluster, 'v1', 5)
  await changeImage(cluster, 'v2')
  await rolledOut(cluster, 'v2', 5)
  await clientset.appsV1().deployments('default').scale('web', 8)
  await rolledOut(cluster, 'v2', 8)
  await changeImage(cluster, 'v1')
  await rolledOut(cluster, 'v1', 8)
  await clientset.appsV1().deployments('default').scale('web', 2)
  await rolledOut(cluster, 'v1', 2)
  const sets = (await clientset.appsV1().replicaSets('default').list()).items
  const revisions = sets.map((set) => set.metadata.annotations?.['deployment.kubernetes.io/revision'] ?? '')
  assert.deepEqual(
    revisions.sort((a, b) => a.localeCompare(b)),
    ['2', '3'],
  )
  await clientset.appsV1().deployments('default').delete('web')
  await until('nothing is left', async () => {
    const left = [await clientset.coreV1().pods('default').list(), await clientset.appsV1().replicaSets('default').list()]
    return left.every((list) => list.items.length === 0)
  })
}

test('rolls, scales, rolls back and goes with all its pods', () => inCluster({}, life))

for (const seed of [1, 2, 3, 4])
  test(`comes to the same end when of ten writes one fails, one conflicts and one is not heard of (seed ${seed})`, () =>
    inCluster({ seed, wrap: (client) => faultyClient(client, { seed, share: 0.1 }) }, async (cluster) => {
      await life(cluster)
      const lost = ['deployment', 'replicaset'].map((name) => cluster.metrics.panicsOf(name))
      assert.ok(
        lost.every((count) => count > 0),
        `no fault struck: ${lost.join()}`,
      )
    }))

test('the same seed gives the same history, object by object', async () => {
  const histories: string[] = []
  for (let run = 0; run < 2; run++)
    await inCluster({ seed: 9, wrap: (client) => faultyClient(client, { seed: 9, share: 0.05 }) }, async (cluster) => {
      await cluster.clientset.appsV1().deployments('default').create(web(4))
      await rolledOut(cluster, 'v1', 4)
      await changeImage(cluster, 'v2')
      await rolledOut(cluster, 'v2', 4)
      const { clientset } = cluster
      const lists = [clientset.coreV1().pods().list(), clientset.appsV1().replicaSets().list(), clientset.coreV1().events().list()]
      histories.push(JSON.stringify(await Promise.all<object>(lists)))
    })
  assert.equal(histories[0], histories[1])
})

test('never makes a pod too many, however far the watch lags behind', () => {
  let created = 0
  const counting = (client: Client): Client => ({
    raw: (request) => client.raw(request),
    resource: (kind, namespace) => {
      const resource = client.resource(kind, namespace)
      return {
        ...resource,
        createAlike: async (object, count) => {
          const results = await resource.createAlike!(object, count)
          if (kind.kind === 'Pod') created += results?.length ?? 0
          return results
        },
        create: (object, options) => {
          if (kind.kind === 'Pod') created++
          return resource.create(object, options)
        },
      }
    },
  })
  return inCluster({ wrap: counting, watchLagMs: 20 }, async (cluster) => {
    await cluster.clientset.appsV1().deployments('default').create(web(60))
    await rolledOut(cluster, 'v1', 60)
    assert.equal(created, 60)
  })
})

test('pauses its pods and resumes only those that it paused', () =>
  inCluster({}, async (cluster) => {
    const { clientset, until } = cluster
    const deployments = clientset.appsV1().deployments('default')
    const pods = clientset.coreV1().pods('default')
    const states = async () =>
      (await pods.list()).items.map((pod) => pod.metadata.annotations?.['keelson.dev/run-state'] ?? 'running').sort()
    const annotate = (state: string) =>
      deployments.patch('web', { type: 'merge', body: { metadata: { annotations: { 'keelson.dev/run-state': state } } } })
    await deployments.create(web(3))
    await rolledOut(cluster, 'v1', 3)
    const byHand = (await pods.list()).items[0]?.metadata.name ?? ''
    await pods.patch(byHand, { type: 'merge', body: { metadata: { annotations: { 'keelson.dev/run-state': 'paused' } } } })
    await annotate('paused')
    await until('all paused', async () => (await states()).join() === 'paused,paused,paused')
    await annotate('running')
    await until('two run again', async () => (await states()).join() === 'paused,running,running')
  }))

test('foreground deletion keeps the Deployment until its pods are gone; orphaning leaves them', () =>
  inCluster({}, async (cluster) => {
    const { clientset, until } = cluster
    const deployments = clientset.appsV1().deployments('default')
    await deployments.create(web(2))
    await rolledOut(cluster, 'v1', 2)
    await deployments.delete('web', { propagationPolicy: 'Foreground' })
    let podsAtEnd = -1
    await until('the Deployment is gone', async () => {
      const left = (await clientset.coreV1().pods('default').list()).items.length
      const isGone = (await deployments.list()).items.length === 0
      if (isGone) podsAtEnd = left
      return isGone
    })
    assert.equal(podsAtEnd, 0)
    await deployments.create(web(2))
    await rolledOut(cluster, 'v1', 2)
    await deployments.delete('web', { propagationPolicy: 'Orphan' })
    await until('the Deployment is gone', async () => (await deployments.list()).items.length === 0)
    await cluster.clock.advance(30_000)
    const [set] = (await clientset.appsV1().replicaSets('default').list()).items
    assert.deepEqual(set?.metadata.ownerReferences ?? [], [])
    assert.equal((await clientset.coreV1().pods('default').list()).items.length, 2)
    await deployments.create(web(2))
    await until(
      'the ReplicaSet is adopted',
      async () => ((await clientset.appsV1().replicaSets('default').list()).items[0]?.metadata.ownerReferences ?? []).length === 1,
    )
  }))
