import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../../kinds/generated/types/core-v1.ts'
import type { StorageClass } from '../../kinds/generated/types/storage-v1.ts'
import { podCondition } from '../../kinds/pod-status.ts'
import { type SimCluster, withCluster } from '../sim-cluster.ts'
import { volumeAnnotations } from '../../kinds/storage/volume-binding.ts'

const { coreV1, storageV1 } = kindRefs
const { bindCompleted, selectedNode } = volumeAnnotations
const claimsOf = (c: SimCluster) => c.client.resource(coreV1.persistentVolumeClaims, 'default')

async function addClass(c: SimCluster, name: string, fields: Partial<StorageClass> = {}): Promise<void> {
  const delayed = { provisioner: 'kubernetes.io/no-provisioner', volumeBindingMode: 'WaitForFirstConsumer' } as const
  await c.client
    .resource(storageV1.storageClasses)
    .create({ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name }, ...delayed, ...fields })
}

async function addVolume(c: SimCluster, name: string, on: string, size = '1Gi'): Promise<void> {
  const volumes = c.client.resource(coreV1.persistentVolumes)
  const created = await volumes.create({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name },
    spec: {
      capacity: { storage: size },
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'local',
      local: { path: `/disks/${name}` },
      nodeAffinity: {
        required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [on] }] }] },
      },
    },
  })
  await volumes.updateStatus({ ...created, status: { phase: 'Available' } })
}

async function addClaim(c: SimCluster, name: string, spec: PersistentVolumeClaimSpec = {}): Promise<void> {
  await claimsOf(c).create({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name },
    spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'local', resources: { requests: { storage: '1Gi' } }, ...spec },
  })
}

const addPod = (c: SimCluster, name: string, claim: string) =>
  c.addPod({ name, spec: { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: claim } }] } })

/** What the volume controller does once a volume names its claim. */
async function finishBinding(c: SimCluster, claim: PersistentVolumeClaim, volumeName: string): Promise<void> {
  const metadata = { ...claim.metadata, annotations: { ...claim.metadata.annotations, [bindCompleted]: 'yes' } }
  await claimsOf(c).update({ ...claim, metadata, spec: { ...claim.spec, volumeName } })
}

const claimedVolumes = async (c: SimCluster): Promise<readonly PersistentVolume[]> =>
  (await c.client.resource(coreV1.persistentVolumes).list()).items.filter((v) => v.spec?.claimRef)

const reason = async (c: SimCluster, pod: string) => podCondition(await c.pod(pod), 'PodScheduled')?.message
const nodeOf = async (c: SimCluster, pod: string) => (await c.pod(pod)).spec?.nodeName

test('a pod waits, with the reason, for a claim that is missing or bound at once by others, and then follows its volume', () =>
  withCluster(1, async (c) => {
    for (const name of ['a', 'b']) await c.addNode({ name })
    await addPod(c, 'p', 'data')
    const missing = '0/2 nodes are available: persistentvolumeclaim "data" not found. not found'
    await c.until('a reason', async () => (await reason(c, 'p')) === missing)
    await addClass(c, 'local', { volumeBindingMode: 'Immediate' })
    await addClaim(c, 'data')
    const unbound = '0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found'
    await c.until('the next reason', async () => (await reason(c, 'p')) === unbound)
    assert.match(c.scheduler.explain('default', 'p')!.text, /pod has unbound immediate PersistentVolumeClaims/)
    await addVolume(c, 'v', 'b')
    await finishBinding(c, await claimsOf(c).get('data'), 'v')
    await c.until('bound', async () => (await nodeOf(c, 'p')) === 'b')
    assert.match(c.scheduler.explain('default', 'p')!.text, /VolumeBinding: volume v of claim data cannot be reached from here/)
  }))

test('claims that wait for their consumer get volumes of the chosen node, each one of its own, before the pods are bound', () =>
  withCluster(2, async (c) => {
    for (const name of ['a', 'b', 'c']) await c.addNode({ name })
    await addClass(c, 'local')
    await addVolume(c, 'small', 'a')
    await addVolume(c, 'large', 'a', '10Gi')
    await addVolume(c, 'other', 'b')
    for (const i of [1, 2, 3, 4]) {
      await addClaim(c, `data${i}`)
      await addPod(c, `p${i}`, `data${i}`)
    }
    await c.until('three volumes claimed', async () => (await claimedVolumes(c)).length === 3)
    assert.equal(await nodeOf(c, 'p1'), undefined, 'bound before its volume')
    const told = c.scheduler.explain('default', 'p1')!
    assert.match(told.summary, /^goes to [ab], and is bound as soon as what it needs there is ready$/)
    assert.equal(told.winner?.feasibleNodes, told.nodes.length)
    for (const volume of await claimedVolumes(c))
      await finishBinding(c, await claimsOf(c).get(volume.spec!.claimRef!.name!), volume.metadata.name!)
    const placed = async () => (await Promise.all([1, 2, 3, 4].map((i) => nodeOf(c, `p${i}`)))).filter((n) => n !== undefined)
    await c.until('three pods bound', async () => (await placed()).length === 3)
    assert.deepEqual((await placed()).sort(), ['a', 'a', 'b'])
    const waiting = (await Promise.all([1, 2, 3, 4].map(async (i) => ({ i, node: await nodeOf(c, `p${i}`) })))).find((p) => !p.node)!
    assert.match(
      (await reason(c, `p${waiting.i}`))!,
      /^0\/3 nodes are available: 3 node\(s\) didn't find available persistent volumes to bind/,
    )
    await addVolume(c, 'late', 'c')
    await c.until('the late volume claimed', async () => (await claimedVolumes(c)).length === 4)
  }))

const modes = async (c: SimCluster, name: string, accessModes: PersistentVolumeClaimSpec['accessModes'] & object): Promise<void> => {
  const volumes = c.client.resource(coreV1.persistentVolumes)
  const volume = await volumes.get(name)
  await volumes.update({ ...volume, spec: { ...volume.spec, accessModes } })
}

test('a claim that waits for its consumer gets the smallest volume that serves it, whatever else that could do', () =>
  withCluster(1, async (c) => {
    await c.addNode({ name: 'a' })
    await addClass(c, 'local')
    await addVolume(c, 'large', 'a', '5Gi')
    await addVolume(c, 'small', 'a', '2Gi')
    await modes(c, 'small', ['ReadWriteOnce', 'ReadWriteMany'])
    await addClaim(c, 'data')
    await addPod(c, 'p', 'data')
    await c.until('a volume claimed', async () => (await claimedVolumes(c)).length === 1)
    assert.equal((await claimedVolumes(c))[0]!.metadata.name, 'small')
  }))

test('a pod goes where the volume is that was reserved for its claim by hand', () =>
  withCluster(1, async (c) => {
    await c.addNode({ name: 'a', cpu: '1' })
    await c.addNode({ name: 'b' })
    await addClass(c, 'local')
    await addVolume(c, 'free', 'b')
    await addVolume(c, 'reserved', 'a')
    const volumes = c.client.resource(coreV1.persistentVolumes)
    const volume = await volumes.get('reserved')
    const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: 'default', name: 'data' }
    await volumes.update({ ...volume, spec: { ...volume.spec, claimRef } })
    await addClaim(c, 'data')
    await c.addPod({
      name: 'big',
      requests: { cpu: '2' },
      spec: { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] },
    })
    const only = /1 Insufficient cpu, 1 node\(s\) didn't find available persistent volumes to bind/
    await c.until('a reason', async () => only.test((await reason(c, 'big')) ?? ''))
    await addPod(c, 'p', 'data')
    await c.until('the volume bound to the claim', async () => (await volumes.get('reserved')).spec?.claimRef?.uid !== undefined)
    assert.match(c.scheduler.explain('default', 'p')!.summary, /^goes to a,/)
  }))

test('a provisioner is told the node; when it gives the node back, the pod is decided anew', () =>
  withCluster(3, async (c) => {
    await c.addNode({ name: 'a' })
    await addClass(c, 'local', { provisioner: 'example.com/disks' })
    await addClaim(c, 'data')
    await addPod(c, 'p', 'data')
    const chosen = async () => (await claimsOf(c).get('data')).metadata.annotations?.[selectedNode]
    await c.until('the node named', async () => (await chosen()) === 'a')
    const { annotations: _, ...metadata } = (await claimsOf(c).get('data')).metadata
    await claimsOf(c).update({ ...(await claimsOf(c).get('data')), metadata })
    await c.until('a reason', async () => /provisioning failed for PVC "data"/.test((await reason(c, 'p')) ?? ''))
    await c.until('the node named again', async () => (await chosen()) === 'a')
    await addVolume(c, 'made', 'a')
    await finishBinding(c, await claimsOf(c).get('data'), 'made')
    await c.until('bound', async () => (await nodeOf(c, 'p')) === 'a')
  }))

test('a pod that is deleted while its volumes are made leaves nothing taken', () =>
  withCluster(4, async (c) => {
    await c.addNode({ name: 'a', pods: '1' })
    await addClass(c, 'local', { provisioner: 'example.com/disks' })
    await addClaim(c, 'data')
    await addPod(c, 'p', 'data')
    await c.until('the node named', async () => (await claimsOf(c).get('data')).metadata.annotations?.[selectedNode] === 'a')
    await c.client.resource(coreV1.pods, 'default').delete('p', { gracePeriodSeconds: 0 })
    await c.addPod({ name: 'next' })
    await c.until('its place is free again', async () => (await nodeOf(c, 'next')) === 'a')
  }))

test('a claim for one pod in the cluster keeps the second one waiting until the first is gone', () =>
  withCluster(5, async (c) => {
    for (const name of ['a', 'b']) await c.addNode({ name })
    await addClass(c, 'local', { volumeBindingMode: 'Immediate' })
    await addClaim(c, 'data', { accessModes: ['ReadWriteOncePod'], volumeName: 'v' })
    await addVolume(c, 'v', 'a')
    await finishBinding(c, await claimsOf(c).get('data'), 'v')
    await addPod(c, 'first', 'data')
    await c.until('bound', async () => (await nodeOf(c, 'first')) === 'a')
    await addPod(c, 'second', 'data')
    await c.until('a reason', async () =>
      ((await reason(c, 'second')) ?? '').includes(
        '2 node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod',
      ),
    )
    await c.client.resource(coreV1.pods, 'default').delete('first', { gracePeriodSeconds: 0 })
    await c.until('bound', async () => (await nodeOf(c, 'second')) === 'a')
  }))

test('zones of volumes and the count that a driver can attach are kept', () =>
  withCluster(6, async (c) => {
    for (const [name, zone] of Object.entries({ a: 'z1', b: 'z2' }))
      await c.addNode({ name, labels: { 'topology.kubernetes.io/zone': zone } })
    await addClass(c, 'local', { volumeBindingMode: 'Immediate' })
    const volumes = c.client.resource(coreV1.persistentVolumes)
    for (const i of [1, 2]) {
      await volumes.create({
        apiVersion: 'v1',
        kind: 'PersistentVolume',
        metadata: { name: `v${i}`, labels: { 'topology.kubernetes.io/zone': 'z2__z3' } },
        spec: {
          capacity: { storage: '1Gi' },
          accessModes: ['ReadWriteOnce'],
          storageClassName: 'local',
          csi: { driver: 'csi.example.com', volumeHandle: `h${i}` },
        },
      })
      await addClaim(c, `data${i}`, { volumeName: `v${i}` })
      await finishBinding(c, await claimsOf(c).get(`data${i}`), `v${i}`)
    }
    await c.client.resource(storageV1.csiNodes).create({
      apiVersion: 'storage.k8s.io/v1',
      kind: 'CSINode',
      metadata: { name: 'b' },
      spec: { drivers: [{ name: 'csi.example.com', nodeID: 'b', allocatable: { count: 1 } }] },
    })
    await addPod(c, 'p1', 'data1')
    await c.until('bound', async () => (await nodeOf(c, 'p1')) === 'b')
    await addPod(c, 'p2', 'data2')
    await c.until('a reason', async () => (await reason(c, 'p2')) !== undefined)
    assert.match(
      (await reason(c, 'p2'))!,
      /^0\/2 nodes are available: 1 node\(s\) exceed max volume count, 1 node\(s\) had no available volume zone\./,
    )
  }))

test('pods that differ in their claims alone each follow their own volume, also when a node comes into its reach', () =>
  withCluster(7, async (c) => {
    const rackLabel = 'example.com/rack'
    for (const [name, rack] of Object.entries({ a: 'r1', b: 'r2', c: 'r3' })) await c.addNode({ name, labels: { [rackLabel]: rack } })
    await addClass(c, 'local', { volumeBindingMode: 'Immediate' })
    const addBound = async (name: string, racks?: readonly string[]) => {
      const terms = [{ matchExpressions: [{ key: rackLabel, operator: 'In' as const, values: [...(racks ?? [])] }] }]
      await c.client.resource(coreV1.persistentVolumes).create({
        apiVersion: 'v1',
        kind: 'PersistentVolume',
        metadata: { name },
        spec: {
          capacity: { storage: '1Gi' },
          accessModes: ['ReadWriteOnce'],
          storageClassName: 'local',
          nfs: { server: 'nfs.example.com', path: `/${name}` },
          ...(racks ? { nodeAffinity: { required: { nodeSelectorTerms: terms } } } : {}),
        },
      })
      await addClaim(c, name, { volumeName: name })
      await finishBinding(c, await claimsOf(c).get(name), name)
      await addPod(c, name, name)
    }
    const expected = { first: 'b', second: 'b', third: 'c', fourth: 'b' }
    for (const [name, node] of Object.entries(expected)) {
      await addBound(name, [node === 'b' ? 'r2' : 'r3'])
      await c.until(`${name} bound`, async () => (await nodeOf(c, name)) === node)
    }
    await addBound('anywhere')
    await c.until('bound', async () => (await nodeOf(c, 'anywhere')) !== undefined)
    await addBound('nowhere', ['r4'])
    await addBound('neither', ['r4'])
    const message = "0/3 nodes are available: 3 node(s) didn't match PersistentVolume's node affinity."
    await c.until('a reason', async () => (await reason(c, 'neither'))?.startsWith(message) === true)
    const nodes = c.client.resource(coreV1.nodes)
    await nodes.patch('a', { type: 'merge', body: { metadata: { labels: { [rackLabel]: 'r4' } } } })
    for (const name of ['nowhere', 'neither']) await c.until(`${name} bound`, async () => (await nodeOf(c, name)) === 'a')
  }))
