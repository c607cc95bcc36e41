import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { at } from '../../src/apiserver/test-requests.ts'
import { checkApiOperations } from './api-operations.ts'
import { type Collection, changed, namesOf, startConformanceApi } from './conformance-api.ts'

/** Storage kinds as objects: no driver and no controller is there. */
const conformance = await startConformanceApi()
after(() => conformance.close())
const namespace = await conformance.namespace('storage')
const ofGroup = (plural: string) => conformance.collection(`/apis/storage.k8s.io/v1/${plural}`)

/** Create, read, patch, list by label, delete, replace by another, update, delete the collection. */
async function lifecycle(collection: Collection, make: (name: string) => object): Promise<void> {
  const made = await collection.create(make('first'))
  assert.equal(at(await collection.get('first'), 'metadata.uid'), at(made, 'metadata.uid'))
  const patched = await collection.merge('first', { metadata: { labels: { first: 'patched' } } })
  assert.equal(at(patched, 'metadata.labels.first'), 'patched')
  assert.deepEqual(namesOf(await collection.list('labelSelector=first%3Dpatched')), ['first'])
  await collection.remove('first')
  await collection.gone('first')
  const second = await collection.create(make('second'))
  const updated = await collection.replace('second', changed(second, { 'metadata.labels.second': 'updated' }))
  assert.equal(at(updated, 'metadata.labels.second'), 'updated')
  const third = await collection.create(make('third'))
  await collection.replace('third', changed(third, { 'metadata.labels.second': 'updated' }))
  assert.deepEqual(namesOf(await collection.list('labelSelector=second%3Dupdated')), ['second', 'third'])
  await collection.removeAll('labelSelector=second%3Dupdated')
  await collection.gone('second')
  assert.deepEqual(await collection.list('labelSelector=second%3Dupdated'), [])
}

test('CSIInlineVolumes should run through the lifecycle of a CSIDriver', () =>
  lifecycle(ofGroup('csidrivers'), (name) => ({
    metadata: { name },
    spec: { attachRequired: false, podInfoOnMount: true, volumeLifecycleModes: ['Ephemeral'], fsGroupPolicy: 'None' },
  })))

test('CSIInlineVolumes should support CSIVolumeSource in Pod API', async () => {
  const pods = conformance.collection(`/api/v1/namespaces/${namespace}/pods`)
  const csi = { driver: 'e2e.example.com', readOnly: true, volumeAttributes: { a: 'b' } }
  const made = await pods.create({
    metadata: { name: 'inline', labels: { 'csi-volume': 'inline' } },
    spec: {
      containers: [{ name: 'c', image: 'i', volumeMounts: [{ name: 'v', mountPath: '/mnt', readOnly: true }] }],
      volumes: [{ name: 'v', csi }],
    },
  })
  assert.deepEqual(at(made, 'spec.volumes.0.csi'), csi)
  assert.deepEqual(at(await pods.get('inline'), 'spec.volumes.0.csi'), csi)
  assert.deepEqual(namesOf(await pods.list('labelSelector=csi-volume%3Dinline')), ['inline'])
  const patched = await pods.strategic('inline', { metadata: { labels: { 'csi-volume': 'patched' } } })
  assert.equal(at(patched, 'metadata.labels.csi-volume'), 'patched')
  await pods.remove('inline?gracePeriodSeconds=0')
  await pods.gone('inline')
})

test('CSINodes CSI Conformance should run through the lifecycle of a csinode', () =>
  lifecycle(ofGroup('csinodes'), (name) => ({ metadata: { name }, spec: { drivers: [] } })))

test('CSIStorageCapacity should support CSIStorageCapacities API operations', () =>
  checkApiOperations(conformance, {
    group: 'storage.k8s.io',
    version: 'v1',
    plural: 'csistoragecapacities',
    namespace,
    make: (name) => ({ metadata: { name }, storageClassName: 'my-class', capacity: '1Gi' }),
  }))

test('StorageClasses CSI Conformance should run through the lifecycle of a StorageClass', () =>
  lifecycle(ofGroup('storageclasses'), (name) => ({ metadata: { name }, provisioner: 'e2e.example.com' })))

test('VolumeAttributesClass should run through the lifecycle of a VolumeAttributesClass', () =>
  lifecycle(ofGroup('volumeattributesclasses'), (name) => ({
    metadata: { name },
    driverName: 'e2e.example.com',
    parameters: { type: 'fast' },
  })))

const attachment = (name: string) => ({
  metadata: { name },
  spec: { attacher: 'e2e.example.com', nodeName: 'node', source: { persistentVolumeName: 'pv' } },
})

test('VolumeAttachment Conformance should run through the lifecycle of a VolumeAttachment', () =>
  lifecycle(ofGroup('volumeattachments'), attachment))

test('VolumeAttachment Conformance should apply changes to a volumeattachment status', async () => {
  const attachments = ofGroup('volumeattachments')
  await attachments.create(attachment('status'))
  await attachments.merge('status', { metadata: { labels: { status: 'patched' } } })
  assert.equal(at(await attachments.get('status/status'), 'status.attached'), false)
  const patched = await attachments.merge('status/status', { status: { attached: true } })
  assert.equal(at(patched, 'status.attached'), true)
  const updated = await attachments.replace('status/status', changed(patched, { 'status.attached': false }))
  assert.equal(at(updated, 'status.attached'), false)
  await attachments.remove('status')
  await attachments.gone('status')
})
