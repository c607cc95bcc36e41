import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { ResourceClient } from '../../src/client/contract.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../../src/kinds/generated/types/core-v1.ts'
import type { KubeObject } from '../../src/machinery/object.ts'
import { startConformanceCluster } from './conformance-cluster.ts'
import { exists, testCondition } from './workloads.ts'

/** Volumes and claims in a whole cluster: they are bound, protected and let go by its controllers while a client writes to them. */
const c = await startConformanceCluster()
after(() => c.close())
const core = c.clientset.coreV1()
const ns = await c.namespace('volumes')
const volumes = core.persistentVolumes()
const claims = core.persistentVolumeClaims(ns)

const volume = (name: string): PersistentVolume => ({
  metadata: { name, labels: { pv: name } },
  spec: {
    accessModes: ['ReadWriteOnce'],
    capacity: { storage: '10Gi' },
    persistentVolumeReclaimPolicy: 'Retain',
    storageClassName: name,
    csi: { driver: 'e2e.example.com', volumeHandle: name },
  },
})
const claim = (name: string): PersistentVolumeClaim => ({
  metadata: { name, labels: { pvc: name } },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName: name },
})

const namesOf = (list: { readonly items: readonly KubeObject[] }) => list.items.map(({ metadata }) => metadata.name)
const gone = async <T extends KubeObject>(resource: ResourceClient<T>, name: string) => !(await exists(() => resource.get(name)))

/** Makes both, and finds each: the volume by its label, the claim in its namespace. */
async function created(name: string) {
  const made = { volume: await volumes.create(volume(name)), claim: await claims.create(claim(name)) }
  assert.deepEqual(namesOf(await volumes.list({ labelSelector: `pv=${name}` })), [name])
  assert.deepEqual(namesOf(await claims.list()), [name])
  return made
}

test('PersistentVolumes CSI Conformance should run through the lifecycle of a PV and a PVC', async () => {
  const made = await created('first')
  const label = (value: string) => ({ type: 'merge', body: { metadata: { labels: { first: value } } } }) as const
  assert.equal((await volumes.patch('first', label('patched'))).metadata.labels?.first, 'patched')
  assert.equal((await claims.patch('first', label('patched'))).metadata.labels?.first, 'patched')
  assert.equal((await volumes.get('first')).metadata.uid, made.volume.metadata.uid)
  assert.equal((await claims.get('first')).metadata.uid, made.claim.metadata.uid)
  await claims.delete('first')
  await c.until('the claim is gone', () => gone(claims, 'first'))
  await volumes.delete('first')
  await c.until('the volume is gone', () => gone(volumes, 'first'))

  const again = await created('second')
  assert.notEqual(again.volume.metadata.uid, made.volume.metadata.uid)
  await c.until('they are bound', async () => (await claims.get('second')).status?.phase === 'Bound')
  const update = async <T extends KubeObject>(resource: ResourceClient<T>): Promise<T> => {
    const object = await resource.get('second')
    return resource.update({ ...object, metadata: { ...object.metadata, labels: { second: 'updated' } } })
  }
  for (const resource of [volumes, claims]) {
    assert.equal((await update<KubeObject>(resource)).metadata.labels?.second, 'updated')
    assert.deepEqual(namesOf(await resource.list({ labelSelector: 'second=updated' })), ['second'])
  }
  await claims.deleteCollection({ labelSelector: 'second=updated' })
  await c.until('no claim', async () => (await claims.list()).items.length === 0)
  await volumes.deleteCollection({ labelSelector: 'second=updated' })
  await c.until('no volume', async () => (await volumes.list({ labelSelector: 'second=updated' })).items.length === 0)
})

test('PersistentVolumes CSI Conformance should apply changes to a pv/pvc status', async () => {
  // Of another class, so that nothing binds them: the claim waits and the volume is free.
  await volumes.create({ ...volume('status'), spec: { ...volume('status').spec, storageClassName: 'other' } })
  await claims.create(claim('status'))
  assert.deepEqual(namesOf(await volumes.list({ labelSelector: 'pv=status' })), ['status'])
  assert.deepEqual(namesOf(await claims.list()), ['status'])
  const statusOf = {
    volume: () => volumes.subresource<undefined, PersistentVolume>('status', 'status', undefined, { method: 'GET' }),
    claim: () => claims.subresource<undefined, PersistentVolumeClaim>('status', 'status', undefined, { method: 'GET' }),
  }
  await c.until('both were looked at', async () => (await statusOf.volume()).status?.phase === 'Available')
  assert.equal((await statusOf.claim()).status?.phase, 'Pending')

  const condition = (type: string) => ({ ...testCondition, type })
  const types = (of: PersistentVolumeClaim) => of.status?.conditions?.map(({ type }) => type)
  const words = ({ status }: PersistentVolume) => [status?.reason, status?.message, status?.phase]
  const patch = async <T extends KubeObject>(resource: ResourceClient<T>, status: object) =>
    resource.patch('status', { type: 'merge', body: { status } }, { subresource: 'status' })
  assert.deepEqual(types(await patch(claims, { conditions: [condition('StatusPatched')] })), ['StatusPatched'])
  assert.deepEqual(words(await patch(volumes, { reason: 'E2E', message: 'StatusPatched' })), ['E2E', 'StatusPatched', 'Available'])
  await c.throughout(
    'nobody takes them away',
    async () => types(await claims.get('status'))?.[0] === 'StatusPatched' && (await volumes.get('status')).status?.reason === 'E2E',
    30_000,
  )
  const pvc = await claims.get('status')
  const conditions = [...(pvc.status?.conditions ?? []), condition('StatusUpdated')]
  assert.deepEqual(types(await claims.updateStatus({ ...pvc, status: { ...pvc.status, conditions } })), ['StatusPatched', 'StatusUpdated'])
  const pv = await volumes.get('status')
  const updated = await volumes.updateStatus({ ...pv, status: { ...pv.status, message: 'StatusUpdated' } })
  assert.deepEqual(words(updated), ['E2E', 'StatusUpdated', 'Available'])
})
