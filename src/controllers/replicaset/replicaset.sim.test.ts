import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Client } from '../../client/contract.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import { simCluster, type SimCluster, type SimOptions } from '../sim-cluster.ts'
import { replicaSetController, replicationController } from './controller.ts'

async function inCluster(body: (cluster: SimCluster) => Promise<void>, options: Partial<SimOptions> = {}): Promise<void> {
  const cluster = await simCluster({ definitions: [replicaSetController, replicationController], ...options })
  try {
    await body(cluster)
    assert.equal(cluster.metrics.panicsOf('replicaset') + cluster.metrics.panicsOf('replication'), 0)
  } finally {
    await cluster.stop()
  }
}

const labels = { app: 'a' }
const spec = { containers: [{ name: 'c', image: 'i' }] }
const template = { metadata: { labels }, spec }
const replicaSet = (replicas: number) => ({ metadata: { name: 'rs' }, spec: { replicas, selector: { matchLabels: labels }, template } })
const controllerUid = (pod: Pod | undefined) => pod?.metadata.ownerReferences?.find(({ controller }) => controller)?.uid

test('adopts a pod that matches, and lets go of one that no longer does, making another', () =>
  inCluster(async ({ clientset, until }) => {
    const pods = clientset.coreV1().pods('default')
    await pods.create({ metadata: { name: 'orphan', labels }, spec })
    const set = await clientset.appsV1().replicaSets('default').create(replicaSet(1))
    await until('adopted', async () => controllerUid(await pods.get('orphan')) === set.metadata.uid)
    assert.equal((await pods.list()).items.length, 1)
    await pods.patch('orphan', { type: 'merge', body: { metadata: { labels: { app: 'b' } } } })
    await until(
      'released and replaced',
      async () => controllerUid(await pods.get('orphan')) === undefined && (await pods.list()).items.length === 2,
    )
  }))

test('a ReplicationController keeps its pods by its plain selector, and its status tells', () =>
  inCluster(async ({ clientset, until }) => {
    const controllers = clientset.coreV1().replicationControllers('default')
    await controllers.create({ metadata: { name: 'rc' }, spec: { replicas: 3, selector: labels, template } })
    await until('three ready', async () => (await controllers.get('rc')).status?.readyReplicas === 3)
    await controllers.scale('rc', 1)
    await until('one', async () => (await clientset.coreV1().pods('default').list()).items.length === 1)
    const { status } = await controllers.get('rc')
    assert.deepEqual([status?.replicas, status?.fullyLabeledReplicas, status?.availableReplicas, status?.observedGeneration], [1, 1, 1, 2])
  }))

test('a refusal (a quota) becomes a condition, costs few calls, and goes when the number fits', () => {
  let refused = 0
  const quota = (client: Client): Client => ({
    raw: (request) => client.raw(request),
    resource: (kind, namespace) => {
      const resource = client.resource(kind, namespace)
      return {
        ...resource,
        createAlike: async () => undefined,
        create: async (object, options) => {
          if (kind.kind === 'Pod' && (await client.resource(kind, namespace).list()).items.length >= 2) {
            refused++
            throw statusErrors.forbidden({ group: '', resource: 'pods' }, '', 'exceeded quota: two')
          }
          return resource.create(object, options)
        },
      }
    },
  })
  return inCluster(
    async ({ clientset, until }) => {
      const sets = clientset.appsV1().replicaSets('default')
      await sets.create(replicaSet(200))
      const condition = async () => (await sets.get('rs')).status?.conditions?.find(({ type }) => type === 'ReplicaFailure')
      await until('the failure shows', async () => (await condition())?.reason === 'FailedCreate')
      assert.match((await condition())?.message ?? '', /exceeded quota: two$/)
      assert.ok(refused < 60, `${refused} useless calls`)
      await sets.scale('rs', 2)
      await until('it is well', async () => (await condition()) === undefined && (await sets.get('rs')).status?.readyReplicas === 2)
    },
    { wrap: quota },
  )
})

test('a failed pod is replaced, a finished set of pods is kept', () =>
  inCluster(async ({ clientset, until }) => {
    const pods = clientset.coreV1().pods('default')
    const sets = clientset.appsV1().replicaSets('default')
    await sets.create(replicaSet(2))
    await until('two ready', async () => (await sets.get('rs')).status?.readyReplicas === 2)
    const [first] = (await pods.list()).items
    await pods.updateStatus({ ...first!, status: { ...first!.status, phase: 'Failed' } })
    await until('two ready again', async () => (await pods.list()).items.length === 3 && (await sets.get('rs')).status?.readyReplicas === 2)
  }))
