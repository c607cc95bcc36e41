import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition } from '../../control/contract.ts'
import { watchKind } from '../../control/watch-declaration.ts'
import type { PersistentVolumeClaim, PersistentVolumeSpec, Pod, Taint } from '../../kinds/generated/types/core-v1.ts'
import { simCluster, type SimCluster } from '../sim-cluster.ts'
import { attachDetachController } from './controller.ts'
import { managedAnnotation } from './plan.ts'

const { volumeAttachments } = kindRefs.storageV1
const finalizer = 'external-attacher/d-example-com'

/** A driver's attacher, which runs beside the cluster: attaches what is asked for, and lets go what is deleted. */
function externalAttacher(failures: Set<string>): ControllerDefinition {
  return {
    name: 'external-attacher',
    watches: [watchKind(volumeAttachments)],
    writes: [volumeAttachments],
    reconcile: async (context, key) => {
      const attachment = context.informer(volumeAttachments).get(key)
      const resource = context.client.resource(volumeAttachments)
      if (!attachment) return undefined
      const { metadata, spec, status } = attachment
      if (metadata.deletionTimestamp) {
        if (metadata.finalizers?.includes(finalizer)) await resource.patch(key, { type: 'merge', body: { metadata: { finalizers: null } } })
      } else if (failures.has(spec.nodeName)) {
        if (!status?.attachError)
          await resource.updateStatus({ ...attachment, status: { attached: false, attachError: { message: 'rpc error: no' } } })
        return { requeueAfterMs: 1_000 }
      } else if (!metadata.finalizers?.includes(finalizer)) {
        await resource.patch(key, { type: 'merge', body: { metadata: { finalizers: [finalizer] } } })
      } else if (!status?.attached) await resource.updateStatus({ ...attachment, status: { attached: true } })
      return undefined
    },
  }
}

async function inCluster(body: (cluster: SimCluster, failures: Set<string>) => Promise<void>): Promise<void> {
  const failures = new Set<string>()
  const cluster = await simCluster({ definitions: [attachDetachController(), externalAttacher(failures)], nodes: false })
  try {
    const { clientset } = cluster
    for (const name of ['node-1', 'node-2']) {
      await clientset
        .coreV1()
        .nodes()
        .create({ metadata: { name, annotations: { [managedAnnotation]: 'true' } } })
      await setReady(cluster, name, true)
    }
    const csi = { driver: 'd.example.com', volumeHandle: 'disk' }
    const spec: PersistentVolumeSpec = {
      csi,
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '1Gi' },
      claimRef: { namespace: 'default', name: 'data' },
    }
    await clientset
      .coreV1()
      .persistentVolumes()
      .create({ metadata: { name: 'disk' }, spec })
    const claim: PersistentVolumeClaim = {
      metadata: { name: 'data', namespace: 'default' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, volumeName: 'disk', storageClassName: '' },
    }
    await clientset.coreV1().persistentVolumeClaims('default').create(claim)
    await body(cluster, failures)
    assert.equal(cluster.metrics.panicsOf('attachdetach'), 0)
  } finally {
    await cluster.stop()
  }
}

async function setReady({ clientset }: SimCluster, name: string, isReady: boolean): Promise<void> {
  const node = await clientset.coreV1().nodes().get(name)
  const conditions = [{ type: 'Ready', status: isReady ? 'True' : 'Unknown' }]
  await clientset
    .coreV1()
    .nodes()
    .updateStatus({ ...node, status: { ...node.status, conditions } })
}

const pod = (name: string, nodeName: string): Pod => ({
  metadata: { name, namespace: 'default' },
  spec: {
    nodeName,
    terminationGracePeriodSeconds: 0,
    containers: [{ name: 'c', image: 'i' }],
    volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }],
  },
})

async function placesOf({ clientset }: SimCluster): Promise<{ attached: string[]; reported: string[] }> {
  const { items } = await clientset.storageV1().volumeAttachments().list()
  const nodes = (await clientset.coreV1().nodes().list()).items
  const name = 'kubernetes.io/csi/d.example.com^disk'
  return {
    attached: items.map(({ spec, status }) => `${spec.nodeName}${status?.attached ? '' : '?'}`).sort(),
    reported: nodes
      .filter(({ status }) => status?.volumesAttached?.some((one) => one.name === name))
      .map(({ metadata }) => metadata.name ?? ''),
  }
}

async function eventsOf({ clientset }: SimCluster, podName: string): Promise<string[]> {
  const { items } = await clientset
    .coreV1()
    .events('default')
    .list({ fieldSelector: `involvedObject.name=${podName}` })
  return items.map(({ type, reason, message }) => `${type} ${reason} ${message}`)
}

const isAt = (cluster: SimCluster, nodeName: string) => async () => {
  const { attached, reported } = await placesOf(cluster)
  return attached.join() === nodeName && reported.join() === nodeName
}

test('a volume follows its pod from node to node, and the second waits until the first has let go', () =>
  inCluster(async (cluster) => {
    const { clientset, until } = cluster
    const pods = clientset.coreV1().pods('default')
    await pods.create(pod('first', 'node-1'))
    await until('attached to the first node', isAt(cluster, 'node-1'))
    assert.deepEqual(await eventsOf(cluster, 'first'), ['Normal SuccessfulAttachVolume AttachVolume.Attach succeeded for volume "disk" '])
    await pods.create(pod('second', 'node-2'))
    const refused = 'Warning FailedAttachVolume Multi-Attach error for volume "disk" Volume is already used by pod(s) first'
    await until('the second is told', async () => (await eventsOf(cluster, 'second')).includes(refused))
    const node = await clientset.coreV1().nodes().get('node-1')
    const volumesInUse = ['kubernetes.io/csi/d.example.com^disk']
    await clientset
      .coreV1()
      .nodes()
      .updateStatus({ ...node, status: { ...node.status, volumesInUse } })
    await pods.delete('first', { gracePeriodSeconds: 0 })
    await cluster.clock.advance(600_000)
    assert.deepEqual((await placesOf(cluster)).attached, ['node-1'], 'a node that answers will unmount it')
    const after = await clientset.coreV1().nodes().get('node-1')
    await clientset
      .coreV1()
      .nodes()
      .updateStatus({ ...after, status: { ...after.status, volumesInUse: [] } })
    await until('attached to the second node', isAt(cluster, 'node-2'))
  }))

test('a node that went silent loses the volume after six minutes, one that is off for good at once', () =>
  inCluster(async (cluster) => {
    const { clientset, until, clock } = cluster
    const pods = clientset.coreV1().pods('default')
    const mount = async (name: string) => {
      const node = await clientset.coreV1().nodes().get(name)
      await clientset
        .coreV1()
        .nodes()
        .updateStatus({ ...node, status: { ...node.status, volumesInUse: ['kubernetes.io/csi/d.example.com^disk'] } })
    }
    await pods.create(pod('first', 'node-1'))
    await until('attached', isAt(cluster, 'node-1'))
    await mount('node-1')
    await setReady(cluster, 'node-1', false)
    await pods.delete('first', { gracePeriodSeconds: 0 })
    await pods.create(pod('second', 'node-2'))
    await clock.advance(5 * 60_000)
    assert.deepEqual((await placesOf(cluster)).attached, ['node-1'])
    await until('taken away', isAt(cluster, 'node-2'), 2 * 60_000)
    await mount('node-2')
    await setReady(cluster, 'node-2', false)
    await pods.delete('second', { gracePeriodSeconds: 0 })
    await pods.create(pod('third', 'node-1'))
    await clock.advance(1_000)
    const node = await clientset.coreV1().nodes().get('node-2')
    const taints: Taint[] = [{ key: 'node.kubernetes.io/out-of-service', value: 'nodeshutdown', effect: 'NoExecute' }]
    await clientset
      .coreV1()
      .nodes()
      .update({ ...node, spec: { ...node.spec, taints } })
    await until('taken away at once', isAt(cluster, 'node-1'), 5_000)
  }))

test('what the driver says of a failure reaches the pod, and success after it too', () =>
  inCluster(async (cluster, failures) => {
    const { clientset, until } = cluster
    failures.add('node-1')
    await clientset.coreV1().pods('default').create(pod('first', 'node-1'))
    const failed = 'Warning FailedAttachVolume AttachVolume.Attach failed for volume "disk" : rpc error: no'
    await until('told', async () => (await eventsOf(cluster, 'first')).includes(failed))
    assert.deepEqual(await placesOf(cluster), { attached: ['node-1?'], reported: [] })
    failures.clear()
    await until('attached after all', isAt(cluster, 'node-1'))
    assert.equal((await eventsOf(cluster, 'first')).length, 2)
  }))

test('drivers that need no attachment get none', () =>
  inCluster(async (cluster) => {
    const { clientset, clock } = cluster
    await clientset
      .storageV1()
      .csiDrivers()
      .create({ metadata: { name: 'd.example.com' }, spec: { attachRequired: false } })
    await clock.advance(1_000)
    await clientset.coreV1().pods('default').create(pod('first', 'node-1'))
    await clock.advance(5_000)
    assert.deepEqual(await placesOf(cluster), { attached: [], reported: [] })
  }))

test('a pod waits for a node that attaches by itself, until it says that it does not', () =>
  inCluster(async (cluster) => {
    const { clientset, clock, until } = cluster
    await clientset
      .coreV1()
      .nodes()
      .create({ metadata: { name: 'node-3' } })
    await setReady(cluster, 'node-3', true)
    await clientset.coreV1().pods('default').create(pod('first', 'node-3'))
    await clock.advance(5_000)
    assert.deepEqual(await placesOf(cluster), { attached: [], reported: [] })
    const body = { metadata: { annotations: { [managedAnnotation]: 'true' } } }
    await clientset.coreV1().nodes().patch('node-3', { type: 'merge', body })
    await until('attached', isAt(cluster, 'node-3'))
  }))
