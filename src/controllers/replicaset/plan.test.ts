import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toTime } from '../../base/clock.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { planReplicas, planStatus, type ReplicaOwner } from './plan.ts'

const nowMs = Date.UTC(2026, 0, 2)
const ago = (seconds: number) => toTime(nowMs - seconds * 1000)

type PodInput = {
  node?: string
  phase?: string
  readyFor?: number
  cost?: string
  age?: number
  restarts?: number
  deleting?: boolean
  labels?: Record<string, string>
}

function pod(name: string, input: PodInput = {}): Pod {
  const { node = 'n1', phase = 'Running', readyFor, cost, age = 100, restarts = 0, deleting, labels = { app: 'a' } } = input
  return {
    metadata: {
      name,
      uid: name,
      labels,
      creationTimestamp: ago(age),
      ...(cost ? { annotations: { 'controller.kubernetes.io/pod-deletion-cost': cost } } : {}),
      ...(deleting ? { deletionTimestamp: ago(1) } : {}),
    },
    spec: { containers: [], ...(node ? { nodeName: node } : {}) },
    status: {
      phase: phase as 'Running',
      containerStatuses: [{ name: 'c', ready: true, restartCount: restarts, image: '', imageID: '' }],
      ...(readyFor === undefined ? {} : { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: ago(readyFor) }] }),
    },
  }
}

const owner = (replicas: number, more: Partial<ReplicaOwner> = {}): ReplicaOwner => ({
  metadata: { name: 'rs', namespace: 'd', uid: 'rs', generation: 3 },
  spec: { replicas, template: { metadata: { labels: { app: 'a', tier: 'x' } } } },
  ...more,
})

const deletions: [string, Pod[], string[]][] = [
  ['nothing when the number is right', [pod('a')], []],
  ['one that has no node', [pod('a', { readyFor: 9 }), pod('b', { node: '', phase: 'Pending' })], ['b']],
  ['one that does not run yet', [pod('a', { readyFor: 9 }), pod('b', { phase: 'Pending' })], ['b']],
  ['one that is not ready', [pod('a'), pod('b', { readyFor: 9 })], ['a']],
  ['the cheaper one', [pod('a', { readyFor: 9, cost: '-5' }), pod('b', { readyFor: 9 })], ['a']],
  ['no notice of a cost that is no number', [pod('a', { readyFor: 100, cost: '+5' }), pod('b', { readyFor: 1 })], ['b']],
  [
    'one that shares its node',
    [pod('a', { readyFor: 99, node: 'n2' }), pod('b', { readyFor: 99 }), pod('c', { readyFor: 1, node: 'n3' })],
    ['a', 'b'],
  ],
  ['the one that is ready for a shorter time', [pod('a', { readyFor: 100 }), pod('b', { readyFor: 3 })], ['b']],
  ['the one that restarts often', [pod('a', { restarts: 4, readyFor: 9 }), pod('b', { readyFor: 9 })], ['a']],
  ['the younger one', [pod('a', { readyFor: 9, age: 1000 }), pod('b', { readyFor: 9, age: 10 })], ['b']],
]

for (const [name, pods, expected] of deletions)
  test(`removes ${name}`, () => {
    const podsOnNode = () =>
      new Map([
        ['n1', 2],
        ['n2', 3],
        ['n3', 1],
      ])
    const replicas = pods.length - expected.length
    const plan = planReplicas({ owner: owner(replicas), pods, podsOnNode }, nowMs)
    assert.deepEqual(
      plan.remove.map((p) => p.metadata.name),
      expected,
    )
    assert.equal(plan.create, 0)
  })

const counts: [string, ReplicaOwner, Pod[], number, number][] = [
  ['terminal and terminating pods are replaced', owner(3), [pod('a'), pod('b', { phase: 'Failed' }), pod('c', { deleting: true })], 2, 0],
  ['an absent number means one', owner(0, { spec: {} }), [], 1, 0],
  ['a deleted owner does nothing', owner(3, { metadata: { deletionTimestamp: ago(1) } }), [pod('a')], 0, 0],
  ['one step is bounded', owner(2_000), [], 1_000, 0],
]

for (const [name, set, pods, create, remove] of counts)
  test(name, () => {
    const plan = planReplicas({ owner: set, pods, podsOnNode: () => new Map() }, nowMs)
    assert.deepEqual([plan.create, plan.remove.length], [create, remove])
  })

test('status counts what is ready, available, fully labelled and terminating', () => {
  const pods = [
    pod('a', { readyFor: 60, labels: { app: 'a', tier: 'x' } }),
    pod('b', { readyFor: 4 }),
    pod('c'),
    pod('d', { deleting: true, readyFor: 60 }),
    pod('e', { phase: 'Succeeded' }),
  ]
  const set = owner(3, { spec: { replicas: 3, minReadySeconds: 10, template: { metadata: { labels: { app: 'a', tier: 'x' } } } } })
  const { status, requeueAfterMs } = planStatus({ owner: set, pods }, nowMs)
  assert.deepEqual(status, {
    replicas: 3,
    fullyLabeledReplicas: 1,
    readyReplicas: 2,
    availableReplicas: 1,
    terminatingReplicas: 1,
    observedGeneration: 3,
  })
  assert.equal(requeueAfterMs, 6_000)
  assert.equal(planStatus({ owner: { ...set, status: status! }, pods }, nowMs).status, undefined)
})

test('a failure becomes a condition, keeps its time while it lasts, and goes with it', () => {
  const failure = { reason: 'FailedCreate' as const, message: 'quota' }
  const first = planStatus({ owner: owner(1), pods: [], failure }, nowMs).status!
  assert.deepEqual(first.conditions, [
    { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'quota', lastTransitionTime: toTime(nowMs) },
  ])
  const failing = owner(1, { status: first })
  assert.equal(planStatus({ owner: failing, pods: [], failure }, nowMs + 60_000).status, undefined)
  assert.equal(planStatus({ owner: failing, pods: [] }, nowMs).status?.conditions, undefined)
})
