/** StatefulSets and ControllerRevisions. */
import { type Case, create, creations, merged, namespaced, patch, read, replace, replacements, titled } from '../upstream-case.ts'

const sets = namespaced('apps/v1', 'statefulsets')
const revisions = namespaced('apps/v1', 'controllerrevisions')

const claim = { metadata: { name: 'd' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }
const plain = {
  metadata: { name: 'w' },
  spec: {
    selector: { matchLabels: { a: 'b' } },
    serviceName: 's',
    template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'busybox' }] } },
  },
}
const withClaim = merged(plain, { spec: { volumeClaimTemplates: [claim] } }) as typeof plain
const claims = (...volumeClaimTemplates: object[]) => ({ spec: { volumeClaimTemplates } })
const mounting = (name: string) => ({ spec: { containers: [{ name: 'c', image: 'busybox', volumeMounts: [{ name, mountPath: '/d' }] }] } })

const setCases: Case[] = [
  ...creations(sets, plain, {
    'the least': {},
    'no spec': { spec: null },
    'no selector': { spec: { selector: null } },
    'an empty selector': { spec: { selector: { matchLabels: null } } },
    'a selector that does not match': { spec: { selector: { matchLabels: { a: 'c' } } } },
    'a selector with a bad operator': { spec: { selector: { matchExpressions: [{ key: 'a', operator: 'Is' }] } } },
    'no template': { spec: { template: null } },
    'a name that is no label': { metadata: { name: 'a.b' } },
    'a long name': { metadata: { name: 'a'.repeat(64) } },
    'no service': { spec: { serviceName: null } },
    'a service that is no label': { spec: { serviceName: 'A_b' } },
    'an unknown policy of pods': { spec: { podManagementPolicy: 'Sideways' } },
    'pods in parallel': { spec: { podManagementPolicy: 'Parallel' } },
    'an unknown strategy': { spec: { updateStrategy: { type: 'Slowly' } } },
    'on deletion': { spec: { updateStrategy: { type: 'OnDelete' } } },
    'on deletion with numbers': { spec: { updateStrategy: { type: 'OnDelete', rollingUpdate: { partition: 1 } } } },
    'a partition below zero': { spec: { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: -1 } } } },
    gaps: { spec: { updateStrategy: { rollingUpdate: { maxUnavailable: 2 } } } },
    'gaps that are none': { spec: { updateStrategy: { rollingUpdate: { maxUnavailable: 0 } } } },
    'gaps above all': { spec: { updateStrategy: { rollingUpdate: { maxUnavailable: '101%' } } } },
    'gaps that are a word': { spec: { updateStrategy: { rollingUpdate: { maxUnavailable: 'x' } } } },
    'an unknown retention': { spec: { persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Sell', whenScaled: '' } } },
    'half a retention': { spec: { persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete' } } },
    'negative numbers': { spec: { replicas: -1, minReadySeconds: -1, ordinals: { start: -1 }, revisionHistoryLimit: -1 } },
    'ordinals that begin later': { spec: { ordinals: { start: 3 } } },
    'a restart policy that ends': { spec: { template: { spec: { restartPolicy: 'Never' } } } },
    'a deadline': { spec: { template: { spec: { activeDeadlineSeconds: 5 } } } },
    'labels of the template that are none': { spec: { template: { metadata: { labels: { 'x y': 'b' }, annotations: { 'x y': '' } } } } },
    'a host name of its own': { spec: { template: { spec: { hostname: 'A_b', subdomain: 'A_b' } } } },
    'a claim that is mounted': { spec: { volumeClaimTemplates: [claim], template: mounting('d') } },
    'a mount of nothing': { spec: { template: mounting('d') } },
    'a claim that stands before a volume': {
      spec: { volumeClaimTemplates: [claim], template: { spec: { volumes: [{ name: 'd' }, { name: 'e', emptyDir: {} }] } } },
    },
    'a claim without anything': claims({ metadata: { name: 'd' } }),
    'a claim without a name': claims({ spec: claim.spec }),
    'two claims of one name': claims(claim, claim),
    'claims with several things wrong': claims(
      merged(claim, { spec: { accessModes: ['Any'], resources: { requests: { storage: '-1' } } } }),
      merged(claim, { metadata: { name: 'E_' }, spec: { volumeMode: 'X', storageClassName: 'A_', selector: { matchLabels: { a: '-' } } } }),
    ),
    'a claim with fractions': claims(merged(claim, { spec: { resources: { requests: { storage: '1500m' } } } })),
    'a claim with a status': claims(merged(claim, { status: { phase: 'Bound', capacity: { storage: '2' } }, kind: 'X', apiVersion: 'v9' })),
    'a claim with a beta class': claims(
      merged(claim, { metadata: { annotations: { 'volume.beta.kubernetes.io/storage-class': 'x' }, labels: { 'a b': 'c' } } }),
    ),
    'several things wrong': {
      spec: {
        replicas: -1,
        podManagementPolicy: 'x',
        updateStrategy: { type: 'y' },
        serviceName: 'A_',
        selector: { matchLabels: { a: '-' } },
        volumeClaimTemplates: [{ metadata: { name: 'd' } }],
        template: { spec: { restartPolicy: 'Never', containers: [] } },
      },
    },
    'a status that is given': { status: { replicas: 3, currentRevision: 'x' } },
  }),
]

const mutable = {
  spec: {
    replicas: 2,
    minReadySeconds: 3,
    ordinals: { start: 1 },
    revisionHistoryLimit: 4,
    updateStrategy: { type: 'OnDelete' },
    persistentVolumeClaimRetentionPolicy: { whenScaled: 'Delete' },
    template: { spec: { containers: [{ name: 'c', image: 'nginx' }] } },
  },
}
const updates: Case[] = titled(
  'changed',
  replacements(sets, withClaim, {
    'what may change': mutable,
    'another service': { spec: { serviceName: 'x' } },
    'another selector': { spec: { selector: { matchLabels: { a: 'c' } }, template: { metadata: { labels: { a: 'c' } } } } },
    'another policy of pods': { spec: { podManagementPolicy: 'Parallel' } },
    'a larger claim': claims(merged(claim, { spec: { resources: { requests: { storage: '2Gi' } } } })),
    'the same amount otherwise': claims(merged(claim, { spec: { resources: { requests: { storage: '1024Mi' } } } })),
    'another label on a claim': claims(merged(claim, { metadata: { labels: { a: 'b' } } })),
    'another class of a claim': claims(merged(claim, { spec: { volumeAttributesClassName: 'fast' } })),
    'no claims': { spec: { volumeClaimTemplates: null } },
    'another claim': claims(claim, merged(claim, { metadata: { name: 'e' } })),
    'a negative history': { spec: { revisionHistoryLimit: -1 } },
    'a template that is bad': { spec: { template: { spec: { containers: [{ name: 'C' }] } } } },
  }),
)

const status = (value: object) => ({ status: value })
const statuses: Case[] = replacements(
  sets,
  plain,
  {
    'status: negative counts': status({
      replicas: -1,
      readyReplicas: -1,
      currentReplicas: -1,
      updatedReplicas: -1,
      availableReplicas: -1,
      observedGeneration: -1,
      collisionCount: -1,
    }),
    'status: parts above the whole': status({
      replicas: 1,
      readyReplicas: 2,
      currentReplicas: 3,
      updatedReplicas: 4,
      availableReplicas: 5,
    }),
    'status: one that is': {
      metadata: { annotations: { x: 'y' } },
      spec: { replicas: 4 },
      ...status({ replicas: 1, currentRevision: 'w-1' }),
    },
    'status: one without a count': status({ currentRevision: 'w-1' }),
  },
  'status',
)

const scale: Case = {
  name: 'scale',
  given: [create(sets, plain)],
  steps: [
    read(`${sets}/w/scale`),
    patch('merge', `${sets}/w/scale`, { spec: { replicas: 3 } }),
    patch('merge', `${sets}/w/scale`, { spec: { replicas: -3 } }),
    replace(`${sets}/w/scale`, { metadata: { name: 'w' }, spec: { replicas: 0 } }),
  ],
}

const revision = { metadata: { name: 'r' }, revision: 1, data: { spec: { x: 1 } } }
const revisionCases: Case[] = [
  ...creations(revisions, revision, {
    'a revision': {},
    'a revision without data': { data: null },
    'a revision of a list': { data: [1] },
    'a revision of a word': { data: 'x' },
    'a revision of a number': { data: 3 },
    'a revision below zero': { revision: -1 },
    'a revision of nothing, below zero': { revision: -1, data: null },
    'a revision with a name that is none': { metadata: { name: 'A_' } },
  }),
  {
    name: 'a revision does not change',
    steps: [
      create(revisions, revision),
      replace(`${revisions}/r`, merged(revision, { data: { spec: { x: 2 } } })),
      replace(`${revisions}/r`, merged(revision, { data: null })),
      replace(`${revisions}/r`, merged(revision, { revision: 2 })),
      replace(`${revisions}/r`, merged(revision, { revision: -2, data: {} })),
    ],
  },
]

/** Cases that this API server answers otherwise on purpose. */
const onPurpose: Readonly<Record<string, string>> = {
  gaps: 'maxUnavailable is honoured: upstream drops it while its feature gate is off',
  'gaps that are none': 'maxUnavailable is honoured, and so judged',
  'gaps above all': 'maxUnavailable is honoured, and so judged',
  'gaps that are a word': 'maxUnavailable is honoured, and so judged',
  'changed: a larger claim': 'volumes may be asked to grow: the controller lets those of every replica grow in turn',
}
const marked = (one: Case): Case => (onPurpose[one.name] ? { ...one, differs: onPurpose[one.name]! } : one)

export const cases: readonly Case[] = [...setCases, ...updates, ...statuses, scale, ...revisionCases].map(marked)
