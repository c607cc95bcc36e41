import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deepClone } from '../../machinery/deep-clone.ts'
import { replicationControllers } from '../core/replication-controller.ts'
import type { DaemonSet, Deployment, DeploymentSpec, ReplicaSet, StatefulSet } from '../generated/types/apps-v1.ts'
import { ago, created, createErrors, defaulted, frozen, header, row, updated, testContext, updateErrors } from '../kind-test-support.ts'
import { daemonSets } from './daemon-set.ts'
import { deployments } from './deployment.ts'
import { replicaSets } from './replica-set.ts'
import { statefulSets } from './stateful-set.ts'

const labels = { app: 'web' }
const selector = { matchLabels: labels }
const template = {
  metadata: { labels },
  spec: {
    containers: [
      { name: 'c', image: 'x:1' },
      { name: 'd', image: 'y' },
    ],
  },
}
const metadata = { name: 'w', namespace: 'd', creationTimestamp: ago(3600) }
const deployment = (spec: Partial<DeploymentSpec> = {}): Deployment => deepClone({ metadata, spec: { selector, template, ...spec } })

test('a deployment rolls by quarters', () => {
  const { template: _, selector: _s, ...spec } = defaulted(deployments, deployment()).spec!
  assert.deepEqual(spec, {
    replicas: 1,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
  })
})

function check(title: string, spec: Partial<DeploymentSpec>, ...expected: string[]): void {
  test(`deployment: ${title}`, () => assert.deepEqual(createErrors(deployments, deployment(spec)), expected))
}
check('the least is fine', {})
check('zero replicas are fine', { replicas: 0 })
check('fewer are not', { replicas: -1 }, 'spec.replicas: Invalid value: -1: must be greater than or equal to 0')
check(
  'a selector selects its template',
  { selector: { matchLabels: { app: 'x' } } },
  'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
)
check('a selector selects something', { selector: {} }, 'spec.selector: Invalid value: {}: empty selector is invalid for deployment')
check(
  'a selector is there',
  { selector: undefined as never },
  'spec.selector: Required value',
  'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
)
check(
  'a template that is missing is judged as an empty one',
  { template: undefined as never },
  'spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`',
  'spec.template.spec.containers: Required value',
)
check(
  'pods run for ever',
  { template: { ...template, spec: { ...template.spec, restartPolicy: 'Never', activeDeadlineSeconds: 1 } } },
  'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
  'spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported',
)
check(
  'templates are judged as pods',
  { template: { metadata: { labels }, spec: { containers: [{ name: 'c' }] } } },
  'spec.template.spec.containers[0].image: Required value',
)
check(
  'recreation does not roll',
  { strategy: { type: 'Recreate', rollingUpdate: {} } },
  "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
)
check(
  'a roll can move',
  { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: '0%' } } },
  'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0',
)
check(
  'a share is at most the whole',
  { strategy: { rollingUpdate: { maxUnavailable: '110%' } } },
  'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "110%": must not be greater than 100%',
)
check(
  'a share is a number',
  { strategy: { rollingUpdate: { maxSurge: 'some' } } },
  `spec.strategy.rollingUpdate.maxSurge: Invalid value: "some": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')`,
)
check(
  'the deadline is beyond readiness',
  { minReadySeconds: 600 },
  'spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds',
)

test('a deployment keeps its selector', () => {
  const next = deployment({ selector: { matchLabels: { app: 'x' } }, template: { ...template, metadata: { labels: { app: 'x' } } } })
  assert.deepEqual(updateErrors(deployments, deployment(), next), [
    'spec.selector: Invalid value: {"matchLabels":{"app":"x"}}: field is immutable',
  ])
})

test('the generation follows the spec and, of a deployment, the annotations', () => {
  const old = frozen(created(deployments, deployment()))
  assert.equal(updated(deployments, old, deployment()).metadata.generation, 1)
  assert.equal(updated(deployments, old, deployment({ replicas: 2 })).metadata.generation, 2)
  const annotated = { ...deployment(), metadata: { ...metadata, annotations: { a: 'b' } } }
  assert.equal(updated(deployments, old, annotated).metadata.generation, 2)
})

test('a status is not created, and its labels are the object’s', () => {
  const old = created(deployments, { ...deployment(), status: { replicas: 5 } })
  assert.equal(old.status, undefined)
  const next: Deployment = { ...deployment({ replicas: 9 }), metadata: { ...metadata, labels: { a: 'b' } }, status: { replicas: 3 } }
  deployments.prepareForStatusUpdate(next, frozen(old), testContext)
  assert.deepEqual([next.spec!.replicas, next.status, next.metadata.labels], [1, { replicas: 3 }, undefined])
})

test('a daemon set counts its templates', () => {
  const daemonSet = (image: string): DaemonSet =>
    deepClone({ metadata, spec: { selector, template: { metadata: { labels }, spec: { containers: [{ name: 'c', image }] } } } })
  const old = frozen(created(daemonSets, daemonSet('x:1')))
  const generation = (set: DaemonSet) => set.metadata.annotations?.['deprecated.daemonset.template.generation']
  assert.deepEqual(
    [generation(old), generation(updated(daemonSets, old, daemonSet('x:1'))), generation(updated(daemonSets, old, daemonSet('x:2')))],
    ['1', '1', '2'],
  )
  assert.deepEqual(old.spec!.updateStrategy, { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } })
})

const statefulSet = (extra: object = {}): StatefulSet => deepClone({ metadata, spec: { selector, template, serviceName: 'w', ...extra } })
test('a stateful set goes in order and keeps its claims', () => {
  const { spec } = defaulted(
    statefulSets,
    statefulSet({ volumeClaimTemplates: [{ metadata: { name: 'v' }, spec: { accessModes: ['ReadWriteOnce'] } }] }),
  )
  assert.equal(spec!.podManagementPolicy, 'OrderedReady')
  assert.deepEqual(spec!.updateStrategy, { type: 'RollingUpdate', rollingUpdate: { partition: 0 } })
  assert.deepEqual(spec!.persistentVolumeClaimRetentionPolicy, { whenDeleted: 'Retain', whenScaled: 'Retain' })
  assert.deepEqual(spec!.volumeClaimTemplates![0], {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'v' },
    spec: { accessModes: ['ReadWriteOnce'], volumeMode: 'Filesystem' },
    status: { phase: 'Pending' },
  })
})

const claim = (spec: object = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }) => ({
  metadata: { name: 'data' },
  spec,
})
const mounting = {
  metadata: { labels },
  spec: { containers: [{ name: 'c', image: 'x', volumeMounts: [{ name: 'data', mountPath: '/d' }] }] },
}
function checkSet(title: string, extra: object, ...expected: string[]): void {
  test(`stateful set: ${title}`, () => assert.deepEqual(createErrors(statefulSets, statefulSet(extra)), expected))
}
checkSet('containers mount what is claimed for them', { template: mounting, volumeClaimTemplates: [claim()] })
checkSet(
  'what is not claimed is no volume',
  { template: mounting },
  'spec.template.spec.containers[0].volumeMounts[0].name: Not found: "data"',
)
checkSet(
  'claims are judged when they are made',
  { volumeClaimTemplates: [claim({})], serviceName: 'A_b' },
  'spec.volumeClaimTemplates[0].spec.accessModes: Required value: at least 1 access mode is required',
  'spec.volumeClaimTemplates[0].spec.resources[storage]: Required value',
  "spec.serviceName: Invalid value: \"A_b\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
)
checkSet('host names are the controller’s', { template: { ...template, spec: { ...template.spec, hostname: 'A_b', subdomain: 'A_b' } } })

test('a template that would not be taken today may still be scaled', () => {
  const bad = { template: { metadata: { labels }, spec: { containers: [{ name: 'c' }] } } }
  assert.deepEqual(updateErrors(statefulSets, statefulSet(bad), statefulSet({ ...bad, replicas: 3 })), [])
  const lost = { ...bad, template: { ...bad.template, metadata: { labels: { app: 'y' } } } }
  assert.deepEqual(updateErrors(statefulSets, statefulSet(bad), statefulSet(lost)), [
    'spec.template.metadata.labels: Invalid value: {"app":"y"}: `selector` does not match template `labels`',
  ])
})

test('a daemon set without a selector selects nothing', () => {
  assert.deepEqual(createErrors(daemonSets, deepClone({ metadata, spec: { template } } as unknown as DaemonSet)), [
    'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
  ])
})

test('statuses count up and within bounds', () => {
  const errors = (
    kind: { validateStatusUpdate?: (a: never, b: never) => readonly { field: string; message: string }[] },
    status: object,
    old: object = {},
  ) => kind.validateStatusUpdate!({ status } as never, { status: old } as never).map((e) => `${e.field}: ${e.message}`)
  for (const kind of [deployments, daemonSets, statefulSets])
    assert.deepEqual(errors(kind, { collisionCount: 1 }, { collisionCount: 2 }), [
      'status.collisionCount: Invalid value: 1: cannot be decremented',
    ])
  assert.deepEqual(errors(daemonSets, { numberReady: -1 }), ['status.numberReady: Invalid value: -1: must be greater than or equal to 0'])
  assert.deepEqual(errors(statefulSets, { replicas: 2, availableReplicas: 2, readyReplicas: 1 }), [
    'status.availableReplicas: Invalid value: 2: cannot be greater than status.readyReplicas',
  ])
  assert.deepEqual(errors(deployments, { replicas: 1, updatedReplicas: 2, terminatingReplicas: -1 }), [
    'status.terminatingReplicas: Invalid value: -1: must be greater than or equal to 0',
    'status.updatedReplicas: Invalid value: 2: cannot be greater than status.replicas',
  ])
})

test('a stateful set changes in few fields', () => {
  assert.deepEqual(updateErrors(statefulSets, statefulSet(), statefulSet({ replicas: 3 })), [])
  assert.deepEqual(updateErrors(statefulSets, statefulSet(), statefulSet({ serviceName: 'x' })), [
    "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
  ])
})

test('a replication controller takes selector and labels from its template', () => {
  const controller = defaulted(replicationControllers, { metadata: { name: 'w' }, spec: { template: deepClone(template) } })
  assert.deepEqual([controller.spec!.selector, controller.metadata.labels, controller.spec!.replicas], [labels, labels, 1])
})

test('columns of workloads', () => {
  assert.equal(header(deployments), 'NAME ; READY ; UP-TO-DATE ; AVAILABLE ; AGE | CONTAINERS ; IMAGES ; SELECTOR')
  assert.equal(
    row(deployments, { ...deployment({ replicas: 3 }), status: { readyReplicas: 2, updatedReplicas: 3, availableReplicas: 1 } }),
    'w ; 2/3 ; 3 ; 1 ; 60m | c,d ; x:1,y ; app=web',
  )
  const replicaSet: ReplicaSet = {
    metadata,
    spec: { selector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['b', 'a'] }] }, template, replicas: 3 },
    status: { replicas: 2, readyReplicas: 1 },
  }
  assert.equal(header(replicaSets), 'NAME ; DESIRED ; CURRENT ; READY ; AGE | CONTAINERS ; IMAGES ; SELECTOR')
  assert.equal(row(replicaSets, replicaSet), 'w ; 3 ; 2 ; 1 ; 60m | c,d ; x:1,y ; app in (a,b)')
  const daemonSet: DaemonSet = {
    metadata,
    spec: { selector, template },
    status: {
      desiredNumberScheduled: 3,
      currentNumberScheduled: 3,
      numberReady: 2,
      numberMisscheduled: 0,
      updatedNumberScheduled: 1,
      numberAvailable: 2,
    },
  }
  assert.equal(
    header(daemonSets),
    'NAME ; DESIRED ; CURRENT ; READY ; UP-TO-DATE ; AVAILABLE ; NODE SELECTOR ; AGE | CONTAINERS ; IMAGES ; SELECTOR',
  )
  assert.equal(row(daemonSets, daemonSet), 'w ; 3 ; 3 ; 2 ; 1 ; 2 ; <none> ; 60m | c,d ; x:1,y ; app=web')
  assert.equal(
    row(statefulSets, { ...statefulSet({ replicas: 3 }), status: { replicas: 3, readyReplicas: 1 } }),
    'w ; 1/3 ; 60m | c,d ; x:1,y',
  )
})
