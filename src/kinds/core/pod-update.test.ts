import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deepClone } from '../../machinery/deep-clone.ts'
import type { Pod } from '../generated/types/core-v1.ts'
import { created, defaulted, frozen, updated, updateErrors } from '../kind-test-support.ts'
import { podGrace, pods } from './pod.ts'

const base: Pod = {
  metadata: { name: 'p', namespace: 'd' },
  spec: {
    containers: [{ name: 'c', image: 'x:1', resources: { requests: { cpu: '100m' } } }],
    activeDeadlineSeconds: 100,
    tolerations: [{ key: 'k', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 10 }],
  },
}
const changed = (change: (pod: Pod & { spec: NonNullable<Pod['spec']> }) => void, from = base): Pod => {
  const copy = deepClone(from)
  change(copy as never)
  return copy
}

function check(title: string, next: Pod, expected: string[], old = base): void {
  test(title, () =>
    assert.deepEqual(
      updateErrors(pods, old, next).map((e) => e.split('\n')[0]),
      expected,
    ),
  )
}

const frame =
  'spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)'

check(
  'an image may change',
  changed((p) => (p.spec.containers[0]!.image = 'x:2')),
  [],
)
check(
  'labels may change',
  changed((p) => (p.metadata.labels = { a: 'b' })),
  [],
)
check(
  'a toleration may join',
  changed((p) => p.spec.tolerations!.push({ operator: 'Exists' })),
  [],
)
check(
  'and wait another time',
  changed((p) => (p.spec.tolerations![0]!.tolerationSeconds = 20)),
  [],
)
check(
  'none may go',
  changed((p) => (p.spec.tolerations = [])),
  ['spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds'],
)
check(
  'a deadline may come nearer',
  changed((p) => (p.spec.activeDeadlineSeconds = 50)),
  [],
)
check(
  'not move away',
  changed((p) => (p.spec.activeDeadlineSeconds = 101)),
  ['spec.activeDeadlineSeconds: Invalid value: 101: must be less than or equal to previous value'],
)
check(
  'nor vanish',
  changed((p) => delete p.spec.activeDeadlineSeconds),
  ['spec.activeDeadlineSeconds: Invalid value: null: must not update from a positive integer to nil value'],
)
check(
  'containers stay',
  changed((p) => p.spec.containers.push({ name: 'd', image: 'y' })),
  ['spec.containers: Forbidden: pod updates may not add or remove containers'],
)
check(
  'nothing else may change',
  changed((p) => (p.spec.nodeName = 'n')),
  [frame],
)
check(
  'resources only through resize',
  changed((p) => (p.spec.containers[0]!.resources = { requests: { cpu: '1' } })),
  [frame],
)

const gated = changed((p) => {
  p.spec.schedulingGates = [{ name: 'g' }, { name: 'h' }]
  p.spec.nodeSelector = { a: '1' }
})
check(
  'a gate may go',
  changed((p) => p.spec.schedulingGates!.pop(), gated),
  [],
  gated,
)
check(
  'none may come',
  changed((p) => (p.spec.schedulingGates = [{ name: 'g' }, { name: 'z' }]), gated),
  ["spec.schedulingGates[1].name: Forbidden: only deletion is allowed, but found new scheduling gate 'z'"],
  gated,
)
check(
  'a gated pod may become choosier',
  changed((p) => (p.spec.nodeSelector = { a: '1', b: '2' }), gated),
  [],
  gated,
)
check(
  'not less so',
  changed((p) => (p.spec.nodeSelector = { a: '2' }), gated),
  ['spec.nodeSelector: Invalid value: {"a":"2"}: only additions to spec.nodeSelector are allowed (no mutations or deletions)'],
  gated,
)

test('a refusal shows what differs', () => {
  const [error] = updateErrors(
    pods,
    base,
    changed((p) => (p.spec.nodeName = 'n')),
  )
  assert.match(error!, /- "NodeName": "",\n\+ "NodeName": "n",/)
})

test('an update keeps the status and counts the generation', () => {
  const old = frozen({ ...created(pods, base), status: { phase: 'Running' as const, podIP: '10.0.0.1' } })
  assert.deepEqual(
    updated(
      pods,
      old,
      changed((p) => (p.metadata.labels = { a: 'b' })),
    ).metadata.generation,
    1,
  )
  const next = updated(
    pods,
    old,
    changed((p) => (p.spec.containers[0]!.image = 'x:2')),
  )
  assert.equal(next.metadata.generation, 2)
  assert.deepEqual(next.status, old.status)
})

test('a status write keeps the spec and may carry annotations', () => {
  const old = frozen(created(pods, base))
  const next = changed((p) => {
    p.spec.containers = []
    p.metadata.annotations = { a: 'b' }
    p.metadata.ownerReferences = [{ apiVersion: 'v1', kind: 'X', name: 'x', uid: 'u' }]
    p.status = { phase: 'Running', podIP: '10.244.0.5', hostIP: '10.0.0.1' }
  })
  pods.prepareForStatusUpdate(next, old, context)
  assert.deepEqual(next.spec, old.spec)
  assert.deepEqual(next.status, {
    phase: 'Running',
    podIP: '10.244.0.5',
    podIPs: [{ ip: '10.244.0.5' }],
    hostIP: '10.0.0.1',
    qosClass: 'Burstable',
  })
  assert.deepEqual(next.metadata.annotations, { a: 'b' })
  assert.equal(next.metadata.ownerReferences, undefined)
})

const context = { now: '2026-06-01T12:00:00Z', user: 'tester' }
function through(name: 'ephemeralcontainers' | 'resize', next: Pod, old = base): { pod: Pod; errors: string[] } {
  const before = frozen(created(pods, old))
  const pod = defaulted(pods, next)
  const rule = pods.subresourceUpdates![name]!
  rule.prepare(pod, before, context)
  return { pod, errors: rule.validate(pod, before).map((e) => `${e.field}: ${e.message.split('\n')[0]}`) }
}

test('an ephemeral container joins by its subresource, and nothing else changes there', () => {
  const { pod, errors } = through(
    'ephemeralcontainers',
    changed((p) => {
      p.spec.ephemeralContainers = [{ name: 'debug', image: 'y', targetContainerName: 'c' }]
      p.spec.containers[0]!.image = 'other'
    }),
  )
  assert.deepEqual(errors, [])
  assert.equal(pod.spec!.containers[0]!.image, 'x:1')
  assert.equal(pod.spec!.ephemeralContainers!.length, 1)
})

test('an ephemeral container names a target that is there, and opens no ports', () => {
  const { errors } = through(
    'ephemeralcontainers',
    changed((p) => {
      p.spec.ephemeralContainers = [{ name: 'debug', image: 'y', targetContainerName: 'z', ports: [{ containerPort: 1 }] }]
    }),
  )
  assert.deepEqual(errors, [
    'spec.ephemeralContainers[0].targetContainerName: Not found: "z"',
    'spec.ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral Container',
  ])
})

test('a resize changes cpu and memory only', () => {
  const { pod, errors } = through(
    'resize',
    changed((p) => {
      p.spec.containers[0]!.resources = { requests: { cpu: '200m' } }
      p.spec.containers[0]!.image = 'other'
    }),
  )
  assert.deepEqual(errors, [])
  assert.deepEqual(pod.spec!.containers[0], { ...created(pods, base).spec!.containers[0], resources: { requests: { cpu: '200m' } } })
})

test('a resize keeps the class', () => {
  const { errors } = through(
    'resize',
    changed((p) => {
      p.spec.containers[0]!.resources = { limits: { cpu: '1', memory: '1Gi' } }
    }),
  )
  assert.deepEqual(errors, ['spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing'])
})

test('a finished container does not run again by a status write', () => {
  const old = created(
    pods,
    changed((p) => (p.spec.restartPolicy = 'Never')),
  )
  const status = (state: object) => ({
    phase: 'Running' as const,
    containerStatuses: [{ name: 'c', image: '', imageID: '', ready: false, restartCount: 0, state }],
  })
  const before = { ...old, status: status({ terminated: { exitCode: 0 } }) }
  const after = { ...old, status: status({ running: {} }) }
  const fields = (next: Pod) => pods.validateStatusUpdate!(next, before).map((e) => e.field)
  assert.deepEqual(fields(after), ['status.containerStatuses[0].state'])
  assert.deepEqual(fields({ ...after, metadata: { ...after.metadata, annotations: { 'keelson.dev/run-state': 'running' } } }), [])
})

test('whoever takes the run state away leaves behind that there was one', () => {
  const key = 'keelson.dev/run-state'
  const stopped = changed((p) => (p.metadata.annotations = { [key]: 'stopped' }))
  assert.equal(
    updated(
      pods,
      stopped,
      changed(() => {}),
    )?.metadata.annotations?.[key],
    'running',
  )
  assert.equal(
    updated(
      pods,
      base,
      changed(() => {}),
    ).metadata.annotations?.[key],
    undefined,
  )
})

const graceCases: readonly (readonly [string, Partial<Pod['spec'] & object>, Pod['status'], number | undefined, number])[] = [
  ['a pod on a node gets its own grace', { nodeName: 'n', terminationGracePeriodSeconds: 20 }, {}, undefined, 20],
  ['the request may say another', { nodeName: 'n', terminationGracePeriodSeconds: 20 }, {}, 5, 5],
  ['at once when asked so', { nodeName: 'n' }, {}, 0, 0],
  ['at once without a node', { terminationGracePeriodSeconds: 20 }, {}, undefined, 0],
  ['at once when nothing runs', { nodeName: 'n' }, { phase: 'Succeeded' }, undefined, 0],
  ['a negative grace is a second', { nodeName: 'n', terminationGracePeriodSeconds: -1 }, {}, undefined, 1],
]
for (const [title, spec, status, requested, expected] of graceCases)
  test(title, () => assert.equal(podGrace({ metadata: {}, spec: { containers: [], ...spec }, status: status! }, requested), expected))
