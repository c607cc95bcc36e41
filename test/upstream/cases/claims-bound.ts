/** PersistentVolumeClaim: what may change of a bound one, its status, and its class of attributes. */
import { type Case, clusterWide, create, merged, namespaced, patch, titled, updates } from '../upstream-case.ts'

const claims = namespaced('v1', 'persistentvolumeclaims')
const claim = { metadata: { name: 'c' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } } } }
const spec = (change: object) => ({ spec: change })
const room = (storage: string | null) => spec({ resources: { requests: { storage } } })
const classes = clusterWide('storage.k8s.io/v1', 'storageclasses')
const growing = { metadata: { name: 'upstream-claims-grows' }, provisioner: 'p', allowVolumeExpansion: true }
const fixed = { metadata: { name: 'upstream-claims-fixed' }, provisioner: 'p' }
const phase = (value: object) => patch('merge', `${claims}/c/status`, { status: value })

/** Each change of a claim that has this status and these more fields. */
const bound = (status: object, more: object, changes: Readonly<Record<string, object>>): Case[] =>
  Object.entries(changes).map(([name, change]) => ({
    name,
    given: [create(classes, growing), create(classes, fixed), create(claims, merged(claim, more)), phase(status)],
    steps: [patch('merge', `${claims}/c`, change)],
  }))

const granted = { phase: 'Bound', capacity: { storage: '1Gi' } }
const grows = spec({ storageClassName: 'upstream-claims-grows', volumeName: 'v' })
const changed: Case[] = [
  ...titled(
    'bound',
    bound(granted, grows, {
      'more room': room('3Gi'),
      'less room': room('1500Mi'),
      'the room that there is': room('1Gi'),
      'less room than there is': room('512Mi'),
      'no room': room('0'),
      'no word of room': room(null),
      'another request': spec({ resources: { requests: { cpu: '1' } } }),
      limits: spec({ resources: { limits: { storage: '4Gi' } } }),
      'another volume': spec({ volumeName: 'w' }),
      'another class': spec({ storageClassName: 'x' }),
      'no class': spec({ storageClassName: null }),
      'another access': spec({ accessModes: ['ReadWriteMany'] }),
      'another mode': spec({ volumeMode: 'Block' }),
      'another selector': spec({ selector: { matchLabels: { a: 'b' } } }),
      'another source': spec({ dataSource: { kind: 'PersistentVolumeClaim', name: 'o' } }),
      'a class of attributes': spec({ volumeAttributesClassName: 'a' }),
      'a class of attributes that is none': spec({ volumeAttributesClassName: 'A_' }),
      'several things': spec({ volumeName: 'w', volumeMode: 'Block', resources: { requests: { storage: '1Mi' } } }),
    }),
  ),
  ...titled(
    'bound in a class that does not grow',
    bound(granted, spec({ storageClassName: 'upstream-claims-fixed', volumeName: 'v' }), {
      'more room': room('3Gi'),
      'less room': room('1500Mi'),
    }),
  ),
  ...titled(
    'bound in a class that is gone',
    bound(granted, spec({ storageClassName: 'none', volumeName: 'v' }), { 'more room': room('3Gi') }),
  ),
  ...titled('bound without a class', bound(granted, spec({ storageClassName: '', volumeName: 'v' }), { 'more room': room('3Gi') })),
  ...titled(
    'pending',
    bound({ phase: 'Pending' }, spec({ storageClassName: 'upstream-claims-grows' }), {
      'more room': room('3Gi'),
      'less room': room('1Gi'),
      'a class of attributes': spec({ volumeAttributesClassName: 'a' }),
    }),
  ),
  ...titled(
    'with a class of attributes',
    bound({ ...granted, currentVolumeAttributesClassName: 'a' }, merged(grows, spec({ volumeAttributesClassName: 'a' })), {
      another: spec({ volumeAttributesClassName: 'b' }),
      none: spec({ volumeAttributesClassName: null }),
      empty: spec({ volumeAttributesClassName: '' }),
    }),
  ),
  ...titled(
    'with a class by an annotation',
    bound(
      granted,
      { metadata: { annotations: { 'volume.beta.kubernetes.io/storage-class': 'x' } } },
      {
        'the same as a field': spec({ storageClassName: 'x' }),
        'another as a field': spec({ storageClassName: 'y' }),
        'another annotation': { metadata: { annotations: { 'volume.beta.kubernetes.io/storage-class': 'y' } } },
      },
    ),
  ),
  ...titled('lost', bound({ phase: 'Lost' }, grows, { 'more room': room('3Gi'), 'a label': { metadata: { labels: { a: 'b' } } } })),
]

const sourced: Case[] = [
  ...titled(
    'from another claim',
    updates(claims, merged(claim, spec({ dataSource: { kind: 'PersistentVolumeClaim', name: 'o' } })) as typeof claim, {
      'another source': spec({ dataSource: { name: 'p' } }),
      'another source the newer way': spec({ dataSourceRef: { name: 'p' } }),
      'no source': spec({ dataSource: null, dataSourceRef: null }),
      'no source the newer way': spec({ dataSourceRef: null }),
    }),
  ),
]

const status: Case[] = titled(
  'status',
  updates(
    claims,
    claim,
    {
      bound: { metadata: { labels: { a: 'b' } }, status: { phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity: { storage: '2Gi' } } },
      'an unknown phase': { status: { phase: 'Married' } },
      'an access that is none': { status: { accessModes: ['X'] } },
      'room that is none': { status: { capacity: { storage: '-1' } } },
      'broken room': { status: { capacity: { storage: '1500m', gold: '1' } } },
      resizing: {
        status: { allocatedResources: { storage: '3Gi' }, allocatedResourceStatuses: { storage: 'ControllerResizeInProgress' } },
      },
      'an unknown state of resizing': { status: { allocatedResourceStatuses: { storage: 'Perhaps' } } },
      'resizing of what is none': {
        status: { allocatedResources: { cpu: '1' }, allocatedResourceStatuses: { cpu: 'NodeResizePending' } },
      },
      'resizing of a bad name': { status: { allocatedResources: { 'a b': '1' } } },
      'resizing below nothing': { status: { allocatedResources: { storage: '-1' } } },
      'resizing by a part': { status: { allocatedResources: { storage: '1500m' } } },
      'resizing of something own': {
        status: { allocatedResources: { 'example.com/x': '1' }, allocatedResourceStatuses: { 'example.com/x': 'NodeResizeInfeasible' } },
      },
      'a condition': { status: { conditions: [{ type: 'Resizing', status: 'True', reason: 'r', message: 'm' }] } },
      'a condition of an unknown type': { status: { conditions: [{ type: 'Own', status: 'Sure' }] } },
      'another class of attributes': {
        status: { currentVolumeAttributesClassName: 'a', modifyVolumeStatus: { targetVolumeAttributesClassName: 'b', status: 'Pending' } },
      },
      'an unknown state of modifying': { status: { modifyVolumeStatus: { status: 'X' } } },
      'another spec': { spec: { volumeName: 'v' } },
    },
    'status',
  ),
)

export const cases: readonly Case[] = [...changed, ...sourced, ...status]
