import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import { type NodeInput, type PodInput, testNode, testPod } from '../core/fixtures.ts'
import { SchedulerCore } from '../core/scheduler-core.ts'
import { canGoBackTo } from '../core/time-travel.ts'
import { allPlugins } from '../plugins/all.ts'
import { explainPod } from './explain.ts'

const nodes: NodeInput[] = [
  { name: 'alpha', cpu: '4', memory: '8Gi' },
  { name: 'beta', cpu: '4', memory: '8Gi', labels: { disk: 'ssd' } },
  { name: 'gamma', cpu: '2', memory: '8Gi', unschedulable: true },
  { name: 'delta', cpu: '4', memory: '8Gi', taints: [{ key: 'dedicated', value: 'db', effect: 'NoSchedule' }] },
]

function cluster(running: readonly (PodInput & { readonly on: string })[]): SchedulerCore {
  const core = new SchedulerCore({ plugins: allPlugins, random: seededRandom(1) })
  for (const node of nodes) core.snapshot.setNode(testNode(node))
  for (const pod of running) core.snapshot.addPod(`default/${pod.name}`, testPod(pod), pod.on)
  return core
}

const base = { record: undefined, isOurs: true, isGated: false }

function target(input: PodInput) {
  return { key: `default/${input.name}`, pod: testPod(input), priority: input.priority ?? 0 }
}

function checkText(core: SchedulerCore, input: PodInput, expected: string): void {
  assert.equal(explainPod({ core, target: target(input), ...base }).text, expected)
}

const busy = [
  { name: 'x', on: 'alpha', requests: { cpu: '3650m', memory: '1Gi' } },
  { name: 'y', on: 'beta', requests: { cpu: '3', memory: '2Gi' } },
]

test('a pod that fits nowhere: every node with its shortfall, and the smallest changes', () => {
  checkText(
    cluster(busy),
    { name: 'p', requests: { cpu: '2', memory: '1Gi' } },
    `pod default/p: none of 4 nodes takes it
  requests  cpu 2000m, memory 1Gi; priority 0
  numbers   the cluster as it is now

rejected nodes (4)
  alpha  NodeResourcesFit: Insufficient cpu: requested 2000m, free 350m of 4000m allocatable, short 1650m
  beta   NodeResourcesFit: Insufficient cpu: requested 2000m, free 1000m of 4000m allocatable, short 1000m
  delta  TaintToleration: untolerated taint dedicated=db:NoSchedule
  gamma  NodeUnschedulable: the node is cordoned (spec.unschedulable is true)

what would place it
  1. free 1000m of cpu on node beta
  2. reduce the cpu request from 2000m to 1000m: then it fits on node beta
  3. tolerate taint dedicated=db:NoSchedule (or remove it): that opens node delta
  4. uncordon node gamma
`,
  )
})

test('several filters in the way: the steps on the node that needs the fewest', () => {
  checkText(
    cluster([{ name: 'x', on: 'beta', requests: { cpu: '3', memory: '1Gi' } }]),
    { name: 'p', requests: { cpu: '2' }, spec: { nodeSelector: { disk: 'ssd', zone: 'z1' } } },
    `pod default/p: none of 4 nodes takes it
  requests  cpu 2000m; priority 0
  numbers   the cluster as it is now

rejected nodes (4)
  alpha  NodeAffinity: wants label disk=ssd, the node has none; wants label zone=z1, the node has none
  beta   NodeAffinity: wants label zone=z1, the node has none | NodeResourcesFit: Insufficient cpu: requested 2000m, free 1000m of 4000m allocatable, short 1000m
  delta  TaintToleration: untolerated taint dedicated=db:NoSchedule | NodeAffinity: wants label disk=ssd, the node has none; wants label zone=z1, the node has none
  gamma  NodeUnschedulable: the node is cordoned (spec.unschedulable is true) | NodeAffinity: wants label disk=ssd, the node has none; wants label zone=z1, the node has none

what would place it
  1. label node alpha with disk=ssd, zone=z1
`,
  )
})

test('a placed pod: the scores of its decision, not of today', () => {
  const core = cluster(busy)
  const pending = target({ name: 'p', requests: { cpu: '200m', memory: '1Gi' } })
  const position = core.snapshot.log.end
  const decision = core.decide(pending)
  assert.equal(decision.kind, 'Placed')
  if (decision.kind !== 'Placed') return
  const { score, ties, draw, feasible } = decision
  const node = core.snapshot.nodeName(decision.row)
  const placed = { node, score, ties, draw }
  const record = { position, atMs: Date.UTC(2026, 0, 2), attempts: 1, nodeCount: 4, feasible, placed, best: [], rejections: [] }
  const bound = { ...pending, pod: { ...pending.pod, spec: { ...pending.pod.spec!, nodeName: node } } }
  const expected = (changes: number) => `pod default/p: placed on beta
  requests  cpu 200m, memory 1Gi; priority 0
  decided   2026-01-02T00:00:00Z, attempt 1
  numbers   the state in which it was decided, ${changes === 1 ? '1 change' : `${changes} changes`} ago, replayed
  winner    beta with 417: the best score of 2 feasible nodes

feasible nodes (2)
  beta  417 = 3×100 + 1×41 + 1×76
    TaintToleration                  no node has a PreferNoSchedule taint that the pod does not tolerate = 100
    NodeResourcesFit                 (⌊100 × (4000m − 3200m)/4000m⌋ + ⌊100 × (8Gi − 3Gi)/8Gi⌋)/2 = 41
    NodeResourcesBalancedAllocation  50 + ⌊(50 + ⌊100 × (1 − stddev(3200m/4000m, 3Gi/8Gi))⌋ − ⌊100 × (1 − stddev(3000m/4000m, 2Gi/8Gi))⌋)/2⌋ = 76
  alpha  416 = 3×100 + 1×39 + 1×77
    TaintToleration                  no node has a PreferNoSchedule taint that the pod does not tolerate = 100
    NodeResourcesFit                 (⌊100 × (4000m − 3850m)/4000m⌋ + ⌊100 × (8Gi − 2Gi)/8Gi⌋)/2 = 39
    NodeResourcesBalancedAllocation  50 + ⌊(50 + ⌊100 × (1 − stddev(3850m/4000m, 2Gi/8Gi))⌋ − ⌊100 × (1 − stddev(3650m/4000m, 1Gi/8Gi))⌋)/2⌋ = 77

rejected nodes (2)
  delta  TaintToleration: untolerated taint dedicated=db:NoSchedule
  gamma  NodeUnschedulable: the node is cordoned (spec.unschedulable is true)
`
  const explained = () => explainPod({ core, target: bound, ...base, record }).text
  core.snapshot.addPod(bound.key, bound.pod, node)
  assert.equal(explained(), expected(1))
  // Then everything changes: another pod, a pod gone, a node gone and another in its row, a label.
  core.snapshot.addPod('default/z', testPod({ name: 'z', requests: { cpu: '700m' } }), node)
  core.snapshot.removePod('default/x')
  core.snapshot.removeNode('gamma')
  core.snapshot.setNode(testNode({ name: 'epsilon', cpu: '64' }))
  core.snapshot.setNode(testNode({ name: 'alpha', cpu: '1', labels: { new: 'label' } }))
  assert.equal(explained(), expected(6))
  // And the snapshot is as it was before the question.
  assert.equal(core.snapshot.nodeCount, 4)
  assert.deepEqual(
    core.snapshot
      .podsOf(core.snapshot.rowOf('beta')!)
      .map((e) => e.key)
      .sort(),
    ['default/p', 'default/y', 'default/z'],
  )
})

test('a placed pod: a node that was kept for another one then is none that it could have had', () => {
  const core = cluster([{ name: 'x', on: 'beta', requests: { cpu: '1' } }])
  const waiting = target({ name: 'w', requests: { cpu: '3900m' }, priority: 10 })
  core.nominations.set({ ...waiting, nodeName: 'alpha' })
  const pending = target({ name: 'p', requests: { cpu: '200m' } })
  const position = core.snapshot.log.end
  const decision = core.decide(pending)
  assert.ok(decision.kind === 'Placed')
  const { score, ties, draw, feasible } = decision
  const placed = { node: core.snapshot.nodeName(decision.row), score, ties, draw }
  assert.deepEqual([placed.node, feasible], ['beta', 1])
  const best = [{ node: 'beta', score }]
  const record = { position, atMs: 0, attempts: 1, nodeCount: 4, feasible, placed, best, rejections: [] }
  core.nominations.delete(waiting.key)
  const bound = { ...pending, pod: { ...pending.pod, spec: { ...pending.pod.spec!, nodeName: 'beta' } } }
  const { nodes, winner, basisNote } = explainPod({ core, target: bound, ...base, record })
  assert.deepEqual([winner?.score, basisNote], [score, 'the state in which it was decided, 0 changes ago, replayed'])
  const alpha = nodes.find((n) => n.name === 'alpha')!
  assert.ok(alpha.verdict === 'Rejected')
  assert.deepEqual(
    alpha.filters.map((f) => f.details),
    [["left out then: kept for another pod, outside the group's domain, or refused by an extender"]],
  )
  const vague = { ...record, best: [] }
  const told = explainPod({ core, target: bound, ...base, record: vague })
  assert.match(told.basisNote, /; of the feasible nodes 1 were left out then: kept for other pods/)
})

test('beyond the log only the record speaks, and says so', () => {
  const core = cluster([])
  const record = {
    position: 1,
    atMs: 0,
    attempts: 2,
    nodeCount: 4,
    feasible: 2,
    placed: { node: 'alpha', score: 400, ties: 2, draw: 3 },
    best: [
      { node: 'alpha', score: 400 },
      { node: 'beta', score: 400 },
    ],
    rejections: [],
  }
  core.snapshot.setNamespace('default', { team: 'blue' })
  assert.equal(canGoBackTo(core.snapshot, 1), false)
  const pod = testPod({ name: 'p', spec: { nodeName: 'alpha' } })
  const explanation = explainPod({ core, target: { key: 'default/p', pod, priority: 0 }, ...base, record })
  assert.equal(explanation.basis, 'Record')
  assert.equal(
    explanation.text,
    `pod default/p: placed on alpha
  requests  nothing; priority 0
  decided   1970-01-01T00:00:00Z, attempt 2
  numbers   too much has changed since to replay the state: only what was noted at the decision is shown, without formulas
  winner    alpha with 400: 2 of 2 feasible nodes share the best score; the seeded draw started at row 3 and this is the first tied one from there

feasible nodes (2)
  alpha  400
  beta  400
`,
  )
})

test('gated, foreign and finished pods say so', () => {
  const core = cluster([])
  const gated = target({ name: 'p', spec: { schedulingGates: [{ name: 'example.com/quota' }] } })
  const summary = (input: Parameters<typeof explainPod>[0]) => explainPod(input).summary
  assert.equal(
    summary({ core, target: gated, ...base, isGated: true }),
    'scheduling is gated by example.com/quota: it starts when they are removed from spec.schedulingGates',
  )
  const member = target({ name: 'p', spec: { schedulingGroup: { podGroupName: 'g' } } })
  assert.equal(summary({ core, target: member, ...base, isInGang: true }), '2 of 4 nodes would take it now; it waits for its group')
  const foreign = target({ name: 'p', spec: { schedulerName: 'mine' } })
  assert.equal(summary({ core, target: foreign, ...base, isOurs: false }), 'the pod waits for scheduler mine, which is not this one')
  const finished = target({ name: 'p' })
  const done = { ...finished, pod: { ...finished.pod, status: { phase: 'Succeeded' as const } } }
  assert.equal(summary({ core, target: done, ...base }), 'the pod has finished (Succeeded)')
})
