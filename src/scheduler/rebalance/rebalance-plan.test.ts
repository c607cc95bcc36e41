import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { PodDisruptionBudget } from '../../kinds/generated/types/policy-v1.ts'
import { podRequests, resourceAmounts } from '../../kinds/pod-requests.ts'
import { profileOf } from '../config/scheduler-profile.ts'
import { type NodeInput, type PodInput, testNode, testPod } from '../core/fixtures.ts'
import { rowsByHand } from '../core/oracle.ts'
import { randomNode, randomPod } from '../core/random-cluster.ts'
import { SchedulerCore } from '../core/scheduler-core.ts'
import type { ClusterView } from '../what-if/cluster-view.ts'
import { emptyView } from '../what-if/empty-view.ts'
import { evictAnnotation } from './movable-pod.ts'
import { planRebalance, type RebalancePlan } from './rebalance-plan.ts'
import { defaultRebalancePolicy, type RebalancePolicy } from './rebalance-policy.ts'
import { rebalanceText } from './rebalance-text.ts'

type Running = PodInput & { readonly on: string; readonly annotations?: Readonly<Record<string, string>> }
type Cluster = { readonly nodes: readonly NodeInput[]; readonly running: readonly Running[]; readonly view?: Partial<ClusterView> }

function placed({ on, annotations, ...input }: Running): Pod {
  const pod = testPod({ owner: 'rs', ...input })
  return { ...pod, metadata: { ...pod.metadata, ...(annotations ? { annotations } : {}) }, spec: { ...pod.spec!, nodeName: on } }
}

const viewOf = ({ nodes, running, view }: Cluster): ClusterView => ({
  ...emptyView,
  nodes: nodes.map(testNode),
  pods: running.map(placed),
  ...view,
})

const profile = profileOf({})
const plan = (view: ClusterView, policy: Partial<RebalancePolicy> = {}) =>
  planRebalance({ view, profiles: [profile], policy: { ...defaultRebalancePolicy, ...policy } })

function check(title: string, cluster: Cluster, policy: Partial<RebalancePolicy>, expected: string): void {
  void test(title, () => {
    const view = viewOf(cluster)
    const before = JSON.stringify(view)
    assert.equal(rebalanceText(plan(view, policy)), expected)
    assert.equal(JSON.stringify(view), before, 'the view was changed')
  })
}

const small = { cpu: '100m', memory: '128Mi' }
const nodes: readonly NodeInput[] = ['a', 'b', 'c'].map((name) => ({ name, cpu: '4', memory: '8Gi' }))
const onlyViolations = { strategies: ['Violations'] as const }

check('a cluster in order stays as it is', { nodes, running: [{ name: 'p', on: 'a', requests: small }] }, {}, 'nothing should move\n')

check(
  'pods leave a node whose taint they do not tolerate, one of each owner at a time',
  {
    nodes: [{ ...nodes[0]!, taints: [{ key: 'dedicated', value: 'db', effect: 'NoSchedule' }] }, nodes[1]!],
    running: [
      { name: 'p', on: 'a', requests: small },
      { name: 'q', on: 'a', requests: small },
      { name: 'r', on: 'a', owner: 'other', requests: small, spec: { tolerations: [{ operator: 'Exists' }] } },
    ],
  },
  onlyViolations,
  `1 pod should move
  default/p (replicaset/rs): a → b, gains 100 %
    why    TaintToleration: untolerated taint dedicated=db:NoSchedule
    gain   a broken rule is kept again: 100 %

1 stay, though in the wrong place
  default/q (replicaset/rs) on a: only 1 pods of one owner move in one run
    why    TaintToleration: untolerated taint dedicated=db:NoSchedule
`,
)

const apart = (app: string) => ({
  affinity: {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app } } }],
    },
  },
})
check(
  'of two pods that must be apart one moves',
  {
    nodes: nodes.slice(0, 2),
    running: ['p', 'q'].map((name) => ({ name, on: 'a', labels: { app: 'web' }, requests: small, spec: apart('web') })),
  },
  onlyViolations,
  `1 pod should move
  default/p (replicaset/rs): a → b, gains 100 %
    why    InterPodAffinity: 1 pod(s) that the anti-affinity excludes are in kubernetes.io/hostname=a
    gain   a broken rule is kept again: 100 %
`,
)

check(
  'a pod that no other node takes stays, and says why',
  {
    nodes: [
      { ...nodes[0]!, labels: { disk: 'hdd' } },
      { ...nodes[1]!, labels: { disk: 'hdd' } },
    ],
    running: [{ name: 'p', on: 'a', requests: small, spec: { nodeSelector: { disk: 'ssd' } } }],
  },
  {},
  `nothing should move

1 stay, though in the wrong place
  default/p (replicaset/rs) on a: no other node takes it: 0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.
    why    NodeAffinity: wants label disk=ssd, the node has disk=hdd
`,
)

const budget = (allowed: number): PodDisruptionBudget => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: 'web', namespace: 'default' },
  spec: { selector: { matchLabels: { app: 'web' } } },
  status: { disruptionsAllowed: allowed, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
})
const heavy = (name: string, more: Partial<Running> = {}): Running => ({
  name,
  on: 'a',
  owner: name,
  requests: { cpu: '900m', memory: '256Mi' },
  ...more,
})
check(
  'pods leave overused nodes for underused ones as far as the budgets allow, until it is enough',
  {
    nodes,
    running: [heavy('w1', { labels: { app: 'web' } }), heavy('w2', { labels: { app: 'web' } }), heavy('x'), heavy('y', { priority: 10 })],
    view: { budgets: [budget(1)] },
  },
  {},
  `2 pods should move
  default/w1 (replicaset/w1): a → b, gains 68 %
    why    pods request 90 % of the node's cpu, more than 50 %
    gain   90 % of cpu here − 22 % there
  default/x (replicaset/x): a → c, gains 45 %
    why    pods request 67 % of the node's cpu, more than 50 %
    gain   67 % of cpu here − 22 % there

1 stay, though in the wrong place
  default/w2 (replicaset/w2) on a: budget default/web allows 1 disruptions now
    why    pods request 67 % of the node's cpu, more than 50 %
`,
)

check(
  'copies of one workload come apart; what cannot be had elsewhere or must not move stays',
  {
    nodes: nodes.slice(0, 2),
    running: [
      { name: 'p', on: 'a', requests: small },
      { name: 'q', on: 'a', requests: small },
      ...['s', 't'].map((name) => ({ name, on: 'b', owner: 'kept', requests: small, annotations: { [evictAnnotation]: 'false' } })),
    ],
  },
  { strategies: ['Duplicates'] },
  `1 pod should move
  default/p (replicaset/rs): a → b, gains 50 %
    why    2 of 2 pods of one owner are on this node, 1 would do on 2 nodes
    gain   ⌊100 × (2 − 1)/2⌋ pods of the owner on one node

2 stay, though in the wrong place
  default/s (replicaset/kept) on b: its annotation descheduler.alpha.kubernetes.io/evict says so
    why    2 of 2 pods of one owner are on this node, 1 would do on 2 nodes
  default/t (replicaset/kept) on b: its annotation descheduler.alpha.kubernetes.io/evict says so
    why    2 of 2 pods of one owner are on this node, 1 would do on 2 nodes
`,
)

const duplicates = (name: string, more: Partial<Running>) =>
  ['1', '2'].map((i): Running => ({ name: `${name}${i}`, on: 'a', owner: name, requests: small, ...more }))
check(
  'pods of excluded namespaces, of higher priority than the policy moves, and of schedulers that are not known here stay',
  {
    nodes: nodes.slice(0, 2),
    running: [
      ...duplicates('kept', { namespace: 'kept' }),
      ...duplicates('strong', { priority: 20 }),
      ...duplicates('foreign', { spec: { schedulerName: 'another' } }),
    ],
  },
  { strategies: ['Duplicates'], excludedNamespaces: new Set(['kept']), priorityMax: 10 },
  `nothing should move

6 stay, though in the wrong place
${['kept', 'strong', 'foreign']
  .flatMap((owner) => ['1', '2'].map((i) => [owner, i]))
  .map(([owner, i]) => {
    const because = {
      kept: 'pods of the namespace kept stay',
      strong: 'its priority 20 is more than 10',
      foreign: 'its scheduler "another" is none of the profiles that are known here',
    }[owner!]
    return `  ${owner === 'kept' ? 'kept' : 'default'}/${owner}${i} (replicaset/${owner}) on a: ${because}
    why    2 of 2 pods of one owner are on this node, 1 would do on 2 nodes
`
  })
  .join('')}`,
)

check(
  'a move that gains too little is not made',
  { nodes: nodes.slice(0, 2), running: [heavy('x'), heavy('y'), heavy('z')] },
  { strategies: ['LowNodeUtilization'], gainMin: 60 },
  `nothing should move

3 stay, though in the wrong place
  default/x (replicaset/x) on a: a move to b would gain 45 %, less than 60 % (67 % of cpu here − 22 % there)
    why    pods request 67 % of the node's cpu, more than 50 %
  default/y (replicaset/y) on a: a move to b would gain 45 %, less than 60 % (67 % of cpu here − 22 % there)
    why    pods request 67 % of the node's cpu, more than 50 %
  default/z (replicaset/z) on a: a move to b would gain 45 %, less than 60 % (67 % of cpu here − 22 % there)
    why    pods request 67 % of the node's cpu, more than 50 %
`,
)

/** A cluster that has come out of order: pods anywhere, as long as nodes are not over-committed. */
function disorder(seed: number): ClusterView {
  const random = seededRandom(seed)
  const all = Array.from({ length: 3 + random.below(5) }, (_, i) => randomNode(random, `n${i}`))
  const pods: Pod[] = []
  for (let i = 0; i < 30; i++) {
    const { deletionTimestamp: _, ...metadata } = randomPod(random, `p${i}`).metadata
    const pod = { ...randomPod(random, `p${i}`), metadata }
    const node = all[random.below(all.length)]!
    const there = { ...pod, spec: { ...pod.spec!, nodeName: node.metadata.name! } }
    if (!overcommitted({ ...emptyView, nodes: all, pods: [...pods, there] })) pods.push(there)
  }
  const budgets = ['a0', 'a1'].map((app) => ({
    ...budget(random.below(3)),
    metadata: { name: app, namespace: 'default' },
    spec: { selector: { matchLabels: { app } } },
  }))
  return { ...emptyView, nodes: all, pods, budgets, namespaces: [{ metadata: { name: 'other', labels: { team: 'blue' } } }] }
}

function overcommitted({ nodes: all, pods }: ClusterView): string | undefined {
  for (const node of all) {
    const here = pods.filter((p) => p.spec?.nodeName === node.metadata.name)
    const allocatable = resourceAmounts(node.status?.allocatable)
    if (here.length > (allocatable.pods ?? 0)) return `${node.metadata.name}: pods`
    for (const name of ['cpu', 'memory', 'example.com/gpu'])
      if (here.reduce((sum, p) => sum + (podRequests(p)[name] ?? 0), 0) > (allocatable[name] ?? 0)) return `${node.metadata.name}: ${name}`
  }
  return undefined
}

/** The cluster when every move has been made: the replacement is where the plan says. */
function after(view: ClusterView, { moves }: RebalancePlan): ClusterView {
  const to = new Map(moves.map((m) => [m.pod, m.to]))
  const keyOf = (p: Pod) => `${p.metadata.namespace}/${p.metadata.name}`
  return { ...view, pods: view.pods.map((p) => (to.has(keyOf(p)) ? { ...p, spec: { ...p.spec!, nodeName: to.get(keyOf(p))! } } : p)) }
}

test('no plan over-commits a node, breaks a budget or a limit; each move is to a node that takes the pod; runs come to rest', () => {
  let moved = 0
  for (let seed = 1; seed <= 16; seed++) {
    let view = disorder(seed)
    const policy = { movesMax: 1 + (seed % 5), movesPerNodeMax: 2, movesPerOwnerMax: 2 }
    assert.deepEqual(plan(view, policy), plan(view, policy), `seed ${seed}: the same question has the same answer`)
    for (let round = 0; ; round++) {
      assert.ok(round < 40, `seed ${seed} does not come to rest`)
      const found = plan(view, policy)
      const { moves } = found
      if (moves.length === 0) break
      moved += moves.length
      checkLimits(view, moves, policy, seed)
      // One by one, by the definitions.
      let now = view
      for (const move of moves) {
        const core = new SchedulerCore({ plugins: profile.plugins, random: seededRandom(1) })
        for (const ns of now.namespaces) core.snapshot.setNamespace(ns.metadata.name!, ns.metadata.labels ?? {})
        for (const node of now.nodes) core.snapshot.setNode(node)
        const pod = now.pods.find((p) => `${p.metadata.namespace}/${p.metadata.name}` === move.pod)!
        for (const p of now.pods) if (p !== pod) core.snapshot.addPod(`${p.metadata.namespace}/${p.metadata.name}`, p, p.spec!.nodeName!)
        assert.ok(rowsByHand(core.snapshot, pod).includes(move.to), `seed ${seed}: ${move.pod} does not fit ${move.to}`)
        assert.ok(move.gain >= defaultRebalancePolicy.gainMin)
        now = after(now, { moves: [move], stays: [] })
      }
      assert.equal(overcommitted(now), undefined, `seed ${seed}`)
      view = now
    }
    assert.deepEqual(plan(view, policy).moves, [])
  }
  assert.ok(moved > 40, `only ${moved} moves: the test says little`)
})

function checkLimits(
  view: ClusterView,
  moves: RebalancePlan['moves'],
  policy: { readonly movesMax: number; readonly movesPerNodeMax: number; readonly movesPerOwnerMax: number },
  seed: number,
): void {
  const most = (of: (m: RebalancePlan['moves'][number]) => string) => Math.max(...[...Map.groupBy(moves, of).values()].map((g) => g.length))
  assert.ok(moves.length <= policy.movesMax, `seed ${seed}`)
  assert.ok(most((m) => m.from) <= policy.movesPerNodeMax, `seed ${seed}`)
  assert.ok(most((m) => m.of) <= policy.movesPerOwnerMax, `seed ${seed}`)
  for (const { metadata, spec, status } of view.budgets) {
    const app = spec!.selector!.matchLabels!.app
    const broken = moves.filter((m) => {
      const pod = view.pods.find((p) => `${p.metadata.namespace}/${p.metadata.name}` === m.pod)!
      return pod.metadata.namespace === metadata.namespace && pod.metadata.labels?.app === app
    })
    assert.ok(broken.length <= (status?.disruptionsAllowed ?? 0), `seed ${seed}: budget ${metadata.name}`)
  }
}
