/** PersistentVolumeClaim: access modes, size, class, sources, and what may change of one. */
import { type Case, creations, namespaced, updates } from '../upstream-case.ts'

const claims = namespaced('v1', 'persistentvolumeclaims')
const claim = { metadata: { name: 'c' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }
const spec = (change: object) => ({ spec: change })
const snapshot = { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: 's' }

const made: Case[] = creations(claims, claim, {
  'a claim': {},
  'no spec': { spec: null },
  'no access modes': spec({ accessModes: [] }),
  'an unknown access mode': spec({ accessModes: ['ReadSometimes'] }),
  'one pod and many': spec({ accessModes: ['ReadWriteOncePod', 'ReadWriteOnce'] }),
  'no size': spec({ resources: null }),
  'no room at all': spec({ resources: { requests: { storage: '0' } } }),
  'a negative size': spec({ resources: { requests: { storage: '-1' } } }),
  'a broken size': spec({ resources: { requests: { storage: '1500m' } } }),
  'a bad class': spec({ storageClassName: 'A_b' }),
  'an empty class': spec({ storageClassName: '' }),
  'an unknown mode': spec({ volumeMode: 'X' }),
  'a bad selector': spec({ selector: { matchLabels: { 'a b': '-' } } }),
  'a snapshot': spec({ dataSource: snapshot }),
  'a snapshot the newer way': spec({ dataSourceRef: snapshot }),
  'another claim': spec({ dataSource: { kind: 'PersistentVolumeClaim', name: 'o' } }),
  'a source of another kind': spec({ dataSource: { apiGroup: 'example.com', kind: 'Thing', name: 't' } }),
  'a source of another kind the newer way': spec({ dataSourceRef: { apiGroup: 'example.com', kind: 'Thing', name: 't' } }),
  'a source of a kind without a group': spec({ dataSourceRef: { kind: 'Thing', name: 't' } }),
  'a source of a bad group': spec({ dataSourceRef: { apiGroup: 'A_b', kind: 'Thing', name: '' } }),
  'two sources': spec({ dataSource: snapshot, dataSourceRef: { ...snapshot, name: 't' } }),
  'a source elsewhere': spec({ dataSourceRef: { ...snapshot, namespace: 'other' } }),
  'a class of attributes': spec({ volumeAttributesClassName: 'a' }),
  'a bad class of attributes': spec({ volumeAttributesClassName: 'A_b' }),
})

const changed: Case[] = updates(claims, claim, {
  'a label': { metadata: { labels: { a: 'b' } } },
  'a volume': spec({ volumeName: 'v' }),
  'a class later': spec({ storageClassName: 'x' }),
  'a status': { status: { phase: 'Bound' } },
})

export const cases: readonly Case[] = [...made, ...changed]
