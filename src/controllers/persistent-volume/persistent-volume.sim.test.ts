import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toTime } from '../../base/clock.ts'
import type { PersistentVolumeClaimSpec, PersistentVolumeSpec } from '../../kinds/generated/types/core-v1.ts'
import { localVolumeDriver } from '../../kinds/storage/volume-binding.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { ephemeralVolumeController } from '../ephemeral-volume/controller.ts'
import { garbageCollectorController } from '../garbage-collector/controller.ts'
import { localVolumeController } from '../local-volume/controller.ts'
import { faultyClient, simCluster, type SimCluster, type SimOptions } from '../sim-cluster.ts'
import { claimProtectionController, volumeProtectionController } from '../volume-protection/controllers.ts'
import { persistentVolumeController } from './controller.ts'

const definitions = [
  persistentVolumeController,
  localVolumeController,
  claimProtectionController,
  volumeProtectionController,
  ephemeralVolumeController,
  garbageCollectorController(),
]

async function inCluster(options: Partial<SimOptions>, body: (cluster: SimCluster) => Promise<void>): Promise<void> {
  const cluster = await simCluster({ definitions, ...options })
  try {
    for (const name of ['node-1', 'node-2', 'node-3']) {
      const nodes = cluster.clientset.coreV1().nodes()
      const node = await nodes.create({ metadata: { name, labels: { 'kubernetes.io/hostname': name } } })
      const time = toTime(cluster.clock.now())
      await nodes.updateStatus({
        ...node,
        status: { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: time, lastHeartbeatTime: time }] },
      })
    }
    await cluster.clientset
      .storageV1()
      .storageClasses()
      .create({
        metadata: { name: 'local', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
        provisioner: localVolumeDriver,
        volumeBindingMode: 'WaitForFirstConsumer',
        allowVolumeExpansion: true,
      })
    await body(cluster)
  } finally {
    await cluster.stop()
  }
}

const claimSpec = (more: PersistentVolumeClaimSpec = {}): PersistentVolumeClaimSpec => ({
  accessModes: ['ReadWriteOnce'],
  resources: { requests: { storage: '1Gi' } },
  ...more,
})
const volumeSpec = (more: PersistentVolumeSpec = {}): PersistentVolumeSpec => ({
  accessModes: ['ReadWriteOnce'],
  capacity: { storage: '2Gi' },
  hostPath: { path: '/data' },
  ...more,
})

function parts({ clientset }: SimCluster) {
  const claims = clientset.coreV1().persistentVolumeClaims('default')
  const volumes = clientset.coreV1().persistentVolumes()
  const pods = clientset.coreV1().pods('default')
  const gone = async (get: () => Promise<unknown>) => {
    try {
      await get()
      return false
    } catch (error) {
      return isStatus(error, 'NotFound')
    }
  }
  return {
    claims,
    volumes,
    pods,
    phase: async (name: string) => (await claims.get(name)).status?.phase,
    volumePhase: async (name: string) => (await volumes.get(name)).status?.phase,
    isGone: { claim: (name: string) => gone(() => claims.get(name)), volume: (name: string) => gone(() => volumes.get(name)) },
    podWith: (name: string, volume: object) =>
      pods.create({ metadata: { name }, spec: { containers: [{ name: 'c', image: 'i' }], volumes: [{ name: 'data', ...volume }] } }),
  }
}

async function life(cluster: SimCluster): Promise<void> {
  const { until } = cluster
  const { claims, volumes, pods, phase, volumePhase, isGone, podWith } = parts(cluster)
  // By hand: bound, protected, released, made free again.
  await volumes.create({ metadata: { name: 'hand' }, spec: volumeSpec({ persistentVolumeReclaimPolicy: 'Retain' }) })
  await claims.create({ metadata: { name: 'first' }, spec: claimSpec({ storageClassName: '' }) })
  await claims.create({ metadata: { name: 'second' }, spec: claimSpec({ storageClassName: '' }) })
  const boundNames = async () => (await claims.list()).items.filter((c) => c.status?.phase === 'Bound').map((c) => c.metadata.name ?? '')
  await until('one of two claims has it', async () => (await boundNames()).length === 1 && (await volumePhase('hand')) === 'Bound')
  const [winner = ''] = await boundNames()
  assert.equal((await claims.get(winner)).status?.capacity?.storage, '2Gi')
  const condition = { type: 'Told', status: 'True', reason: 'Test', message: 'by somebody else' }
  const waiting = winner === 'first' ? 'second' : 'first'
  await claims.patch(waiting, { type: 'merge', body: { status: { conditions: [condition] } } }, { subresource: 'status' })
  await until('both are protected', async () => {
    const [claim, volume] = [await claims.get(winner), await volumes.get('hand')]
    return (
      claim.metadata.finalizers?.join() === 'kubernetes.io/pvc-protection' &&
      volume.metadata.finalizers?.join() === 'kubernetes.io/pv-protection'
    )
  })
  await claims.delete(winner)
  await until('it is released', async () => (await volumePhase('hand')) === 'Released')
  await volumes.patch('hand', { type: 'merge', body: { spec: { claimRef: null } } })
  await until('the other has it', async () => (await phase(waiting)) === 'Bound')
  assert.deepEqual((await claims.get(waiting)).status?.conditions, [{ ...condition, lastProbeTime: null, lastTransitionTime: null }])

  // By class: no class becomes the default one; nothing until a pod is placed; then a directory of the pod's node.
  await claims.create({ metadata: { name: 'dyn' }, spec: claimSpec() })
  await until('the default class', async () => (await claims.get('dyn')).spec?.storageClassName === 'local')
  assert.equal(await phase('dyn'), 'Pending')
  await podWith('user', { persistentVolumeClaim: { claimName: 'dyn' } })
  await until('it is bound', async () => (await phase('dyn')) === 'Bound')
  const { spec } = await claims.get('dyn')
  const made = await volumes.get(spec?.volumeName ?? '')
  const [term] = made.spec?.nodeAffinity?.required?.nodeSelectorTerms ?? []
  assert.deepEqual(term?.matchExpressions?.[0]?.values, [(await pods.get('user')).spec?.nodeName])
  await claims.patch('dyn', { type: 'merge', body: { spec: { resources: { requests: { storage: '3Gi' } } } } })
  await until('it has grown', async () => (await claims.get('dyn')).status?.capacity?.storage === '3Gi')
  assert.equal((await volumes.get(spec?.volumeName ?? '')).spec?.capacity?.storage, '3Gi')
  // In use, it stays; then it goes with its volume.
  await claims.delete('dyn')
  await cluster.clock.advance(5_000)
  assert.ok((await claims.get('dyn')).metadata.deletionTimestamp, 'a pod uses it')
  await pods.delete('user')
  await until('both are gone', async () => (await isGone.claim('dyn')) && (await isGone.volume(spec?.volumeName ?? '')))

  // A pod's own claim.
  await podWith('own', {
    ephemeral: { volumeClaimTemplate: { metadata: { labels: { a: 'b' } }, spec: claimSpec({ storageClassName: 'local' }) } },
  })
  await until('the claim is bound', async () => !(await isGone.claim('own-data')) && (await phase('own-data')) === 'Bound')
  await pods.delete('own')
  await until('it goes with the pod', () => isGone.claim('own-data'))
  await until('and its volume', async () => (await volumes.list()).items.length === 1)
}

test('claims are bound, provisioned, grown, protected and given back', () => inCluster({}, life))

for (const seed of [1, 2, 3])
  test(`comes to the same end under faults (seed ${seed})`, () =>
    inCluster({ seed, wrap: (client) => faultyClient(client, { seed, share: 0.08 }) }, life))

test('comes to the same end when its watches lag', () => inCluster({ watchLagMs: 300 }, life))

test('a claim that asks for what a local volume cannot be is told so', () =>
  inCluster({}, async (cluster) => {
    const { claims, podWith } = parts(cluster)
    await claims.create({ metadata: { name: 'many' }, spec: claimSpec({ accessModes: ['ReadWriteMany'] }) })
    await podWith('user', { persistentVolumeClaim: { claimName: 'many' } })
    const events = cluster.clientset.coreV1().events('default')
    await cluster.until('the event', async () =>
      (await events.list()).items.some(
        ({ reason, message }) => reason === 'ProvisioningFailed' && message?.includes('access mode ReadWriteMany'),
      ),
    )
  }))

test('a volume and a claim that name each other find each other', () =>
  inCluster({}, async (cluster) => {
    const { claims, volumes, phase } = parts(cluster)
    await claims.create({ metadata: { name: 'c' }, spec: claimSpec({ storageClassName: '', volumeName: 'v' }) })
    await cluster.clock.advance(1_000)
    assert.equal(await phase('c'), 'Pending')
    await volumes.create({ metadata: { name: 'v' }, spec: volumeSpec() })
    await cluster.until('bound', async () => (await phase('c')) === 'Bound')
    await volumes.create({ metadata: { name: 'w' }, spec: volumeSpec({ claimRef: { namespace: 'default', name: 'd' } }) })
    await claims.create({ metadata: { name: 'd' }, spec: claimSpec({ storageClassName: '' }) })
    await cluster.until('bound', async () => (await claims.get('d')).spec?.volumeName === 'w' && (await phase('d')) === 'Bound')
  }))

test('volumes of a class that binds at once are spread over the nodes', () =>
  inCluster({ nodes: false }, async (cluster) => {
    const { claims, volumes } = parts(cluster)
    await cluster.clientset
      .storageV1()
      .storageClasses()
      .create({ metadata: { name: 'now' }, provisioner: localVolumeDriver })
    for (const name of ['a', 'b', 'c']) await claims.create({ metadata: { name }, spec: claimSpec({ storageClassName: 'now' }) })
    await cluster.until('all bound', async () => (await claims.list()).items.every(({ status }) => status?.phase === 'Bound'))
    const nodes = (await volumes.list()).items.map(
      ({ spec }) => spec?.nodeAffinity?.required?.nodeSelectorTerms[0]?.matchExpressions?.[0]?.values?.[0],
    )
    assert.equal(new Set(nodes).size, 3)
  }))
