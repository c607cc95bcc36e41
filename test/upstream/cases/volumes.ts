/** PersistentVolume: sources, size, access, node affinity, and what may change of one. */
import { type Case, clusterWide, creations, merged, patch, replacements, titled, updates } from '../upstream-case.ts'

const volumes = clusterWide('v1', 'persistentvolumes')
const volume = {
  metadata: { name: 'upstream-volumes-v' },
  spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' } },
}
const spec = (change: object) => ({ spec: change })
const of = (source: object) => spec({ hostPath: null, ...source })
const secret = { name: 's', namespace: 'n' }
const iqn = 'iqn.2001-04.com.example:a'
const affinity = (required: object | null) => spec({ nodeAffinity: { required } })
const onNode = { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['n'] }] }] }

const made: Case[] = creations(volumes, volume, {
  'a volume': {},
  'no spec': { spec: null },
  'nothing said': spec({ capacity: null, accessModes: null, hostPath: null }),
  'no size in the capacity': spec({ capacity: { storage: null, cpu: '1' } }),
  'more than a size': spec({ capacity: { cpu: '1' } }),
  'no room': spec({ capacity: { storage: '0' } }),
  'negative room': spec({ capacity: { storage: '-1Gi' } }),
  'broken room': spec({ capacity: { storage: '1500m' } }),
  'room that is none': spec({ capacity: { storage: 'much' } }),
  'an unknown access': spec({ accessModes: ['ReadSometimes'] }),
  'every access': spec({ accessModes: ['ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteMany'] }),
  'one pod and many': spec({ accessModes: ['ReadWriteOncePod', 'ReadWriteOnce'] }),
  'one pod and an unknown one': spec({ accessModes: ['ReadWriteOncePod', 'X'] }),
  'an access twice': spec({ accessModes: ['ReadWriteOnce', 'ReadWriteOnce'] }),
  'an unknown policy': spec({ persistentVolumeReclaimPolicy: 'Sell' }),
  'a policy of old': spec({ persistentVolumeReclaimPolicy: 'Recycle' }),
  'everything to be cleared': spec({ hostPath: { path: '/' }, persistentVolumeReclaimPolicy: 'Recycle' }),
  'everything, said another way': spec({ hostPath: { path: '/./' }, persistentVolumeReclaimPolicy: 'Recycle' }),
  'a class that is none': spec({ storageClassName: 'A_b' }),
  'an unknown mode': spec({ volumeMode: 'Tape' }),
  'a block': spec({ volumeMode: 'Block' }),
  'a class of attributes': spec({ volumeAttributesClassName: 'a' }),
  'an empty class of attributes': of({ csi: { driver: 'd', volumeHandle: 'h' }, volumeAttributesClassName: '' }),
  'a class of attributes that is none': of({ csi: { driver: 'd', volumeHandle: 'h' }, volumeAttributesClassName: 'A_b' }),
  'a class of attributes of a driver': of({ csi: { driver: 'd', volumeHandle: 'h' }, volumeAttributesClassName: 'a' }),
  'a claim': spec({ claimRef: { namespace: 'n', name: 'c', uid: 'u' } }),
  'a claim that is none': spec({ claimRef: { namespace: 'A_', name: 'B_' } }),
  'options on a path': spec({ mountOptions: ['ro'] }),
  'options by an annotation': { metadata: { annotations: { 'volume.beta.kubernetes.io/mount-options': 'ro' } } },
  'options of a share': {
    metadata: { annotations: { 'volume.beta.kubernetes.io/mount-options': 'ro' } },
    ...of({ nfs: { server: 's', path: '/' } }),
  },
  'a class by an annotation': { metadata: { annotations: { 'volume.beta.kubernetes.io/storage-class': 'x' } } },
  'a status': { status: { phase: 'Bound' } },
  'a name that is none': { metadata: { name: 'A_b' } },
  'no terms of nodes': affinity({ nodeSelectorTerms: [] }),
  'nothing required of nodes': spec({ nodeAffinity: {} }),
  'terms that are none': affinity({ nodeSelectorTerms: [{ matchExpressions: [{ key: 'a b', operator: 'Near', values: ['x'] }] }] }),
  'terms with values that are none': affinity({
    nodeSelectorTerms: [{ matchExpressions: [{ key: 'a', operator: 'In', values: ['a b'] }] }],
  }),
  'a term by an old label': affinity({
    nodeSelectorTerms: [{ matchExpressions: [{ key: 'failure-domain.beta.kubernetes.io/zone', operator: 'Exists' }] }],
  }),
  'a local one': of({ local: { path: '/x' }, nodeAffinity: { required: onNode } }),
  'a local one anywhere': of({ local: { path: '/x' } }),
  'a local one nowhere': of({ local: { path: '' }, nodeAffinity: {} }),
})

const sources: Case[] = creations(volumes, volume, {
  'two sources': spec({ nfs: { server: 's', path: '/' }, csi: { driver: 'd', volumeHandle: 'h' } }),
  'many sources': spec({ gcePersistentDisk: { pdName: 'p' }, cephfs: { monitors: ['m'] }, storageos: {}, local: { path: '/x' }, fc: {} }),
  'a path upwards': spec({ hostPath: { path: '/a/../b' } }),
  'no path': spec({ hostPath: { path: '' } }),
  'a path of an unknown type': spec({ hostPath: { type: 'X' } }),
  'a local path upwards': of({ local: { path: '../x' }, nodeAffinity: { required: onNode } }),
  'a driver': of({ csi: { driver: 'Example.COM', volumeHandle: 'h', volumeAttributes: { a: 'b' } } }),
  'a driver without anything': of({ csi: {} }),
  'a driver that is none': of({ csi: { driver: `a_${'d'.repeat(63)}`, volumeHandle: 'h' } }),
  'secrets of a driver': of({
    csi: {
      driver: 'd',
      volumeHandle: 'h',
      controllerPublishSecretRef: {},
      controllerExpandSecretRef: secret,
      nodePublishSecretRef: { name: 'A_', namespace: 'B_' },
      nodeExpandSecretRef: { name: 'a' },
      nodeStageSecretRef: {},
    },
  }),
  'a disk of AWS': of({ awsElasticBlockStore: { volumeID: '', partition: 300 } }),
  'a disk of Azure': of({ azureDisk: { diskName: 'd', diskURI: 'x', kind: 'Managed', cachingMode: 'Some' } }),
  'a disk of Azure with its defaults': of({ azureDisk: { diskName: 'd', diskURI: 'https://x' } }),
  'a share of Azure': of({ azureFile: { secretName: '', shareName: '', secretNamespace: '' } }),
  'a share of Azure elsewhere': of({ azureFile: { secretName: 's', shareName: 'h', secretNamespace: 'n' } }),
  'a Ceph share': of({ cephfs: { monitors: [] } }),
  'a Ceph share with a secret': of({ cephfs: { monitors: ['m'], secretRef: secret } }),
  'a disk of Cinder': of({ cinder: { volumeID: '', secretRef: {} } }),
  'fibre without anything': of({ fc: {} }),
  'fibre with both names': of({ fc: { targetWWNs: ['a'], wwids: ['b'], lun: 300 } }),
  'fibre without a unit': of({ fc: { targetWWNs: ['a'] } }),
  'a flexible one': of({ flexVolume: { driver: '', options: { 'a.kubernetes.io/x': 'y' } } }),
  'a flexible one with a secret': of({ flexVolume: { driver: 'd/e', secretRef: { name: 'a' } } }),
  'a Flocker without anything': of({ flocker: {} }),
  'a Flocker with both': of({ flocker: { datasetName: 'a/b', datasetUUID: 'u' } }),
  'a disk of Google': of({ gcePersistentDisk: { pdName: '', partition: -1 } }),
  'a Gluster': of({ glusterfs: { endpoints: '', path: '', endpointsNamespace: '' } }),
  'a Gluster elsewhere': of({ glusterfs: { endpoints: 'e', path: 'p', endpointsNamespace: 'A_' } }),
  'a disk by SCSI': of({ iscsi: { targetPortal: 'p', iqn, lun: 0, iscsiInterface: '' } }),
  'a disk by SCSI without anything': of({ iscsi: { lun: 256, chapAuthSession: true } }),
  'a disk by SCSI with names that are none': of({ iscsi: { targetPortal: 'p', iqn: 'abc', lun: -1, initiatorName: 'abc', secretRef: {} } }),
  'a disk by SCSI with names that are wrong': of({
    iscsi: { targetPortal: 'p', iqn: 'iqn.x', lun: 1, initiatorName: 'eui.x', secretRef: secret },
  }),
  'a disk by SCSI with a long portal': of({ iscsi: { targetPortal: 'p'.repeat(64), iqn, lun: 1, initiatorName: iqn } }),
  'a share': of({ nfs: { server: '', path: 'x' } }),
  'a share without a path': of({ nfs: { server: 's', path: '' } }),
  'a Photon disk': of({ photonPersistentDisk: { pdID: '' } }),
  'a Portworx disk': of({ portworxVolume: { volumeID: '' } }),
  'a Quobyte': of({ quobyte: { registry: '', volume: '' } }),
  'a Quobyte at a bad place': of({ quobyte: { registry: 'a', volume: 'v' } }),
  'a block of Ceph': of({ rbd: { monitors: [], image: '' } }),
  'a block of Ceph with its defaults': of({ rbd: { monitors: ['m'], image: 'i', secretRef: secret } }),
  'a ScaleIO': of({ scaleIO: { gateway: '', system: '', volumeName: '' } }),
  'a ScaleIO with its defaults': of({ scaleIO: { gateway: 'g', system: 's', volumeName: 'v', secretRef: secret } }),
  'a StorageOS': of({ storageos: { volumeName: '', volumeNamespace: 'A_', secretRef: {} } }),
  'a StorageOS with a name that is none': of({ storageos: { volumeName: 'A_', secretRef: secret } }),
  'a disk of vSphere': of({ vsphereVolume: { volumePath: '' } }),
})

const driven = merged(volume, of({ csi: { driver: 'd', volumeHandle: 'h' } })) as typeof volume
const placed = merged(volume, affinity(onNode)) as typeof volume
const classed = merged(driven, spec({ volumeAttributesClassName: 'a' })) as typeof volume

const changed: Case[] = [
  ...updates(volumes, volume, {
    'another path': spec({ hostPath: { path: '/y' } }),
    'another source': of({ nfs: { server: 's', path: '/' } }),
    'no source': spec({ hostPath: null }),
    'another size': spec({ capacity: { storage: '2Gi' } }),
    'a smaller size': spec({ capacity: { storage: '1Mi' } }),
    'another access': spec({ accessModes: ['ReadWriteMany'] }),
    'an access that is none': spec({ accessModes: ['X'] }),
    'another policy': spec({ persistentVolumeReclaimPolicy: 'Delete' }),
    'another mode': spec({ volumeMode: 'Block' }),
    'no mode': spec({ volumeMode: null }),
    'another class': spec({ storageClassName: 'x' }),
    'nodes later': affinity(onNode),
    'a claim later': spec({ claimRef: { namespace: 'n', name: 'c' } }),
    'a status': { status: { phase: 'Bound' } },
    'several things': spec({ volumeMode: 'Block', hostPath: { path: '/z' }, accessModes: ['X'], capacity: { storage: '0' } }),
  }),
  ...titled(
    'on a node',
    updates(volumes, placed, {
      'another node': affinity({
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['m'] }] }],
      }),
      'no node': spec({ nodeAffinity: null }),
    }),
  ),
  ...titled(
    'of a driver',
    updates(volumes, driven, {
      'a secret to grow with': spec({ csi: { controllerExpandSecretRef: secret } }),
      'a secret to publish with': spec({ csi: { nodePublishSecretRef: secret } }),
      'a class of attributes later': spec({ volumeAttributesClassName: 'b' }),
    }),
  ),
  ...titled(
    'of a class of attributes',
    updates(volumes, classed, { another: spec({ volumeAttributesClassName: 'b' }), none: spec({ volumeAttributesClassName: null }) }),
  ),
  ...titled(
    'with an old label',
    updates(
      volumes,
      merged(
        volume,
        affinity({ nodeSelectorTerms: [{ matchExpressions: [{ key: 'beta.kubernetes.io/os', operator: 'In', values: ['linux'] }] }] }),
      ) as typeof volume,
      {
        'the newer one': affinity({
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/os', operator: 'In', values: ['linux'] }] }],
        }),
      },
    ),
  ),
  ...titled('replaced', replacements(volumes, volume, { 'by itself': {}, 'without a mode': { metadata: { labels: { a: 'b' } } } })),
]

const status: Case[] = titled(
  'status',
  updates(
    volumes,
    volume,
    {
      'a phase': { metadata: { labels: { a: 'b' } }, status: { phase: 'Released', message: 'm', reason: 'r' } },
      'a phase that is none': { status: { phase: 'Lost' } },
      'the same phase': { status: { phase: 'Pending', message: 'm' } },
      'a time of its own': { status: { phase: 'Bound', lastPhaseTransitionTime: '2020-01-01T00:00:00Z' } },
      'no time': { status: { lastPhaseTransitionTime: null } },
      'another spec': { spec: { storageClassName: 'x' } },
    },
    'status',
  ),
)

const grown: Case = {
  name: 'a secret to grow with that changes',
  steps: [
    { method: 'POST', path: volumes, body: merged(driven, spec({ csi: { controllerExpandSecretRef: secret } })) },
    patch('merge', `${volumes}/upstream-volumes-v`, spec({ csi: { controllerExpandSecretRef: { ...secret, name: 't' } } })),
  ],
}

export const cases: readonly Case[] = [...made, ...titled('source', sources), ...titled('changed', changed), ...status, grown]
