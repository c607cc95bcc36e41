import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { seededRandom } from '../base/random.ts'
import { dominantShare } from '../controllers/resource-offers/plan.ts'
import type { Container, Pod } from '../kinds/generated/types/core-v1.ts'
import { podRequests, resourceAmounts } from '../kinds/pod-requests.ts'
import { qosClass } from '../kinds/qos.ts'
import { quantityValue } from '../machinery/quantity.ts'
import { parseYaml } from '../machinery/yaml.ts'
import { containerResourcesOf, cpuWeight, oomScoreAdj } from '../node/resources/container-resources.ts'
import { amountText } from '../kinds/amount-text.ts'
import { testNode, testPod } from './core/fixtures.ts'
import type { Plugin } from './core/plugin.ts'
import { pluginScores, scan } from './core/scan.ts'
import { SchedulerCore } from './core/scheduler-core.ts'
import {
  curveScore,
  defaultNormalise,
  imageLocalityScore,
  leastRequestedScore,
  minMaxNormalise,
  scaledImageBytes,
  type ShapePoint,
} from './core/score-formulas.ts'
import { rejectionOf } from './core/plan.ts'
import { allPlugins } from './plugins/all.ts'
import { profileOf } from './config/scheduler-profile.ts'
import { planRebalance } from './rebalance/rebalance-plan.ts'
import { defaultRebalancePolicy } from './rebalance/rebalance-policy.ts'
import { emptyView } from './what-if/empty-view.ts'
import { optionalPlugins } from './config/optional-plugins.ts'
import { preferenceOf } from './devices/pod-devices.ts'
import { decay, smoothed } from './plugins/load-aware.ts'
import { cpuAndMemory, nodeResourcesFit } from './plugins/node-resources-fit.ts'
import { costNormalise, costOf } from './plugins/price-and-distance.ts'

type Amounts = Readonly<Record<string, string>>
/** One ```yaml block of docs/formulas.md; its other fields depend on the example. */
type Example = { readonly example: string; readonly result: unknown; readonly [field: string]: unknown }

const page = readFileSync(new URL('../../docs/formulas.md', import.meta.url), 'utf8')
/** Those of the autoscaler are computed beside it. */
const examples = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)]
  .map((m) => parseYaml(m[1]!) as Example)
  .filter((e) => !e.example.startsWith('autoscaler-'))

/** A number of YAML is a quantity too. */
const texts = (amounts: unknown): Amounts => Object.fromEntries(Object.entries(amounts as object).map(([k, v]) => [k, String(v)]))

function coreWith(input: Example, plugins: readonly Plugin[]) {
  const core = new SchedulerCore({ plugins, random: seededRandom(1) })
  core.snapshot.setNode(testNode({ name: 'node', ...texts(input.node) }))
  const running = (input.running ?? []) as readonly Amounts[]
  running.forEach((r, i) => core.snapshot.addPod(`default/r${i}`, testPod({ name: `r${i}`, requests: texts(r) }), 'node'))
  const pod = testPod({ name: 'p', requests: texts(input.pod) })
  return { core, plan: core.planOf({ key: 'default/p', pod, priority: 0 }) }
}

function scoreOnNode(input: Example, name: string, plugins: readonly Plugin[] = allPlugins): number {
  const { core, plan } = coreWith(input, plugins)
  const { rows } = scan(plan, core.snapshot)
  return pluginScores(plan, rows)
    .find((s) => s.name === name)!
    .of(rows[0]!).score
}

function podOf(input: unknown): Pod {
  const { containers, initContainers, overhead } = input as { containers: Row[]; initContainers?: Row[]; overhead?: unknown }
  type Row = { requests?: unknown; limits?: unknown; restartPolicy?: string }
  const container = ({ requests, limits, restartPolicy }: Row, i: number): Container => ({
    name: `c${i}`,
    resources: { ...(requests ? { requests: texts(requests) } : {}), ...(limits ? { limits: texts(limits) } : {}) },
    ...(restartPolicy ? { restartPolicy } : {}),
  })
  return {
    metadata: {},
    spec: {
      containers: containers.map(container),
      ...(initContainers ? { initContainers: initContainers.map(container) } : {}),
      ...(overhead ? { overhead: texts(overhead) } : {}),
    },
  }
}

/** Numbers by name through a formula that sees the largest and the least of them. */
function byName(numbers: unknown, formula: (value: number, min: number, max: number) => number): Record<string, number> {
  const entries = Object.entries(numbers as Record<string, number>)
  const values = entries.map(([, v]) => v)
  return Object.fromEntries(entries.map(([name, v]) => [name, formula(v, Math.min(...values), Math.max(...values))]))
}

/** One node a zone with so many matching pods each; what the whole scheduler says of them. */
function spreadCluster(counts: Readonly<Record<string, number>>, maxSkew: number, whenUnsatisfiable: 'DoNotSchedule' | 'ScheduleAnyway') {
  const core = new SchedulerCore({ plugins: allPlugins, random: seededRandom(1) })
  const labels = { app: 'web' }
  for (const [zone, count] of Object.entries(counts)) {
    core.snapshot.setNode(testNode({ name: zone, labels: { zone } }))
    for (let i = 0; i < count; i++) core.snapshot.addPod(`default/${zone}${i}`, testPod({ name: `${zone}${i}`, labels }), zone)
  }
  const constraint = { topologyKey: 'zone', maxSkew, whenUnsatisfiable, labelSelector: { matchLabels: labels } }
  const pod = testPod({ name: 'p', labels, spec: { topologySpreadConstraints: [constraint] } })
  const plan = core.planOf({ key: 'default/p', pod, priority: 0 })
  const { rows } = scan(plan, core.snapshot)
  const score = pluginScores(plan, rows).find((s) => s.name === 'PodTopologySpread')
  return { names: rows.map((r) => core.snapshot.nodeName(r)), scores: rows.map((r) => score?.of(r).score) }
}

function preemptionOf(input: Example) {
  const core = new SchedulerCore({ plugins: allPlugins, random: seededRandom(1) })
  type Running = { name: string; cpu: number; priority: number }
  for (const [name, pods] of Object.entries(input.nodes as Record<string, Running[]>)) {
    core.snapshot.setNode(testNode({ name, cpu: String(input.cpuPerNode) }))
    for (const { name: pod, cpu, priority } of pods)
      core.snapshot.addPod(`default/${pod}`, testPod({ name: pod, requests: { cpu: String(cpu) }, priority }), name)
  }
  const { cpu, priority } = input.pod as Running
  const target = { key: 'default/p', pod: testPod({ name: 'p', requests: { cpu: String(cpu) }, priority }), priority }
  const { candidate } = core.preempt(target, core.diagnose(target), [])
  return { node: core.snapshot.nodeName(candidate!.row), victims: candidate!.victims.map((v) => v.pod.metadata.name) }
}

/** What the page's frameworks have of the cluster by weight, and whom the next offer goes to. */
function fairShareOf(input: Example) {
  type Row = { readonly weight: number; readonly has: Amounts }
  const total = resourceAmounts(texts(input.cluster))
  const shares: Record<string, number> = {}
  for (const [name, { weight, has }] of Object.entries(input.frameworks as Record<string, Row>))
    shares[name] = Number(dominantShare(resourceAmounts(texts(has)), total, weight).share.toFixed(3))
  const [next] = Object.entries(shares).sort(([, x], [, y]) => x - y)[0]!
  return { ...shares, next }
}

const compute: Readonly<Record<string, (input: Example) => unknown>> = {
  requests: (input) =>
    Object.fromEntries(Object.entries(podRequests(podOf(input.pod))).map(([name, amount]) => [name, amountText(name, amount)])),
  qos: (input) => qosClass(podOf(input.pod).spec!),
  cgroup: (input) => {
    const pod = podOf({ containers: [input.container] })
    const container = pod.spec!.containers[0]!
    const { cpuShares, cpuQuotaUs } = containerResourcesOf(container.resources)
    const capacity = quantityValue(input.machineMemory as string)
    return { cpuShares, cpuWeight: cpuWeight(cpuShares ?? 0), cpuQuotaUs, oomScoreAdj: oomScoreAdj(pod, container, capacity) }
  },
  fit: (input) => {
    const { plan } = coreWith(input, allPlugins)
    return rejectionOf(plan, 0)?.rejection.details.join('; ')
  },
  skew: (input) => spreadCluster(input.zones as Record<string, number>, input.maxSkew as number, 'DoNotSchedule').names,
  'least-allocated': (input) => scoreOnNode(input, 'NodeResourcesFit'),
  'most-allocated': (input) =>
    scoreOnNode(input, 'NodeResourcesFit', [nodeResourcesFit({ type: 'MostAllocated', resources: cpuAndMemory })]),
  'capacity-ratio': (input) => curveScore(input.shape as ShapePoint[], input.requested as number, input.allocatable as number),
  balanced: (input) => scoreOnNode(input, 'NodeResourcesBalancedAllocation'),
  taints: (input) => byName(input.taints, (taints, _, most) => defaultNormalise(taints, most, true)),
  'node-affinity': (input) => byName(input.weights, (weight, _, most) => defaultNormalise(weight, most, false)),
  'inter-pod-affinity': (input) => byName(input.sums, minMaxNormalise),
  spread: (input) => {
    const { names, scores } = spreadCluster(input.counts as Record<string, number>, input.maxSkew as number, 'ScheduleAnyway')
    return Object.fromEntries(names.map((name, i) => [name, scores[i]]))
  },
  'image-locality': (input) => {
    const bytes = scaledImageBytes(quantityValue(input.imageSize as string), input.nodesWithImage as number, input.nodes as number)
    return imageLocalityScore(bytes, input.containers as number)
  },
  'device-alternatives': (input) => byName(preferencesOf(input.chosen), (points, _, most) => defaultNormalise(points, most, false)),
  'load-aware': loadAwareScore,
  'price-and-distance': (input) => {
    type Numbers = { price: number; distance: number }
    const weights = { priceWeight: input.priceWeight as number, distanceWeight: input.distanceWeight as number }
    const costs = Object.entries(input.nodes as Record<string, Numbers>).map(([name, n]) => [name, costOf(weights, n.price, n.distance)])
    return byName(Object.fromEntries(costs), costNormalise)
  },
  'cel-scores': (input) => {
    const scores = (input.scores as { weight: number; value: number }[]).map(({ weight, value }) => ({ weight, expression: String(value) }))
    const plugin = optionalPlugins.CEL!({ scores })
    return scoreOnNode({ ...input, node: {}, pod: {} }, 'CEL', [plugin])
  },
  preemption: preemptionOf,
  'dominant share': fairShareOf,
  rebalance: rebalanceOf,
}

function rebalanceOf({ nodes, cpuPerNode }: Example) {
  type Row = { name: string; cpu: string }
  const entries = Object.entries(nodes as Record<string, Row[]>)
  const running = entries.flatMap(([on, pods]) =>
    pods.map(({ name, cpu }) => testPod({ name, owner: name, requests: { cpu }, spec: { nodeName: on } })),
  )
  const view = { ...emptyView, nodes: entries.map(([name]) => testNode({ name, cpu: String(cpuPerNode) })), pods: running }
  const [move] = planRebalance({ view, policy: defaultRebalancePolicy, profiles: [profileOf({})] }).moves
  return move && { pod: move.pod.split('/')[1], from: move.from, to: move.to, gain: move.gain }
}

function preferencesOf(chosen: unknown): Record<string, number> {
  const entries = Object.entries(chosen as Record<string, number[]>)
  return Object.fromEntries(entries.map(([name, places]) => [name, places.reduce((sum, place) => sum + preferenceOf(place), 0)]))
}

function loadAwareScore({ halfLifeSeconds, cpuAllocatable, measurements, running, pod }: Example): number {
  const halfLifeMs = (halfLifeSeconds as number) * 1_000
  type Measurement = { atSeconds: number; cpu: number }
  let load: ReturnType<typeof smoothed> | undefined
  for (const { atSeconds, cpu } of measurements as Measurement[])
    load = smoothed(load, { cpuMilli: cpu, memoryBytes: 0 }, atSeconds * 1_000, halfLifeMs)
  const { ageSeconds, cpu } = running as { ageSeconds: number; cpu: number }
  const total = load!.cpuMilli + cpu * decay(ageSeconds * 1_000, halfLifeMs) + (pod as { cpu: number }).cpu
  return leastRequestedScore(Math.round(total), cpuAllocatable as number)
}

test('the page has an example of every formula that is computed here, once', () => {
  assert.deepEqual(examples.map((e) => e.example).sort(), Object.keys(compute).sort())
})

for (const input of examples)
  test(`docs/formulas.md: ${input.example} comes out as the page says`, () =>
    assert.deepEqual(compute[input.example]!(input), input.result))
