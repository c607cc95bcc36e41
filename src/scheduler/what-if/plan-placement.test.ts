import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { type ProfileDocument, profileOf } from '../config/scheduler-profile.ts'
import { type NodeInput, type PodInput, testNode, testPod } from '../core/fixtures.ts'
import { driver, exactly, testClaim, testClass, testDevice, testSlice } from '../devices/fixtures.ts'
import type { ClusterView } from './cluster-view.ts'
import { emptyView } from './empty-view.ts'
import { planPlacement, type WhatIf } from './plan-placement.ts'
import { planText } from './plan-text.ts'

type Cluster = {
  readonly nodes: readonly NodeInput[]
  readonly running?: readonly (PodInput & { on?: string })[]
  readonly view?: Partial<ClusterView>
}
type Change = Partial<Omit<WhatIf, 'pods' | 'addedNodes'>> & {
  readonly pods?: readonly PodInput[]
  readonly addedNodes?: readonly NodeInput[]
  readonly profiles?: readonly ProfileDocument[]
}

const running = ({ on, ...input }: PodInput & { on?: string }): Pod => {
  const pod = testPod(input)
  return on === undefined ? pod : { ...pod, spec: { ...pod.spec!, nodeName: on } }
}

function check(cluster: Cluster, change: Change, expected: string): void {
  const view = { ...emptyView, nodes: cluster.nodes.map(testNode), pods: (cluster.running ?? []).map(running), ...cluster.view }
  const before = JSON.stringify(view)
  const { plan } = planPlacement({
    view,
    whatIf: {
      without: change.without ?? [],
      drained: change.drained ?? [],
      replaced: change.replaced ?? new Set(),
      addedNodes: (change.addedNodes ?? []).map(testNode),
      pods: (change.pods ?? []).map((input) => ({ pod: testPod(input), of: `deployment/${input.owner ?? input.name}` })),
    },
    profiles: change.profiles?.map((p) => profileOf(p)) ?? [profileOf({})],
    random: seededRandom(1),
  })
  assert.equal(planText(plan), expected)
  assert.equal(JSON.stringify(view), before, 'the view was changed')
}

const two = [{ name: 'a' }, { name: 'b' }]
const web = (i: number, cpu = '1') => ({ name: `web-${i}`, owner: 'web', requests: { cpu, memory: '1Gi' } })

test('new pods land where the scheduler would put them', () => {
  check(
    { nodes: two },
    { pods: [web(0), web(1)] },
    `2 of 2 pods would be placed

would land
  deployment/web: a, b

nodes afterwards (requests)
  a  cpu 25 %, memory 6.3 %, 1 pods
  b  cpu 25 %, memory 6.3 %, 1 pods
`,
  )
})

test('what does not fit says why and what would help; an added node is that help', () => {
  const nodes = [{ name: 'a', cpu: '2' }]
  check(
    { nodes },
    { pods: [web(0), web(1), web(2)] },
    `2 of 3 pods would be placed, 1 would not fit

would land
  deployment/web: a ×2

would not fit
  deployment/web: 0/1 nodes are available: 1 Insufficient cpu.
    → free 1000m of cpu on node a

nodes afterwards (requests)
  a  cpu 100 %, memory 12.5 %, 2 pods
`,
  )
  check(
    { nodes },
    { pods: [web(0), web(1), web(2)], addedNodes: [{ name: 'added-1' }] },
    `3 of 3 pods would be placed

would land
  deployment/web: a, added-1 ×2

nodes afterwards (requests)
  a        cpu 50 %, memory 6.3 %, 1 pods
  added-1  cpu 50 %, memory 12.5 %, 2 pods
`,
  )
})

test('stronger pods push out weaker ones, which come again or are lost', () => {
  check(
    {
      nodes: [{ name: 'a', cpu: '2' }],
      running: [
        { name: 'x', on: 'a', owner: 'x', requests: { cpu: '1' } },
        { name: 'bare', on: 'a', requests: { cpu: '1' } },
      ],
    },
    { pods: [{ name: 'strong', priority: 100, requests: { cpu: '2' } }] },
    `1 of 3 pods would be placed, 2 evicted, 1 would not fit, 1 would be lost

would land
  deployment/strong: a

would be evicted
  default/bare (pod/bare) from a, for default/strong
  default/x (replicaset/x) from a, for default/strong

would not fit
  replicaset/x, pushed out: 0/1 nodes are available: 1 Insufficient cpu.
    → free 1000m of cpu on node a

would be lost
  default/bare from a: nothing makes it anew: it has no controller

nodes afterwards (requests)
  a  cpu 100 %, memory 0 %, 1 pods
`,
  )
})

const drained = [
  { name: 'x', on: 'a', owner: 'x', labels: { app: 'x' } },
  { name: 'y', on: 'b', owner: 'x', labels: { app: 'x' } },
]

test('a drained node keeps nothing but daemons, and tells which budget would hold it up', () => {
  const budget = {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'x', namespace: 'default' },
    spec: { selector: { matchLabels: { app: 'x' } } },
    status: { disruptionsAllowed: 0, currentHealthy: 2, desiredHealthy: 2, expectedPods: 2 },
  }
  check(
    { nodes: two, running: drained, view: { budgets: [budget] } },
    { drained: ['a'] },
    `1 of 1 pods would be placed

would land
  replicaset/x, drained: b

a drain would wait for
  budget default/x: it does not allow default/x to go

nodes afterwards (requests)
  a  cpu 0 %, memory 0 %, 0 pods
  b  cpu 0 %, memory 0 %, 2 pods
`,
  )
})

test("of a drained node's daemons and static pods none moves, and no budget is asked for them; they go with a node that is gone", () => {
  const of = (kind: string, name: string): Pod => {
    const pod = running({ name, on: 'a', owner: name, labels: { app: 'x' } })
    return { ...pod, metadata: { ...pod.metadata, ownerReferences: [{ ...pod.metadata.ownerReferences![0]!, kind }] } }
  }
  const budget = {
    metadata: { name: 'x', namespace: 'default' },
    spec: { selector: { matchLabels: { app: 'x' } } },
    status: { disruptionsAllowed: 0, currentHealthy: 2, desiredHealthy: 2, expectedPods: 2 },
  }
  const view = { pods: [of('DaemonSet', 'logs'), of('Node', 'static')], budgets: [budget] }
  for (const change of [{ drained: ['a'] }, { without: ['a'] }]) check({ nodes: two, view }, change, 'nothing would change\n')
})

test('without a node its pods go elsewhere, and pods that wait get their chance', () => {
  check(
    { nodes: two, running: [...drained, { name: 'waits', requests: { cpu: '4' } }] },
    { without: ['a'] },
    `2 of 2 pods would be placed

would land
  replicaset/x, its node gone: b
  pod/waits, pending now: b

nodes afterwards (requests)
  b  cpu 100 %, memory 0 %, 3 pods
`,
  )
})

test('nothing to do says so', () => check({ nodes: two, running: drained }, {}, 'nothing would change\n'))

test('a drained pod gets devices elsewhere from a claim of its own; what it had is free again', () => {
  const slices = ['a', 'b'].map((on) => testSlice({ name: on, on, devices: [testDevice('gpu-0')] }))
  const requests = [{ name: 'gpu', exactly: exactly() }]
  const held = {
    ...testClaim('p-gpu', { requests }),
    status: {
      allocation: {
        devices: { results: [{ request: 'gpu', driver, pool: 'a', device: 'gpu-0' }] },
        nodeSelector: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In' as const, values: ['a'] }] }] },
      },
      reservedFor: [{ resource: 'pods', name: 'p', uid: 'uid-default-p' }],
    },
  }
  const template = { metadata: { name: 'one', namespace: 'default' }, spec: { spec: { devices: { requests } } } }
  const spec = { resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 'one' }] }
  const pod = running({ name: 'p', on: 'a', owner: 'rs', spec })
  const mine = { ...pod, status: { resourceClaimStatuses: [{ name: 'gpu', resourceClaimName: 'p-gpu' }] } }
  const owned = {
    ...held,
    metadata: { ...held.metadata, ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'uid-default-p', controller: true }] },
  }
  const view = {
    pods: [mine],
    resourceSlices: slices,
    deviceClasses: [testClass('gpu')],
    resourceClaims: [owned],
    resourceClaimTemplates: [template],
  }
  check(
    { nodes: [{ name: 'a' }, { name: 'b' }], view },
    { drained: ['a'], pods: [{ name: 'q', owner: 'web', spec }] },
    `1 of 2 pods would be placed, 1 would not fit

would land
  replicaset/rs, drained: b

would not fit
  deployment/web: 0/2 nodes are available: 1 cannot allocate all claims, 1 node(s) were unschedulable.
    → on node b: free device gpu.example.com/b/gpu-0, held by claim default/p-gpu-planned

nodes afterwards (requests)
  a  cpu 0 %, memory 0 %, 0 pods
  b  cpu 0 %, memory 0 %, 1 pods
`,
  )
})

const packing: ProfileDocument = {
  schedulerName: 'packing',
  plugins: { score: { disabled: [{ name: '*' }], enabled: [{ name: 'NodeResourcesFit' }] } },
  pluginConfig: [{ name: 'NodeResourcesFit', args: { scoringStrategy: { type: 'MostAllocated' } } }],
}

test('each pod is placed by the profile that it names, all on one picture of the cluster; of a name that nobody has it is said', () => {
  const by = (schedulerName: string, i: number) => ({
    ...web(i),
    name: `${schedulerName}-${i}`,
    owner: schedulerName,
    spec: { schedulerName },
  })
  check(
    { nodes: two, running: [{ name: 'there', on: 'a', requests: { cpu: '1', memory: '1Gi' } }] },
    { profiles: [{}, packing], pods: [by('packing', 0), by('default-scheduler', 1), by('packing', 2), by('other', 3)] },
    `3 of 4 pods would be placed, 1 would not fit

would land
  deployment/packing: a ×2
  deployment/default-scheduler: b

would not fit
  deployment/other: its scheduler "other" is none of the profiles that are known here
    → give its profile: --scheduler-config

nodes afterwards (requests)
  a  cpu 75 %, memory 18.8 %, 3 pods
  b  cpu 25 %, memory 6.3 %, 1 pods
`,
  )
})

test('a profile with LoadAware goes by what nodes wrote of their use', () => {
  const lease = (name: string, cpu: string) => ({
    metadata: { name, namespace: 'kube-node-lease', annotations: { 'keelson.dev/node-usage': `{"cpu":"${cpu}","memory":"1073741824"}` } },
    spec: { renewTime: '2026-01-01T00:00:00.000000Z' },
  })
  check(
    // By requests b would be the better one.
    {
      nodes: two,
      running: [{ name: 'there', on: 'a', requests: { cpu: '1' } }],
      view: { leases: [lease('a', '100m'), lease('b', '3500m')] },
    },
    {
      profiles: [{ plugins: { score: { disabled: [{ name: '*' }] }, multiPoint: { enabled: [{ name: 'LoadAware' }] } } }],
      pods: [web(0, '100m')],
    },
    `1 of 1 pods would be placed

would land
  deployment/web: a

nodes afterwards (requests)
  a  cpu 27.5 %, memory 6.3 %, 2 pods
`,
  )
})

const held = 'would not fit'

test('a gated pod is not placed, and is told what holds it', () => {
  check(
    { nodes: two, running: [{ name: 'old', spec: { schedulingGates: [{ name: 'example.com/quota' }] } }] },
    { pods: [{ name: 'new', spec: { schedulingGates: [{ name: 'a/b' }, { name: 'a/c' }] } }] },
    `0 of 2 pods would be placed, 2 would not fit

${held}
  pod/old, pending now: its scheduling is gated by example.com/quota
    → remove the gates from spec.schedulingGates
  deployment/new: its scheduling is gated by a/b, a/c
    → remove the gates from spec.schedulingGates
`,
  )
})

test('a pod that names its node goes there, full or not, and nowhere if there is none', () => {
  check(
    { nodes: [{ name: 'a', cpu: '1' }, { name: 'b' }] },
    {
      pods: [
        { name: 'x', requests: { cpu: '2' }, spec: { nodeName: 'a' } },
        { name: 'y', spec: { nodeName: 'c' } },
      ],
    },
    `1 of 2 pods would be placed, 1 would not fit

would land
  deployment/x: a

${held}
  deployment/y: it names its node itself, and there is no node c

nodes afterwards (requests)
  a  cpu 200 %, memory 0 %, 1 pods
`,
  )
})

const member = (i: number, group: string) => ({
  name: `m${i}`,
  owner: 'gang',
  requests: { cpu: '3' },
  spec: { schedulingGroup: { podGroupName: group } },
})
const podGroup = (name: string, minCount: number, key?: string) => ({
  metadata: { name, namespace: 'default' },
  spec: {
    schedulingPolicy: { gang: { minCount } },
    ...(key === undefined ? {} : { schedulingConstraints: { topology: [{ key }] } }),
  },
})
const zone = 'topology.kubernetes.io/zone'
const zones = ['a', 'b', 'c'].map((name) => ({ name, labels: { [zone]: name === 'a' ? 'x' : 'y' } }))

for (const { title, minCount, key, pods, expected } of [
  {
    title: 'all of a gang that finds its places are placed',
    minCount: 3,
    pods: [0, 1, 2],
    expected: 'would land\n  deployment/gang: a, b, c\n',
  },
  {
    title: 'of a gang that does not find enough places none is',
    minCount: 4,
    pods: [0, 1, 2, 3],
    expected:
      'would not fit\n  deployment/gang (4 pods): pod group "default/g" needs 4 places at once, 3 were found: 0/3 nodes are available: 3 Insufficient cpu.\n',
  },
  {
    title: 'a gang with too few pods waits for the others',
    minCount: 5,
    pods: [0, 1],
    expected:
      'would not fit\n  deployment/gang (2 pods): pod group "default/g" has 2 of the 5 pods that it needs\n    → create 3 more pods of the group (or remove gates), or lower its minCount to 2\n',
  },
  {
    title: 'a gang that has to stay in one domain goes to one that has the room',
    minCount: 2,
    key: zone,
    pods: [0, 1],
    expected: 'would land\n  deployment/gang: b, c\n',
  },
  {
    title: 'a gang that no domain has room for is placed in none',
    minCount: 3,
    key: zone,
    pods: [0, 1, 2],
    expected: `in one domain of ${zone}, 2 were found`,
  },
] as const)
  test(title, () => {
    const view = { ...emptyView, nodes: zones.map(testNode), podGroups: [podGroup('g', minCount, key)] }
    const whatIf = { addedNodes: [], without: [], drained: [], replaced: new Set<string>() }
    const { plan } = planPlacement({
      view,
      whatIf: { ...whatIf, pods: pods.map((i) => ({ pod: testPod(member(i, 'g')), of: 'deployment/gang' })) },
      profiles: [profileOf({})],
      random: seededRandom(1),
    })
    assert.ok(planText(plan).includes(expected), planText(plan))
  })

test('pods of a group that is not there wait for it', () => {
  check(
    { nodes: two },
    { pods: [member(0, 'nobody')] },
    `0 of 1 pods would be placed, 1 would not fit

${held}
  deployment/gang: waiting for pod group "default/nobody" to be created
    → create the PodGroup default/nobody
`,
  )
})
