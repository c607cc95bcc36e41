/** Pods: every source of volumes but the projected ones. */
import { podWith, pods, specs, volumes } from '../pod-cases.ts'
import { type Case, create } from '../upstream-case.ts'

const claim = (spec: object, metadata: object = {}) => ({ ephemeral: { volumeClaimTemplate: { metadata, spec } } })
const goodClaim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }

export const cases: readonly Case[] = [
  ...volumes({
    'nothing is an empty directory': {},
    'two sources': { emptyDir: {}, hostPath: { path: '/a' } },
    'three sources': { emptyDir: {}, secret: {}, downwardAPI: {}, configMap: {}, cephfs: { monitors: [] }, storageos: {} },
    'no name': { name: null, emptyDir: {} },
    'a bad name': { name: 'A_b', emptyDir: {} },
    'an empty directory of memory': { emptyDir: { medium: 'Memory', sizeLimit: '1024Ki' } },
    'an empty directory of an unknown medium': { emptyDir: { medium: 'Paper' } },
    'an empty directory of negative size': { emptyDir: { sizeLimit: '-1' } },
    'a host path without a path': { hostPath: {} },
    'a host path that steps back': { hostPath: { path: '/a/../b' } },
    'a host path of an unknown type': { hostPath: { path: '/a', type: 'Pipe' } },
    'a git repository without anything': { gitRepo: {} },
    'a git repository outside of its folder': { gitRepo: { repository: 'x', directory: '../a' } },
    'a git repository at an absolute path': { gitRepo: { repository: 'x', directory: '/a' } },
    'a GCE disk without a name': { gcePersistentDisk: { partition: 256 } },
    'an AWS disk without an id': { awsElasticBlockStore: { partition: -1 } },
    'a Secret without a name': { secret: {} },
    'a Secret with bad modes and items': {
      secret: {
        secretName: 's',
        defaultMode: 512,
        items: [{}, { key: 'k', path: '/a', mode: -1 }, { key: 'k', path: '..a' }, { key: 'k', path: '../a' }],
      },
    },
    'a Secret with a mode in octal': { secret: { secretName: 's', defaultMode: 511 } },
    'an NFS share without anything': { nfs: {} },
    'an NFS share at a relative path': { nfs: { server: 's', path: 'a' } },
    'an iSCSI disk without anything': { iscsi: {} },
    'an iSCSI disk with a bad name': { iscsi: { targetPortal: '1.2.3.4', iqn: 'x', lun: 256 } },
    'an iSCSI disk with a bad iqn': { iscsi: { targetPortal: '1.2.3.4', iqn: 'iqn.x', lun: 0 } },
    'an iSCSI disk with a bad eui': { iscsi: { targetPortal: '1.2.3.4', iqn: 'eui.0', lun: 0 } },
    'an iSCSI disk with a bad naa': { iscsi: { targetPortal: '1.2.3.4', iqn: 'naa.0', lun: 0 } },
    'an iSCSI disk with CHAP without a secret': {
      iscsi: { targetPortal: '1.2.3.4', iqn: 'iqn.2015-02.example.com:a', lun: 0, chapAuthSession: true },
    },
    'an iSCSI disk with a bad initiator': {
      iscsi: { targetPortal: '1.2.3.4', iqn: 'iqn.2015-02.example.com:a', lun: 0, initiatorName: 'x' },
    },
    'an iSCSI disk with a bad initiator iqn': {
      iscsi: { targetPortal: '1.2.3.4', iqn: 'iqn.2015-02.example.com:a', lun: 0, initiatorName: 'iqn.x' },
    },
    'an iSCSI disk whose names are too long together': {
      iscsi: { targetPortal: 'a'.repeat(64), iqn: 'iqn.2015-02.example.com:a', lun: 0, initiatorName: 'iqn.2015-02.example.com:b' },
    },
    'a Gluster volume without anything': { glusterfs: {} },
    'a Flocker volume without anything': { flocker: {} },
    'a Flocker volume with both names': { flocker: { datasetName: 'a/b', datasetUUID: 'c' } },
    'a claim without a name': { persistentVolumeClaim: {} },
    'an RBD image without anything': { rbd: { monitors: [] } },
    'a Cinder volume without an id': { cinder: { secretRef: {} } },
    'a CephFS without monitors': { cephfs: { monitors: [] } },
    'a Quobyte volume without anything': { quobyte: {} },
    'a Quobyte volume with a bad registry': { quobyte: { registry: 'a:1,b', volume: 'v' } },
    'a Quobyte volume with a long tenant': { quobyte: { registry: 'a:1', volume: 'v', tenant: 'x'.repeat(65) } },
    'files of the pod’s own': { downwardAPI: { items: [{ path: 'a', fieldRef: { fieldPath: 'metadata.labels' } }] } },
    'bad files of the pod’s own': {
      downwardAPI: {
        defaultMode: 512,
        items: [
          {},
          { path: '/a', fieldRef: { fieldPath: 'spec.nodeName' }, mode: 512 },
          { path: '..a', fieldRef: { fieldPath: 'metadata.name' }, resourceFieldRef: { resource: 'limits.cpu' } },
          { path: 'b', resourceFieldRef: { resource: 'limits.cpu' } },
          { path: 'c', resourceFieldRef: { containerName: 'c', resource: 'limits.gpu', divisor: '3' } },
          { path: 'd', resourceFieldRef: { containerName: 'c', resource: 'limits.cpu', divisor: '3' } },
        ],
      },
    },
    'a Fibre Channel disk without anything': { fc: {} },
    'a Fibre Channel disk with both names': { fc: { targetWWNs: ['a'], wwids: ['b'] } },
    'a Fibre Channel disk with a bad unit': { fc: { targetWWNs: ['a'], lun: 256 } },
    'a flex volume without a driver': { flexVolume: {} },
    'a flex volume with a reserved option': { flexVolume: { driver: 'a/b', options: { 'x.kubernetes.io/a': 'b' } } },
    'a ConfigMap without a name': { configMap: {} },
    'a ConfigMap with bad modes and items': { configMap: { name: 'a', defaultMode: -1, items: [{ key: '', path: 'a/../b' }] } },
    'an Azure file without anything': { azureFile: {} },
    'a vSphere disk without a path': { vsphereVolume: {} },
    'a Photon disk without an id': { photonPersistentDisk: {} },
    'a Portworx volume without an id': { portworxVolume: {} },
    'an Azure disk without anything': { azureDisk: {} },
    'an Azure disk with unknown words': { azureDisk: { diskName: 'a', diskURI: 'https://x', cachingMode: 'Some', kind: 'Odd' } },
    'a managed Azure disk with a bad address': { azureDisk: { diskName: 'a', diskURI: 'https://x', kind: 'Managed' } },
    'an Azure disk with a bad address': { azureDisk: { diskName: 'a', diskURI: 'x' } },
    'a StorageOS volume without anything': { storageos: {} },
    'a StorageOS volume with bad names': { storageos: { volumeName: 'A', volumeNamespace: 'B', secretRef: {} } },
    'a ScaleIO volume without anything': { scaleIO: { gateway: '', system: '', secretRef: null } },
    'a CSI volume without a driver': { csi: {} },
    'a CSI volume with bad names': { csi: { driver: 'a_b', nodePublishSecretRef: { name: 'A_b' } } },
    'a CSI volume with a long driver': { csi: { driver: 'a'.repeat(64), nodePublishSecretRef: {} } },
    'an image without a reference': { image: {} },
    'an image with an unknown pull policy': { image: { reference: 'x:1', pullPolicy: 'Some' } },
    'an image': { image: { reference: 'x:1' } },
    'a claim of its own without a template': { ephemeral: {} },
    'a claim of its own': claim(goodClaim),
    'a claim of its own without anything': claim({}),
    'a claim of its own with metadata': claim(goodClaim, {
      name: 'x',
      labels: { 'a b': 'c' },
      annotations: { 'd e': 'f' },
      finalizers: ['x'],
    }),
    'a claim of its own with bad words': claim({
      accessModes: ['ReadWriteSome'],
      resources: { requests: { storage: '0' } },
      volumeMode: 'Odd',
      storageClassName: 'A_b',
    }),
    'a claim of its own that stands alone and shares': claim({ ...goodClaim, accessModes: ['ReadWriteOncePod', 'ReadWriteOnce'] }),
    'a claim of its own from a source': claim({ ...goodClaim, dataSource: { kind: 'Odd', name: 'a' } }),
  }),
  ...specs({
    'a volume twice': {
      volumes: [
        { name: 'v', emptyDir: {} },
        { name: 'v', emptyDir: {} },
      ],
    },
    'a bad volume’s name again': {
      volumes: [
        { name: 'v', secret: {} },
        { name: 'v', emptyDir: {} },
      ],
    },
    'a claim that the pod makes': {
      volumes: [
        { name: 'v', ...claim(goodClaim) },
        { name: 'w', persistentVolumeClaim: { claimName: 'p-v' } },
      ],
    },
  }),
  {
    name: 'a claim of its own whose name is too long',
    steps: [create(pods, podWith({ volumes: [{ name: 'v', ...claim(goodClaim) }] }, { name: 'p'.repeat(253) }))],
  },
]
