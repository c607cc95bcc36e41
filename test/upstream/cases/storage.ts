/** The group storage.k8s.io. */
import { type Case, clusterWide, create, creations, merged, namespaced, patch, replacements, titled, updates } from '../upstream-case.ts'

const group = 'storage.k8s.io/v1'
const classes = clusterWide(group, 'storageclasses')
const drivers = clusterWide(group, 'csidrivers')
const nodes = clusterWide(group, 'csinodes')
const attachments = clusterWide(group, 'volumeattachments')
const attributes = clusterWide(group, 'volumeattributesclasses')
const capacities = namespaced(group, 'csistoragecapacities')

const many = (count: number, length = 1) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 'v'.repeat(length)]))
const topology = (key: string, ...values: string[]) => ({ matchLabelExpressions: [{ key, values }] })

const storageClass = { metadata: { name: 'upstream-storage-c' }, provisioner: 'a.b/c' }
const classCases = [
  ...creations(classes, storageClass, {
    'the least': {},
    'no provisioner': { provisioner: null },
    'a provisioner that is none': { provisioner: 'A b' },
    'a provisioner with capitals': { provisioner: 'Example.COM/Disk' },
    'an unknown reclaim policy': { reclaimPolicy: 'Sell' },
    'a reclaim policy of volumes alone': { reclaimPolicy: 'Recycle' },
    'an unknown binding mode': { volumeBindingMode: 'Later' },
    'waiting for a consumer': { volumeBindingMode: 'WaitForFirstConsumer', allowVolumeExpansion: true, mountOptions: ['ro'] },
    'too many parameters': { parameters: many(513) },
    'too long parameters': { parameters: many(2, 140_000) },
    'a parameter without a name': { parameters: { '': 'x' } },
    topologies: { allowedTopologies: [topology('zone', 'a', 'b')] },
    'a topology without anything': { allowedTopologies: [{}] },
    'topologies that are none': { allowedTopologies: [topology('a b', 'x'), topology('zone'), topology('zone', 'a', 'a')] },
    'a topology with a key twice': {
      allowedTopologies: [
        {
          matchLabelExpressions: [
            { key: 'z', values: ['a'] },
            { key: 'z', values: ['b'] },
          ],
        },
      ],
    },
    'the same topology twice': { allowedTopologies: [topology('zone', 'a'), topology('zone', 'a')] },
    'a topology by an old label': { allowedTopologies: [topology('failure-domain.beta.kubernetes.io/zone', 'a')] },
    'several things wrong': { provisioner: '', reclaimPolicy: 'x', volumeBindingMode: 'y', parameters: { '': 'x' } },
  }),
  ...titled(
    'changed',
    replacements(classes, storageClass, {
      'another provisioner': { provisioner: 'x' },
      'other parameters': { parameters: { a: 'b' } },
      'another reclaim policy': { reclaimPolicy: 'Retain' },
      'another binding mode': { volumeBindingMode: 'WaitForFirstConsumer' },
      'may grow': { allowVolumeExpansion: true },
      'other mount options': { mountOptions: ['ro'] },
      'other topologies': { allowedTopologies: [topology('zone', 'a')] },
    }),
  ),
]

const driver = { metadata: { name: 'upstream-storage-d' }, spec: {} }
const driverChanges = {
  'another attaching': { spec: { attachRequired: false } },
  'other modes': { spec: { volumeLifecycleModes: ['Ephemeral'] } },
  'another pod info': { spec: { podInfoOnMount: true, storageCapacity: true, requiresRepublish: true, seLinuxMount: true } },
  'another group policy': { spec: { fsGroupPolicy: 'File' } },
  'an unknown group policy': { spec: { fsGroupPolicy: 'Perhaps' } },
  'other tokens': { spec: { tokenRequests: [{ audience: 'a' }] } },
  'a period': { spec: { nodeAllocatableUpdatePeriodSeconds: 60 } },
  'a period that is short': { spec: { nodeAllocatableUpdatePeriodSeconds: 9 } },
}
const driverCases = [
  ...creations(drivers, driver, {
    'the least': {},
    'no spec': { spec: null },
    'a long name': { metadata: { name: `upstream-${'d'.repeat(60)}` } },
    'a name that is none': { metadata: { name: 'A_b' } },
    'a name with capitals': { metadata: { name: 'Upstream-storage' } },
    'unknown modes': { spec: { volumeLifecycleModes: ['Forever', 'Persistent', 'Persistent'] } },
    'tokens twice': { spec: { tokenRequests: [{ audience: 'a' }, { audience: 'a' }, { audience: '' }] } },
    'tokens that are short and long': {
      spec: {
        tokenRequests: [
          { audience: 'a', expirationSeconds: 9 },
          { audience: 'b', expirationSeconds: 5_000_000_000 },
          { audience: 'c', expirationSeconds: 600 },
        ],
      },
    },
    'a token service': { spec: { tokenRequests: [{ audience: '' }], serviceAccountTokenInSecrets: true } },
    'tokens in secrets without tokens': { spec: { serviceAccountTokenInSecrets: true } },
    'a username': { spec: { preventPodSchedulingIfMissing: true } },
    ...Object.fromEntries(Object.entries(driverChanges).map(([name, change]) => [`made with ${name}`, change])),
  }),
  ...titled('changed', replacements(drivers, driver, { 'without a version': {} })),
  ...titled('changed by a patch', updates(drivers, driver, driverChanges)),
]

const nodeDriver = { name: 'd', nodeID: 'n1', topologyKeys: ['a/b'], allocatable: { count: 3 } }
const node = { metadata: { name: 'upstream-storage-n' }, spec: { drivers: [nodeDriver] } }
const listed = (...all: object[]) => ({ spec: { drivers: all } })
const nodeCases = [
  ...creations(nodes, node, {
    'the least': {},
    'a driver without anything': listed({}),
    'a driver whose name is none': listed({ ...nodeDriver, name: 'A_' }),
    'a driver whose name is long': listed({ ...nodeDriver, name: 'd'.repeat(64) }),
    'drivers twice': listed(nodeDriver, nodeDriver),
    'a long node': listed({ ...nodeDriver, nodeID: 'n'.repeat(257) }),
    'a node without a name': listed({ ...nodeDriver, nodeID: '' }),
    'a negative count': listed({ ...nodeDriver, allocatable: { count: -1 } }),
    'keys that are none': listed({ ...nodeDriver, topologyKeys: ['', 'a b', 'x', 'x'] }),
  }),
  ...titled(
    'changed',
    updates(nodes, node, {
      'another count': listed({ ...nodeDriver, allocatable: { count: 4 } }),
      'another node': listed({ ...nodeDriver, nodeID: 'n2' }),
      'other keys': listed({ ...nodeDriver, topologyKeys: ['c'] }),
      'one more': listed(nodeDriver, { ...nodeDriver, name: 'e' }),
      'a negative count': listed({ ...nodeDriver, allocatable: { count: -4 } }),
    }),
  ),
]

const attachment = {
  metadata: { name: 'upstream-storage-a' },
  spec: { attacher: 'd', nodeName: 'n', source: { persistentVolumeName: 'v' } },
}
const inline = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], csi: { driver: 'd', volumeHandle: 'h' } }
const status = (value: object) => ({ status: value })
const attachmentCases: Case[] = [
  ...creations(attachments, attachment, {
    'the least': {},
    'nothing in it': { spec: { attacher: null, nodeName: null, source: null } },
    'no spec': { spec: null },
    'an attacher that is none': { spec: { attacher: 'A_' } },
    'a node that is none': { spec: { nodeName: 'A_' } },
    'a volume that is none': { spec: { source: { persistentVolumeName: 'A_' } } },
    'an inline volume': { spec: { source: { persistentVolumeName: null, inlineVolumeSpec: inline } } },
    'an inline volume without anything': { spec: { source: { persistentVolumeName: null, inlineVolumeSpec: {} } } },
    'an inline volume of another kind': {
      spec: {
        source: {
          persistentVolumeName: null,
          inlineVolumeSpec: {
            capacity: { storage: '1Gi' },
            accessModes: ['ReadWriteOnce'],
            hostPath: { path: '/x' },
            storageClassName: 'c',
          },
        },
      },
    },
    'both sources': { spec: { source: { inlineVolumeSpec: inline } } },
    'a status that is given': status({ attached: true }),
  }),
  ...titled(
    'changed',
    updates(attachments, attachment, { 'another node': { spec: { nodeName: 'm' } }, 'a status': status({ attached: true }) }),
  ),
  ...titled(
    'status',
    updates(
      attachments,
      attachment,
      {
        attached: { metadata: { labels: { a: 'b' } }, ...status({ attached: true, attachmentMetadata: { a: 'b' } }) },
        'too much of it': status({ attached: true, attachmentMetadata: { a: 'x'.repeat(300_000) } }),
        'too long words': status({ attached: false, attachError: { time: '2026-01-01T00:00:00Z', message: 'x'.repeat(2000) } }),
        'negative errors': status({
          attached: false,
          attachError: { time: '2026-01-01T00:00:00Z', errorCode: -1 },
          detachError: { time: '2026-01-01T00:00:00Z', errorCode: 13, message: 'm' },
        }),
        'another spec': { spec: { nodeName: 'm' } },
      },
      'status',
    ),
  ),
]

const attributesClass = { metadata: { name: 'upstream-storage-v' }, driverName: 'd', parameters: { a: 'b' } }
const attributeCases = [
  ...creations(attributes, attributesClass, {
    'the least': {},
    'no driver': { driverName: null },
    'a driver that is none': { driverName: 'A_' },
    'no parameters': { parameters: null },
    'empty parameters': { parameters: { a: null } },
    'a parameter without a name': { parameters: { '': 'x' } },
    'too many parameters': { parameters: many(513) },
  }),
  ...titled(
    'changed',
    updates(attributes, attributesClass, { 'another driver': { driverName: 'e' }, 'other parameters': { parameters: { a: 'c' } } }),
  ),
]

const capacity = { metadata: { name: 'c' }, storageClassName: 's' }
const capacityCases = [
  ...creations(capacities, capacity, {
    'the least': {},
    'no class': { storageClassName: null },
    'a class that is none': { storageClassName: 'A_' },
    'a topology that is none': { nodeTopology: { matchLabels: { 'a b': '-' } } },
    'negative amounts': { capacity: '-1', maximumVolumeSize: '-2Gi' },
    amounts: { capacity: '1024Mi', maximumVolumeSize: '0.5Gi', nodeTopology: { matchLabels: { a: 'b' } } },
    'an amount that is none': { capacity: 'much' },
  }),
  ...titled(
    'changed',
    updates(capacities, merged(capacity, { nodeTopology: { matchLabels: { a: 'b' } } }) as typeof capacity, {
      'another class': { storageClassName: 't' },
      'another topology': { nodeTopology: { matchLabels: { a: 'c' } } },
      'another amount': { capacity: '2Gi' },
      'a negative amount': { capacity: '-2Gi' },
    }),
  ),
]

const deleted: Case = {
  name: 'a class that goes',
  given: [create(classes, storageClass)],
  steps: [{ method: 'DELETE', path: `${classes}/upstream-storage-c` }, patch('merge', `${classes}/upstream-storage-c`, {})],
}

export const cases: readonly Case[] = [
  ...titled('StorageClass', [...classCases, deleted]),
  ...titled('CSIDriver', driverCases),
  ...titled('CSINode', nodeCases),
  ...titled('VolumeAttachment', attachmentCases),
  ...titled('VolumeAttributesClass', attributeCases),
  ...titled('CSIStorageCapacity', capacityCases),
]
