import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ResourceAmounts } from '../../kinds/pod-requests.ts'
import { dominantShare, type FrameworkView, type NodeView, type OfferPlan, type OfferView, planOffers } from './plan.ts'

const Gi = 2 ** 30
const nowMs = 1_000_000

const framework = (key: string, more: Partial<FrameworkView> = {}): FrameworkView => ({
  ...{ key, weight: 1, isActive: true, nodeSelector: {}, minResources: { cpu: 100 }, maxResources: undefined, offersMax: 100 },
  ...{ offerTimeoutMs: 30_000, allocated: {}, ...more },
})
const node = (name: string, cpu: number, memory = cpu * Gi, more: Partial<NodeView> = {}): NodeView => ({
  ...{ name, labels: {}, isOpen: true, allocatable: { cpu, memory, pods: 110 }, used: {}, ...more },
})
const offer = (of: string, on: string, more: Partial<OfferView> = {}): OfferView => ({
  ...{ key: `${of}.${on}`, framework: of, node: on, resources: { cpu: 1_000 }, isOpen: true, untilMs: nowMs + 5_000, ...more },
})

/** Actions in short: `a<-n1:4000` an offer with its cpu, `-a.n1:why` taken back, `!a.n1` timed out. */
const inShort = ({ actions }: OfferPlan) =>
  actions.map((action) => {
    if (action.type === 'Offer') return `${action.framework}<-${action.node}:${action.resources.cpu}`
    return action.type === 'TimeOut' ? `!${action.offer}` : `-${action.offer}:${action.why}`
  })

function check(
  input: { frameworks: FrameworkView[]; nodes: NodeView[]; offers?: OfferView[] },
  expected: readonly string[],
  nextMs?: number,
): void {
  const plan = planOffers({ nowMs, offers: [], ...input })
  assert.deepEqual(inShort(plan), expected)
  if (nextMs !== undefined) assert.equal(plan.nextMs, nextMs)
}

const [a, b] = [framework('a'), framework('b')]

test('nodes go to whoever has the least, and what they are offered counts', () => {
  const nodes = ['n1', 'n2', 'n3', 'n4'].map((name) => node(name, 4_000))
  check({ frameworks: [a, b], nodes }, ['a<-n1:4000', 'b<-n2:4000', 'a<-n3:4000', 'b<-n4:4000'], nowMs + 30_000)
  check({ frameworks: [a, framework('b', { weight: 3 })], nodes }, ['a<-n1:4000', 'b<-n2:4000', 'b<-n3:4000', 'b<-n4:4000'])
  check({ frameworks: [framework('a', { allocated: { cpu: 9_000 } }), b], nodes: nodes.slice(0, 2) }, ['b<-n1:4000', 'b<-n2:4000'])
  check({ frameworks: [], nodes }, [])
})

test('only room that is free, on nodes that are wanted and open, as much as is worth it and allowed', () => {
  check({ frameworks: [a], nodes: [node('n1', 4_000, Gi, { used: { cpu: 2_500 } })] }, ['a<-n1:1500'])
  check({ frameworks: [a], nodes: [node('n1', 4_000, Gi, { used: { cpu: 3_950 } })] }, [])
  check({ frameworks: [a], nodes: [node('n1', 4_000, Gi, { used: { pods: 110 } })] }, [])
  check({ frameworks: [a], nodes: [node('n1', 4_000, Gi, { isOpen: false })] }, [])
  const picky = framework('a', { nodeSelector: { pool: 'batch' } })
  check({ frameworks: [picky], nodes: [node('n1', 1_000), node('n2', 1_000, Gi, { labels: { pool: 'batch' } })] }, ['a<-n2:1000'])
  const modest = framework('a', { maxResources: { cpu: 1_000 } })
  check({ frameworks: [modest, b], nodes: [node('n1', 4_000)] }, ['a<-n1:1000', 'b<-n1:3000'])
  check({ frameworks: [framework('a', { offersMax: 1 })], nodes: [node('n1', 1_000), node('n2', 1_000)] }, ['a<-n1:1000'])
  check({ frameworks: [framework('a', { isActive: false })], nodes: [node('n1', 1_000)] }, [])
})

test('offers end: unanswered ones as if declined, all with their framework or node, some where the node shrank', () => {
  const nodes = [node('n1', 4_000)]
  check({ frameworks: [a], nodes, offers: [offer('a', 'n1', { resources: { cpu: 4_000 } })] }, [], nowMs + 5_000)
  check(
    { frameworks: [a, b], nodes, offers: [offer('a', 'n1', { resources: { cpu: 4_000 }, untilMs: nowMs })] },
    ['!a.n1', 'b<-n1:4000'],
    nowMs + 30_000,
  )
  check({ frameworks: [], nodes, offers: [offer('a', 'n1')] }, ['-a.n1:framework'])
  check({ frameworks: [framework('a', { isActive: false })], nodes, offers: [offer('a', 'n1')] }, ['-a.n1:framework'])
  check({ frameworks: [a], nodes: [], offers: [offer('a', 'n1')] }, ['-a.n1:node'])
  check({ frameworks: [a], nodes: [node('n1', 4_000, Gi, { isOpen: false })], offers: [offer('a', 'n1')] }, ['-a.n1:node'])
  check({ frameworks: [a], nodes: [node('n1', 500)], offers: [offer('a', 'n1')] }, ['-a.n1:room', 'a<-n1:500'])
})

test('a declined offer is a filter until its time', () => {
  const declined = (untilMs: number) => offer('a', 'n1', { isOpen: false, untilMs })
  check({ frameworks: [a], nodes: [node('n1', 1_000)], offers: [declined(nowMs + 9_000)] }, [], nowMs + 9_000)
  check({ frameworks: [a, b], nodes: [node('n1', 1_000)], offers: [declined(nowMs + 9_000)] }, ['b<-n1:1000'])
  check({ frameworks: [a], nodes: [node('n1', 1_000)], offers: [declined(nowMs)] }, ['-a.n1:filter', 'a<-n1:1000'])
})

test("the paper's example: tasks of <1 cpu, 4 GB> and <3 cpu, 1 GB> on 9 cpu and 18 GB come to 3 and 2, two thirds each", () => {
  const tasks = { a: { cpu: 1_000, memory: 4 * Gi }, b: { cpu: 3_000, memory: Gi } }
  const counts = { a: 0, b: 0 }
  const times = (amounts: ResourceAmounts, n: number) => Object.fromEntries(Object.entries(amounts).map(([r, x]) => [r, x * n]))
  const total = { cpu: 9_000, memory: 18 * Gi, pods: 110 }
  for (let round = 0; round < 10; round++) {
    const used = { cpu: counts.a * 1_000 + counts.b * 3_000, memory: (counts.a * 4 + counts.b) * Gi }
    const frameworks = (['a', 'b'] as const).map((key) =>
      framework(key, { allocated: times(tasks[key], counts[key]), minResources: tasks[key], maxResources: tasks[key] }),
    )
    const plan = planOffers({ nowMs, frameworks, offers: [], nodes: [node('n', 9_000, 18 * Gi, { allocatable: total, used })] })
    for (const action of plan.actions) if (action.type === 'Offer') counts[action.framework as 'a' | 'b']++
  }
  assert.deepEqual(counts, { a: 3, b: 2 })
  for (const key of ['a', 'b'] as const) assert.equal(dominantShare(times(tasks[key], counts[key]), total, 1).share.toFixed(3), '0.667')
})

test('carried out, a plan gives no node away twice and leaves nothing to do', () => {
  const amount = fc.integer({ min: 0, max: 8 }).map((n) => n * 500)
  const frameworks = fc.uniqueArray(
    fc.record({
      key: fc.constantFrom('a', 'b', 'c'),
      weight: fc.integer({ min: 1, max: 4 }),
      isActive: fc.boolean(),
      max: fc.option(amount),
      offersMax: fc.integer({ min: 1, max: 3 }),
    }),
    { selector: (f) => f.key },
  )
  const nodes = fc.uniqueArray(
    fc.record({ name: fc.constantFrom('n1', 'n2', 'n3', 'n4'), cpu: amount, used: amount, isOpen: fc.boolean() }),
    { selector: (n) => n.name },
  )
  const offers = fc.uniqueArray(
    fc.record({
      of: fc.constantFrom('a', 'b', 'c', 'gone'),
      on: fc.constantFrom('n1', 'n2', 'n3', 'gone'),
      cpu: amount,
      isOpen: fc.boolean(),
      inMs: fc.integer({ min: -2, max: 2 }),
    }),
    { selector: (o) => `${o.of}.${o.on}` },
  )
  fc.assert(
    fc.property(frameworks, nodes, offers, (fs, ns, os) => {
      const input = {
        nowMs,
        frameworks: fs.map(({ max, ...f }) => framework(f.key, { ...f, ...(max === null ? {} : { maxResources: { cpu: max } }) })),
        nodes: ns.map((n) => node(n.name, n.cpu, Gi, { used: { cpu: n.used }, isOpen: n.isOpen })),
        offers: os.map((o) => offer(o.of, o.on, { resources: { cpu: o.cpu }, isOpen: o.isOpen, untilMs: nowMs + o.inMs })),
      }
      const after = carriedOut(input.offers, planOffers(input))
      assert.equal(new Set(after.map((o) => o.key)).size, after.length)
      for (const { name, allocatable, used } of input.nodes) {
        const given = after.filter((o) => o.isOpen && o.node === name).reduce((sum, o) => sum + (o.resources.cpu ?? 0), 0)
        if (given > 0) assert.ok(given + used.cpu! <= allocatable.cpu!, `${name}: ${given} + ${used.cpu} of ${allocatable.cpu}`)
      }
      assert.deepEqual(inShort(planOffers({ ...input, offers: after })), [])
    }),
    { numRuns: 500 },
  )
})

function carriedOut(offers: readonly OfferView[], { actions }: OfferPlan): OfferView[] {
  const left = new Map(offers.map((o) => [o.key, o]))
  for (const action of actions) {
    if (action.type === 'Withdraw') left.delete(action.offer)
    else if (action.type === 'TimeOut') left.set(action.offer, { ...left.get(action.offer)!, isOpen: false, untilMs: action.untilMs })
    else {
      const made = offer(action.framework, action.node, { resources: action.resources, untilMs: action.untilMs })
      assert.ok(!left.has(made.key), `a second ${made.key}`)
      left.set(made.key, made)
    }
  }
  return [...left.values()]
}
