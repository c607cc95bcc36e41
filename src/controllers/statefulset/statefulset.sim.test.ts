import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Clock, sleep } from '../../base/clock.ts'
import type { Client } from '../../client/contract.ts'
import { garbageCollectorController } from '../garbage-collector/controller.ts'
import { faultyClient, simCluster, type SimCluster, type SimOptions } from '../sim-cluster.ts'
import { statefulSetController } from './controller.ts'

async function inCluster(options: Partial<SimOptions>, body: (cluster: SimCluster) => Promise<void>): Promise<void> {
  const cluster = await simCluster({ definitions: [statefulSetController, garbageCollectorController()], ...options })
  try {
    await body(cluster)
    if (!options.wrap) assert.equal(cluster.metrics.panicsOf('statefulset'), 0)
  } finally {
    await cluster.stop()
  }
}

const labels = { app: 'db' }
const template = (image: string) => ({ metadata: { labels }, spec: { containers: [{ name: 'c', image }] } })
const storage = { accessModes: ['ReadWriteOnce' as const], resources: { requests: { storage: '1Gi' } } }
const statefulSet = {
  metadata: { name: 'db', namespace: 'default' },
  spec: {
    replicas: 3,
    serviceName: 'db',
    selector: { matchLabels: labels },
    template: template('v1'),
    volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: storage }],
    persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Delete' },
  },
}

async function life({ clientset, until }: SimCluster): Promise<void> {
  const sets = clientset.appsV1().statefulSets('default')
  const names = async () =>
    (await clientset.coreV1().pods('default').list()).items
      .map(({ metadata }) => metadata.name)
      .sort((a, b) => (a ?? '').localeCompare(b ?? ''))
      .join()
  const claims = async () =>
    (await clientset.coreV1().persistentVolumeClaims('default').list()).items
      .map(({ metadata }) => metadata.name)
      .sort((a, b) => (a ?? '').localeCompare(b ?? ''))
      .join()
  const isOf = async (image: string) =>
    (await clientset.coreV1().pods('default').list()).items.every((pod) => pod.spec?.containers[0]?.image === image)
  const ready = async () => (await sets.get('db')).status?.readyReplicas ?? 0
  await sets.create(statefulSet)
  await until('three ready', async () => (await ready()) === 3)
  assert.equal(await names(), 'db-0,db-1,db-2')
  assert.equal(await claims(), 'data-db-0,data-db-1,data-db-2')
  await sets.patch('db', { type: 'merge', body: { spec: { template: template('v2') } } })
  await until('all of v2', async () => (await isOf('v2')) && (await ready()) === 3)
  await until('the revision is current', async () => {
    const { status } = await sets.get('db')
    return status?.currentRevision === status?.updateRevision && status?.currentReplicas === 3
  })
  await sets.patch('db', { type: 'merge', body: { spec: { template: template('v1') } } })
  await until('back at v1', async () => (await isOf('v1')) && (await ready()) === 3)
  const revisions = (await clientset.appsV1().controllerRevisions('default').list()).items.map(({ revision }) => revision)
  assert.deepEqual(
    revisions.sort((a, b) => a - b),
    [2, 3],
    'the old revision came back under a new number',
  )
  await sets.scale('db', 1)
  await until('one, with its claim', async () => (await names()) === 'db-0' && (await claims()) === 'data-db-0')
  await sets.delete('db')
  await until('no pods', async () => (await names()) === '')
  assert.equal(await claims(), 'data-db-0')
}

test('grows in order, updates, goes back, shrinks with its claims, and leaves what it should', () => inCluster({}, life))

for (const seed of [1, 2])
  test(`comes to the same end under faults (seed ${seed})`, () =>
    inCluster({ seed, wrap: (client) => faultyClient(client, { seed, share: 0.08 }) }, life))

/** Creations take a tenth of a second each. */
function slowly(client: Client, clock: Clock): Client {
  return {
    ...client,
    resource: (kind, namespace) => {
      const resource = client.resource(kind, namespace)
      const create: typeof resource.create = async (object, more) => {
        await sleep(clock, 100)
        return resource.create(object, more)
      }
      return kind.kind === 'Pod' ? { ...resource, create } : resource
    },
  }
}

test('the pods of a parallel set are made together, more with each step', () =>
  inCluster({ wrap: slowly, nodes: false }, async ({ clientset, clock }) => {
    const { metadata, spec } = statefulSet
    const pods = async () => (await clientset.coreV1().pods('default').list()).items.length
    await clientset
      .appsV1()
      .statefulSets('default')
      .create({ metadata, spec: { ...spec, replicas: 30, podManagementPolicy: 'Parallel' } })
    await clock.advance(350)
    assert.equal(await pods(), 1 + 2 + 4)
    await clock.advance(200)
    assert.equal(await pods(), 30)
  }))
