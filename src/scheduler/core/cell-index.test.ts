import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Random, seededRandom } from '../../base/random.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { allPlugins } from '../plugins/all.ts'
import { profileOf } from '../config/scheduler-profile.ts'
import { defaultPriceAndDistance, priceAndDistance } from '../plugins/price-and-distance.ts'
import { testNode, testPod } from './fixtures.ts'
import { rowsByHand } from './oracle.ts'
import { indexSharedAs, sharedAs } from './plan.ts'
import { randomNode, randomPod } from './random-cluster.ts'
import { decideByScan, scan } from './scan.ts'
import { SchedulerCore } from './scheduler-core.ts'
import { asOf } from './time-travel.ts'

type World = { readonly core: SchedulerCore; readonly random: Random; readonly shapes: readonly Pod[]; pods: string[]; serial: number }

function newWorld(seed: number): World {
  const random = seededRandom(seed)
  const core = new SchedulerCore({ plugins: allPlugins, random })
  core.snapshot.setNamespace('default', { team: 'blue' })
  core.snapshot.setNamespace('other', {})
  for (let i = 0; i < 2 + random.below(14); i++) core.snapshot.setNode(randomNode(random, `n${i}`))
  // Few shapes, so that their cells are used again and again while the cluster changes.
  return { core, random, shapes: Array.from({ length: 6 }, (_, i) => randomPod(random, `shape${i}`)), pods: [], serial: 0 }
}

/** Something happens that is not a decision. */
function disturb({ core, random, pods }: World): void {
  const what = random.next()
  const name = `n${random.below(16)}`
  if (what < 0.45 && pods.length > 0) core.snapshot.removePod(pods.splice(random.below(pods.length), 1)[0]!)
  else if (what < 0.7) core.snapshot.setNode(randomNode(random, name))
  else if (what < 0.8 && core.snapshot.nodeCount > 2) core.snapshot.removeNode(name)
  else if (what < 0.84) core.snapshot.setNamespace('other', random.next() < 0.5 ? { team: 'blue' } : {})
}

/** One decision, by cells and by scan on the same state; then the pod is there. */
function step(world: World): void {
  const { core, random, shapes } = world
  const { snapshot } = core
  const shape = shapes[random.below(shapes.length)]!
  const pod = { ...shape, metadata: { ...shape.metadata, name: `p${world.serial}`, uid: `u${world.serial}` } }
  const target = { key: `${shape.metadata.namespace}/p${world.serial++}`, pod, priority: pod.spec?.priority ?? 0, ...spreadOf(pod, random) }
  const decision = core.decide(target)
  const plan = core.planOf(target)
  const byHand = rowsByHand(snapshot, pod)
  const scanned = scan(plan, snapshot)
  assert.deepEqual(
    scanned.rows.map((r) => snapshot.nodeName(r)),
    byHand,
    'the filters agree with the definition',
  )
  if (decision.kind === 'Unplaced') {
    assert.equal(byHand.length, 0)
    return
  }
  const draw = decision.draw
  const reference = decideByScan(plan, snapshot, { ...random, below: () => draw })
  const best = decision.best(8)
  assert.deepEqual({ ...decision, best: undefined }, { ...reference, best: undefined })
  assert.deepEqual(
    best.map((b) => b.score),
    reference.kind === 'Placed' ? reference.best(8).map((b) => b.score) : [],
  )
  snapshot.addPod(target.key, pod, snapshot.nodeName(decision.row))
  world.pods.push(target.key)
  assertNotOverCommitted(core)
}

function spreadOf(pod: Pod, random: Random) {
  if (random.next() < 0.5) return {}
  const app = pod.metadata.labels?.app
  return { defaultSpread: { key: `app=${app}`, matches: (l: Readonly<Record<string, string>>) => l.app === app } }
}

function assertNotOverCommitted({ snapshot }: SchedulerCore): void {
  for (let row = 0; row < snapshot.rowsEnd; row++) {
    const node = snapshot.nodes[row]
    const pods = snapshot.podsOf(row)
    assert.equal(snapshot.podCount[row], pods.length)
    for (let id = 0; id < snapshot.resources.size; id++) {
      const sum = pods.reduce((total, { shape }) => total + (shape.requests[snapshot.resources.name(id)] ?? 0), 0)
      assert.equal(snapshot.requested[id]![row], sum, `requested ${snapshot.resources.name(id)} on ${node?.metadata.name}`)
    }
  }
}

// The later seeds found bugs: a minimum that outlived a recount.
for (const seed of [...Array.from({ length: 40 }, (_, i) => i + 1), 468, 576, 586, 829]) {
  test(`cells, scan and definition agree on every decision, seed ${seed}`, () => {
    const world = newWorld(seed)
    for (let i = 0; i < 60; i++) {
      if (world.random.next() < 0.4) disturb(world)
      step(world)
    }
  })
}

test('rows that are like one before them answer as it does, whatever has happened to others since', () => {
  for (let seed = 500; seed < 512; seed++) {
    const world = newWorld(seed)
    const { core, random } = world
    const kinds = [randomNode(random, ''), randomNode(random, '')]
    for (let i = 0; i < 60; i++) {
      const { metadata, ...rest } = kinds[random.next() < 0.2 ? 1 : 0]!
      const name = `m${i}`
      core.snapshot.setNode({ ...rest, metadata: { ...metadata, name, labels: { ...metadata.labels, 'kubernetes.io/hostname': name } } })
    }
    for (let i = 0; i < 40; i++) {
      if (random.next() < 0.4) disturb(world)
      // A new shape looks at all rows.
      step({ ...world, shapes: [randomPod(random, `new${i}`)] })
      world.serial++
    }
  }
})

/** As a DaemonSet writes it. */
function pinnedTo(pod: Pod, name: string): Pod {
  const nodeSelectorTerms = [{ matchFields: [{ key: 'metadata.name', operator: 'In' as const, values: [name] }] }]
  const { nodeAffinity, ...pods } = pod.spec!.affinity ?? {}
  const required = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } }
  return { ...pod, spec: { ...pod.spec!, affinity: { ...pods, nodeAffinity: { ...nodeAffinity, ...required } } } }
}

test('pods that name their only node go there or nowhere, and are of one shape', () => {
  for (let seed = 600; seed < 612; seed++) {
    const world = newWorld(seed)
    const { core, random, shapes } = world
    for (let i = 0; i < 60; i++) {
      if (random.next() < 0.4) disturb(world)
      // One pod in four may go anywhere.
      const shape = shapes[random.below(shapes.length)]!
      step({ ...world, shapes: [random.next() < 0.25 ? shape : pinnedTo(shape, `n${random.below(17)}`)] })
      world.serial++
    }
    for (const shape of shapes.filter((s) => !s.spec!.topologySpreadConstraints?.length)) {
      const [a, b] = ['n1', 'n2'].map((name) => core.snapshot.shapeOf(pinnedTo(shape, name)))
      assert.equal(a, b)
    }
  }
})

test('spread that the profile demands counts the domains that a pod with a node of its own may go to', () => {
  const zone = 'topology.kubernetes.io/zone'
  const constraint = { maxSkew: 1, topologyKey: zone, whenUnsatisfiable: 'DoNotSchedule' }
  const { plugins } = profileOf({
    pluginConfig: [{ name: 'PodTopologySpread', args: { defaultingType: 'List', defaultConstraints: [constraint] } }],
  })
  const core = new SchedulerCore({ plugins, random: seededRandom(1) })
  for (const [name, value] of Object.entries({ n1: 'a', n2: 'b' })) core.snapshot.setNode(testNode({ name, labels: { [zone]: value } }))
  const defaultSpread = { key: 'app', matches: (labels: Readonly<Record<string, string>>) => labels.app === 'd' }
  const kindOf = (pod: Pod) => core.decide({ key: 'default/p', pod, priority: 0, defaultSpread }).kind
  const daemon = testPod({ name: 'p', labels: { app: 'd' } })
  for (const key of ['x', 'y']) core.snapshot.addPod(`default/${key}`, testPod({ name: key, labels: { app: 'd' } }), 'n1')
  // There are two more in the zone of n1 than in the other, but for this pod there is only the one.
  assert.equal(kindOf(pinnedTo(daemon, 'n1')), 'Placed')
  assert.equal(kindOf(pinnedTo(daemon, 'nowhere')), 'Unplaced')
})

test('shapes that ask the same of every node share what is known of nodes, and agree with the definition', () => {
  let shared = 0
  for (let seed = 400; seed < 412; seed++) {
    const world = newWorld(seed)
    // Whether they ask the same depends on the terms and constraints: those without a namespace selector count other pods in each namespace.
    const shapes = world.shapes.slice(0, 3).flatMap((pod) =>
      ['default', 'other', 'third'].map((namespace, i) => ({
        ...pod,
        metadata: { ...pod.metadata, namespace, labels: { ...pod.metadata.labels, index: String(i) } },
      })),
    )
    for (let i = 0; i < 90; i++) {
      if (world.random.next() < 0.4) disturb(world)
      step({ ...world, shapes })
      world.serial++
    }
    const plans = shapes.map((pod) => world.core.planOf({ key: 'x', pod, priority: 0 }))
    shared += shapes.length - new Set(plans.map(sharedAs)).size
  }
  assert.ok(shared >= 10, `${shared} of 108 shapes share with another`)
})

/** Groups of pods, alike but that each keeps away from its own. */
function groupsOf(pod: Pod, topologyKey: string): readonly Pod[] {
  return ['g0', 'g1', 'g2', 'g3'].map((app) => {
    const term = { topologyKey, labelSelector: { matchLabels: { app } } }
    const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } }
    return { ...pod, metadata: { ...pod.metadata, labels: { app } }, spec: { ...pod.spec!, affinity, topologySpreadConstraints: [] } }
  })
}

test('shapes that differ in whom they keep away from share an index, and agree with the definition', () => {
  for (let seed = 500; seed < 512; seed++) {
    const world = newWorld(seed)
    const shapes = world.shapes.slice(0, 2).flatMap((pod) => groupsOf(pod, 'kubernetes.io/hostname'))
    for (let i = 0; i < 120; i++) {
      if (world.random.next() < 0.4) disturb(world)
      step({ ...world, shapes })
      world.serial++
    }
    const plans = shapes.map((pod) => world.core.planOf({ key: 'x', pod, priority: 0 }))
    assert.ok(new Set(plans.map(indexSharedAs)).size <= 2)
    assert.ok(new Set(plans.map(sharedAs)).size >= 4)
  }
})

test('scores by the node alone that take ever new values are compared as they are', () => {
  const random = seededRandom(1)
  const core = new SchedulerCore({ plugins: [...allPlugins, priceAndDistance(defaultPriceAndDistance)], random })
  const price = (i: number, cost: number) =>
    core.snapshot.setNode(testNode({ name: `n${i}`, labels: { [defaultPriceAndDistance.priceKey]: String(cost) } }))
  for (let i = 0; i < 8; i++) price(i, i)
  const targets = ['a', 'b'].map((app) => ({ key: app, pod: testPod({ name: app, labels: { app }, requests: { cpu: '1' } }), priority: 0 }))
  for (let round = 0; round < 1_500; round++) {
    for (let i = 0; i < 4; i++) price(random.below(8), 10 + round * 4 + i)
    const target = targets[round % 2]!
    const decision = core.decide(target)
    assert.ok(decision.kind === 'Placed')
    const reference = decideByScan(core.planOf(target), core.snapshot, { ...random, below: () => decision.draw })
    assert.deepEqual({ ...decision, best: undefined }, { ...reference, best: undefined })
  }
})

test('pods never get more than a node has while nodes stay as they are', () => {
  for (let seed = 100; seed < 110; seed++) {
    const world = newWorld(seed)
    for (let i = 0; i < 80; i++) step(world)
    const { snapshot } = world.core
    for (let row = 0; row < snapshot.rowsEnd; row++) {
      assert.ok(snapshot.podCount[row]! <= snapshot.podsMax[row]!)
      for (let id = 0; id < snapshot.resources.size; id++) assert.ok(snapshot.requested[id]![row]! <= snapshot.allocatable[id]![row]!)
    }
  }
})

test('the same seed gives the same decisions, another seed others', () => {
  const trace = (seed: number) => {
    const world = newWorld(7)
    const core = new SchedulerCore({ plugins: allPlugins, random: seededRandom(seed) })
    for (let i = 0; i < 12; i++) core.snapshot.setNode(randomNode(seededRandom(5), `n${i}`))
    return Array.from({ length: 30 }, (_, i) => {
      const pod = world.shapes[i % world.shapes.length]!
      const decision = core.decide({ key: `default/p${i}`, pod, priority: 0 })
      if (decision.kind === 'Placed') core.snapshot.addPod(`default/p${i}`, pod, core.snapshot.nodeName(decision.row))
      return decision.kind === 'Placed' ? decision.row : -1
    })
  }
  assert.deepEqual(trace(1), trace(1))
  assert.notDeepEqual(trace(1), trace(2))
})

test('any past decision is had back exactly, and the present afterwards', () => {
  for (let seed = 200; seed < 215; seed++) {
    const world = newWorld(seed)
    const { core } = world
    const { snapshot } = core
    const noted: { position: number; state: string }[] = []
    const state = () =>
      JSON.stringify(
        world.shapes.map((pod) => {
          const plan = core.planOf({ key: 'x', pod, priority: 0 })
          const { rows, totals } = scan(plan, snapshot)
          return rows.map((row, i) => [snapshot.nodeName(row), totals[i]])
        }),
      )
    for (let i = 0; i < 40; i++) {
      step(world)
      if (world.random.next() < 0.5) disturb(world)
      noted.push({ position: snapshot.log.end, state: state() })
    }
    const now = state()
    for (const { position, state: then } of noted) if (position >= snapshot.log.start) assert.equal(asOf(snapshot, position, state), then)
    assert.equal(state(), now)
  }
})

test('pods with labels of their own leave nothing behind, and the counts stay right', () => {
  const world = newWorld(300)
  const { core, random } = world
  const { snapshot } = core
  for (let i = 0; i < 9_000; i++) {
    const pod = randomPod(random, `job${i}`)
    pod.metadata.labels = { ...pod.metadata.labels, index: String(i) }
    const key = `${pod.metadata.namespace}/job${i}`
    snapshot.addPod(key, pod, `n${random.below(8)}`)
    world.pods.push(key)
    if (world.pods.length > 20) snapshot.removePod(world.pods.shift()!)
    if (i % 500 === 0) step(world)
  }
  assert.ok(snapshot.shapeCount < 5_000, `${snapshot.shapeCount} shapes`)
  for (let i = 0; i < 30; i++) step(world)
})
