import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Random, seededRandom } from '../../base/random.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { profileOf } from '../config/scheduler-profile.ts'
import { type PodInput, testPod } from '../core/fixtures.ts'
import { firstOf, type SimCluster, withCluster } from '../sim-cluster.ts'
import { emptyView } from './empty-view.ts'
import { type PlacementPlan, planPlacement } from './plan-placement.ts'

const zone = 'topology.kubernetes.io/zone'
const pods = (c: SimCluster) => c.client.resource(kindRefs.coreV1.pods, 'default')

type Gang = { readonly minCount: number; readonly key?: string; readonly members: readonly PodInput[] }

const groupOf = ({ minCount, key }: Gang) => ({
  metadata: { name: 'g', namespace: 'default' },
  spec: {
    schedulingPolicy: { gang: { minCount } },
    ...(key === undefined ? {} : { schedulingConstraints: { topology: [{ key }] } }),
  },
})

const memberOf = (input: PodInput): PodInput => ({ priority: 1000, ...input, spec: { schedulingGroup: { podGroupName: 'g' } } })

/** What a plan says of the gang before it is there. */
async function planned(c: SimCluster, gang: Gang): Promise<PlacementPlan> {
  const { plan } = planPlacement({
    view: {
      ...emptyView,
      nodes: (await c.client.resource(kindRefs.coreV1.nodes).list()).items,
      pods: (await pods(c).list()).items,
      budgets: (await c.client.resource(kindRefs.policyV1.podDisruptionBudgets).list()).items,
      podGroups: [groupOf(gang)],
    },
    whatIf: {
      ...{ addedNodes: [], without: [], drained: [], replaced: new Set() },
      pods: gang.members.map((input) => ({ pod: testPod(memberOf(input)), of: 'job/gang' })),
    },
    profiles: [profileOf({})],
    random: firstOf(seededRandom(1)),
  })
  return plan
}

/** Makes the gang: its pods first, so that all of them are there when the group is. */
async function made(c: SimCluster, gang: Gang): Promise<void> {
  for (const input of gang.members) {
    const pod = memberOf(input)
    await c.addPod({ ...pod, spec: { ...pod.spec, priorityClassName: 'high' } })
  }
  await c.clock.advance(1_000)
  await c.client.resource(kindRefs.schedulingV1alpha2.podGroups, 'default').create(groupOf(gang))
  await c.clock.advance(60_000)
}

const placements = (list: readonly Pod[]) => Object.fromEntries(list.map(({ metadata, spec }) => [metadata.name!, spec?.nodeName ?? '']))

/** Plans the gang, lets the scheduler do it, and holds one against the other; returns the plan. */
async function check(c: SimCluster, gang: Gang): Promise<PlacementPlan> {
  const before = (await pods(c).list()).items
  const plan = await planned(c, gang)
  await made(c, gang)
  const after = placements((await pods(c).list()).items)
  const expected = placements(before)
  for (const { pod } of plan.evictions) delete expected[pod.split('/')[1]!]
  for (const p of plan.pods) if (p.outcome !== 'Lost') expected[p.pod.split('/')[1]!] = p.outcome === 'Placed' ? p.node : ''
  assert.deepEqual(after, expected)
  return plan
}

/** Pods of the weak that are there; nobody runs them, so that they are gone as soon as they are told to go. */
async function weak(c: SimCluster, inputs: readonly (PodInput & { readonly on: string })[]): Promise<void> {
  for (const { on, ...input } of inputs)
    await c.addPod({ ...input, spec: { terminationGracePeriodSeconds: 0, nodeName: on, ...input.spec } })
  await c.clock.advance(1_000)
}

const outcomes = (plan: PlacementPlan) => ({
  evicted: plan.evictions.map((e) => `${e.pod.split('/')[1]} for ${e.forPod.split('/')[1]}`),
  placed: plan.pods.flatMap((p) => (p.outcome === 'Placed' ? [`${p.pod.split('/')[1]} on ${p.node}`] : [])),
})

/** A cluster whose scheduler takes the first of equally good nodes, as the plan does. */
const withGangs = (seed: number, body: (c: SimCluster) => Promise<void>) =>
  withCluster(
    seed,
    async (c) => {
      await c.client.resource(kindRefs.schedulingV1.priorityClasses).create({ metadata: { name: 'high' }, value: 1000 })
      await body(c)
    },
    {},
    { takesFirst: true },
  )

test('weaker pods leave for a gang as the plan says, and its members land where the plan says', () =>
  withGangs(1, async (c) => {
    for (const name of ['a', 'b']) await c.addNode({ name, cpu: '4' })
    await weak(c, [
      { name: 'w0', on: 'a', requests: { cpu: '3' } },
      { name: 'w1', on: 'b', requests: { cpu: '3' } },
    ])
    const plan = await check(c, { minCount: 2, members: [0, 1].map((i) => ({ name: `g${i}`, requests: { cpu: '3' } })) })
    assert.deepEqual(outcomes(plan), { evicted: ['w0 for g0', 'w1 for g1'], placed: ['g0 on a', 'g1 on b'] })
  }))

test('whoever finds a place without an eviction leaves to the others the room that is made for them', () =>
  withGangs(2, async (c) => {
    // Emptied, b is the better node for the small one; the large one then has none.
    await c.addNode({ name: 'a', cpu: '4' })
    await c.addNode({ name: 'b', cpu: '3' })
    await weak(c, [
      { name: 'strong', on: 'a', requests: { cpu: '3' }, priority: 1000, spec: { priorityClassName: 'high' } },
      { name: 'w', on: 'b', requests: { cpu: '3' } },
    ])
    const members = [
      { name: 'g0', requests: { cpu: '1' } },
      { name: 'g1', requests: { cpu: '3' } },
    ]
    const plan = await check(c, { minCount: 2, members })
    assert.deepEqual(outcomes(plan), { evicted: ['w for g1'], placed: ['g0 on a', 'g1 on b'] })
  }))

test('nobody would leave for a part of a gang, and nobody does', () =>
  withGangs(3, async (c) => {
    for (const name of ['a', 'b']) await c.addNode({ name, cpu: '2' })
    await weak(
      c,
      [0, 1, 2, 3].map((i) => ({ name: `w${i}`, on: i < 2 ? 'a' : 'b', requests: { cpu: '1' } })),
    )
    const plan = await check(c, { minCount: 5, members: [0, 1, 2, 3, 4].map((i) => ({ name: `g${i}`, requests: { cpu: '1' } })) })
    assert.deepEqual(outcomes(plan), { evicted: [], placed: [] })
    const [pod] = plan.pods
    assert.equal(
      pod?.outcome === 'Unplaced' && pod.message,
      'pod group "default/g" needs 5 places at once, 0 were found: 0/2 nodes are available: 2 Insufficient cpu.',
    )
  }))

for (let seed = 1; seed <= 40; seed++)
  test(`a random gang goes as planned (${seed})`, () =>
    withGangs(seed, async (c) => {
      const random = seededRandom(seed)
      const nodes = 2 + random.below(4)
      for (let i = 0; i < nodes; i++)
        await c.addNode({ name: `n${i}`, cpu: `${3 + random.below(5)}`, labels: { [zone]: `z${random.below(2)}` } })
      await weak(c, randomWeak(random, nodes))
      if (random.below(2) === 0) await budget(c, random.below(3))
      const members = Array.from({ length: 2 + random.below(4) }, (_, i) => ({
        name: `g${i}`,
        requests: { cpu: `${1 + random.below(3)}` },
      }))
      const minCount = members.length - random.below(2)
      await check(c, { minCount, members, ...(random.below(3) === 0 ? { key: zone } : {}) })
    }))

function randomWeak(random: Random, nodes: number): (PodInput & { on: string })[] {
  return Array.from({ length: nodes * 2 }, (_, i) => ({
    name: `w${i}`,
    on: `n${i % nodes}`,
    labels: { app: `a${random.below(2)}` },
    requests: { cpu: ['1', '1500m', '2'][random.below(3)]! },
  }))
}

async function budget(c: SimCluster, disruptionsAllowed: number): Promise<void> {
  const budgets = c.client.resource(kindRefs.policyV1.podDisruptionBudgets, 'default')
  const selector = { matchLabels: { app: 'a0' } }
  const made = await budgets.create({ metadata: { name: 'b' }, spec: { maxUnavailable: disruptionsAllowed, selector } })
  const status = { disruptionsAllowed, currentHealthy: 4, desiredHealthy: 4 - disruptionsAllowed, expectedPods: 4, observedGeneration: 1 }
  await budgets.updateStatus({ ...made, status })
}
