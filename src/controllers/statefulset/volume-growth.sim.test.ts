import assert from 'node:assert/strict'
import { test } from 'node:test'
import { localVolumeDriver } from '../../kinds/storage/volume-binding.ts'
import { StatusError } from '../../machinery/status-error.ts'
import { localVolumeController } from '../local-volume/controller.ts'
import { persistentVolumeController } from '../persistent-volume/controller.ts'
import { faultyClient, simCluster, type SimCluster, type SimOptions } from '../sim-cluster.ts'
import { statefulSetController } from './controller.ts'

async function inCluster(options: Partial<SimOptions>, body: (cluster: SimCluster) => Promise<void>): Promise<void> {
  const definitions = [statefulSetController, persistentVolumeController, localVolumeController]
  const cluster = await simCluster({ definitions, ...options })
  const { nodes } = { nodes: cluster.clientset.coreV1().nodes() }
  for (const name of ['node-1', 'node-2', 'node-3']) await nodes.create({ metadata: { name, labels: { 'kubernetes.io/hostname': name } } })
  try {
    await body(cluster)
  } finally {
    await cluster.stop()
  }
}

const template = (name: string, storage: string) => ({
  metadata: { name },
  spec: { accessModes: ['ReadWriteOnce' as const], storageClassName: 'local', resources: { requests: { storage } } },
})

async function makeSet({ clientset, until }: SimCluster, allowVolumeExpansion: boolean) {
  await clientset
    .storageV1()
    .storageClasses()
    .create({
      metadata: { name: 'local' },
      provisioner: localVolumeDriver,
      volumeBindingMode: 'WaitForFirstConsumer',
      allowVolumeExpansion,
    })
  const sets = clientset.appsV1().statefulSets('default')
  await sets.create({
    metadata: { name: 'db' },
    spec: {
      replicas: 3,
      serviceName: 'db',
      selector: { matchLabels: { app: 'db' } },
      template: { metadata: { labels: { app: 'db' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      volumeClaimTemplates: [template('data', '1Gi')],
    },
  })
  const claims = clientset.coreV1().persistentVolumeClaims('default')
  await until('three on volumes', async () => {
    const all = (await claims.list()).items
    return (await sets.get('db')).status?.readyReplicas === 3 && all.length === 3 && all.every(({ status }) => status?.phase === 'Bound')
  })
  const grow = (storage: string) =>
    sets.patch('db', { type: 'merge', body: { spec: { volumeClaimTemplates: [template('data', storage)] } } })
  const condition = async () => (await sets.get('db')).status?.conditions?.find(({ type }) => type === 'VolumesResized')
  return { sets, claims, grow, condition }
}

async function growthInOrder(cluster: SimCluster): Promise<void> {
  const { sets, claims, grow, condition } = await makeSet(cluster, true)
  const pods = async () => new Set((await cluster.clientset.coreV1().pods('default').list()).items.map(({ metadata }) => metadata.uid))
  const before = await pods()
  await grow('2Gi')
  await cluster.until('all have grown', async () => (await condition())?.status === 'True')
  assert.deepEqual(
    (await claims.list()).items.map(({ status }) => status?.capacity?.storage),
    ['2Gi', '2Gi', '2Gi'],
  )
  assert.deepEqual(await pods(), before, 'no pod was restarted')
  await sets.scale('db', 4)
  await cluster.until('a new replica has the new size', async () => {
    const fourth = (await claims.list()).items.find(({ metadata }) => metadata.name === 'data-db-3')
    return fourth?.status?.capacity?.storage === '2Gi'
  })
}

test('volumes grow one replica after the other, and pods run on', () => inCluster({}, growthInOrder))

for (const seed of [1, 2])
  test(`volumes grow under faults (seed ${seed})`, () =>
    inCluster({ seed, wrap: (client) => faultyClient(client, { seed, share: 0.08 }) }, growthInOrder))

test('a replica waits until the one before it has its size, and the status says so', () =>
  inCluster({ definitions: [statefulSetController] }, async ({ clientset, until, clock }) => {
    const claims = clientset.coreV1().persistentVolumeClaims('default')
    const sets = clientset.appsV1().statefulSets('default')
    await clientset
      .storageV1()
      .storageClasses()
      .create({ metadata: { name: 'local' }, provisioner: 'x.example.com', allowVolumeExpansion: true })
    await sets.create({
      metadata: { name: 'db' },
      spec: {
        replicas: 2,
        serviceName: 'db',
        selector: { matchLabels: { app: 'db' } },
        template: { metadata: { labels: { app: 'db' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
        volumeClaimTemplates: [template('data', '1Gi')],
      },
    })
    const grant = async (name: string, storage: string) => {
      const claim = await claims.get(name)
      await claims.updateStatus({ ...claim, status: { phase: 'Bound', capacity: { storage } } })
    }
    await until('two claims', async () => (await claims.list()).items.length === 2)
    for (const name of ['data-db-0', 'data-db-1']) await grant(name, '1Gi')
    const asked = async () => (await claims.list()).items.map(({ spec }) => spec?.resources?.requests?.storage).join()
    await sets.patch('db', { type: 'merge', body: { spec: { volumeClaimTemplates: [template('data', '2Gi')] } } })
    await until('the first asks', async () => (await asked()) === '2Gi,1Gi')
    await clock.advance(5_000)
    assert.equal(await asked(), '2Gi,1Gi')
    const told = async () => (await sets.get('db')).status?.conditions?.find(({ type }) => type === 'VolumesResized')
    assert.equal((await told())?.message, 'db-0: data-db-0 grows from 1Gi to 2Gi; db-1: waits')
    await grant('data-db-0', '2Gi')
    await until('the second asks', async () => (await asked()) === '2Gi,2Gi')
    await grant('data-db-1', '2Gi')
    await until('it is done', async () => (await told())?.status === 'True')
  }))

test('a class that lets nothing grow is told, and nothing else of a template may change', () =>
  inCluster({}, async (cluster) => {
    const { sets, grow } = await makeSet(cluster, false)
    await grow('2Gi')
    await cluster.until('it is told', async () =>
      (await cluster.clientset.coreV1().events('default').list()).items.some(
        ({ reason, message }) => reason === 'FailedUpdate' && message?.startsWith('Update Claim data-db-0 in StatefulSet db failed'),
      ),
    )
    const refused = (error: unknown) => error instanceof StatusError && error.code === 422
    await assert.rejects(grow('1Gi'), refused, 'smaller')
    const other = [template('other', '3Gi')]
    await assert.rejects(sets.patch('db', { type: 'merge', body: { spec: { volumeClaimTemplates: other } } }), refused, 'another name')
  }))
