import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import { profileOf, type ProfileDocument } from '../config/scheduler-profile.ts'
import { type NodeInput, type PodInput, testNode, testPod } from '../core/fixtures.ts'
import { SchedulerCore } from '../core/scheduler-core.ts'
import { decideByScan } from '../core/scan.ts'
import { explainPod } from '../explain/explain.ts'
import { reportUsage } from './load-aware.ts'

type Cluster = {
  readonly nodes: readonly (NodeInput & { readonly annotations?: Readonly<Record<string, string>> })[]
  readonly running?: readonly (PodInput & { readonly on: string })[]
}

const only = (name: string, args: object): ProfileDocument => ({
  plugins: {
    score: { disabled: [{ name: '*' }] },
    multiPoint: { enabled: [{ name }] },
  },
  pluginConfig: [{ name, args: { ...args } }],
})
const onlyScore = (name: string, args: object): ProfileDocument => ({
  ...only(name, args),
  plugins: { multiPoint: { enabled: [{ name }] }, score: { disabled: [{ name: '*' }], enabled: [{ name }] } },
})

function coreOf(document: ProfileDocument, { nodes, running = [] }: Cluster) {
  const { plugins } = profileOf(document)
  const core = new SchedulerCore({ plugins, random: seededRandom(1) })
  for (const { annotations, ...input } of nodes) {
    const node = testNode(input)
    core.snapshot.setNode(annotations ? { ...node, metadata: { ...node.metadata, annotations } } : node)
  }
  for (const pod of running) core.snapshot.addPod(`default/${pod.name}`, testPod(pod), pod.on)
  return { core, plugins }
}

/** `node score` of the feasible ones, best first; then the others with what they lack. */
function verdicts(core: SchedulerCore, input: Omit<PodInput, 'name'>): readonly string[] {
  const pod = testPod({ name: 'p', ...input })
  const target = { key: 'default/p', pod, priority: 0 }
  const byCells = core.decide(target)
  const plan = core.planOf(target)
  const byScan = decideByScan(plan, core.snapshot, seededRandom(1))
  if (byCells.kind === 'Placed' && byScan.kind === 'Placed') assert.equal(byCells.score, byScan.score)
  else assert.equal(byCells.kind, byScan.kind)
  const { nodes } = explainPod({ core, target, record: undefined, isOurs: true, isGated: false })
  return nodes.map((n) =>
    n.verdict === 'Feasible'
      ? `${n.name} ${n.total}: ${n.scores.map((s) => s.formula).join('; ')}`
      : `${n.name}: ${n.filters.map((f) => f.details.join('; ')).join(' | ')}`,
  )
}

const cel = (args: object) => onlyScore('CEL', args)

test('CEL filters: what they say of pod and node, and why a node is out', () => {
  const { core } = coreOf(
    cel({
      filters: [
        { expression: 'node.metadata.labels[?"tier"].orValue("") == pod.metadata.labels["tier"]', message: 'node(s) had another tier' },
        { expression: 'requested["cpu"].add(pod.requests["cpu"]).isLessThan(quantity("3"))' },
        { expression: 'node.metadata.annotations["state"] != "leaving"' },
      ],
    }),
    {
      nodes: [
        { name: 'a', labels: { tier: 'web' }, annotations: { state: 'ok' } },
        { name: 'b', labels: { tier: 'db' }, annotations: { state: 'ok' } },
        { name: 'c', labels: { tier: 'web' }, annotations: { state: 'ok' } },
        { name: 'd', labels: { tier: 'web' } },
      ],
      running: [{ name: 'x', on: 'c', requests: { cpu: '2500m' } }],
    },
  )
  assert.deepEqual(verdicts(core, { labels: { tier: 'web' }, requests: { cpu: '500m' } }), [
    'a 0: ',
    'b: node.metadata.labels[?"tier"].orValue("") == pod.metadata.labels["tier"] is false',
    'c: requested["cpu"].add(pod.requests["cpu"]).isLessThan(quantity("3")) is false',
    'd: node.metadata.annotations["state"] != "leaving" is an error: no such key: state',
  ])
  // What was decided is decided anew when what it depends on changes.
  core.snapshot.removePod('default/x')
  const leaving = testNode({ name: 'a', labels: { tier: 'web' } })
  core.snapshot.setNode({ ...leaving, metadata: { ...leaving.metadata, annotations: { state: 'leaving' } } })
  assert.deepEqual(
    verdicts(core, { labels: { tier: 'web' }, requests: { cpu: '500m' } }).map((line) => line.slice(0, 3)),
    ['c 0', 'a: ', 'b: ', 'd: '],
  )
})

test('CEL scores: the weighted mean, each between 0 and 100, 0 where one fails', () => {
  const scores = [
    { expression: '100 - int(node.metadata.labels["price"])', weight: 3 },
    { expression: 'double(node.allocatable["cpu"].asInteger()) * 100.0' },
  ]
  const { core } = coreOf(cel({ scores }), {
    nodes: [
      { name: 'a', labels: { price: '20' } },
      { name: 'b', labels: { price: '130' } },
      { name: 'c', labels: { price: 'free' } },
    ],
  })
  assert.deepEqual(verdicts(core, {}), [
    'a 85: ⌊(3×80 [100 - int(node.metadata.labels["price"])] + 1×100 [double(node.allocatable["cpu"].asInteger()) * 100.0])/4⌋ = 85',
    'b 25: ⌊(3×0 [100 - int(node.metadata.labels["price"])] + 1×100 [double(node.allocatable["cpu"].asInteger()) * 100.0])/4⌋ = 25',
    `c 25: ⌊(3×0 [100 - int(node.metadata.labels["price"]): type conversion error from 'string' to 'int'] + 1×100 [double(node.allocatable["cpu"].asInteger()) * 100.0])/4⌋ = 25`,
  ])
})

test('an expression that costs too much closes the node and says so', () => {
  const ten = '[1,2,3,4,5,6,7,8,9,10]'
  const expression = `${ten}.all(a, ${ten}.all(b, ${ten}.all(c, ${ten}.all(d, a + b + c + d > 0))))`
  const { core } = coreOf(cel({ filters: [{ expression }] }), { nodes: [{ name: 'a' }] })
  assert.match(verdicts(core, {})[0]!, /is an error: .*cost/)
})

for (const [title, document, expected] of [
  [
    'does not compile',
    cel({ filters: [{ expression: 'pod.metadata.annotations["x"] == ""' }] }),
    /^plugin CEL: args\.filters\[0\]\.expression: Invalid value: .*: compilation failed: ERROR: <input>:1:13: undefined field 'annotations'/,
  ],
  [
    'is of the wrong type',
    cel({ scores: [{ expression: '"high"' }] }),
    /^plugin CEL: args\.scores\[0\]\.expression: Invalid value: "\\"high\\"": compilation failed: must evaluate to one of \[int double\]/,
  ],
  ['has an unknown field', cel({ score: [] }), /^plugin CEL: args: strict decoding error: unknown field "score"/],
  ['has no expression', cel({ filters: [{}] }), /^plugin CEL: args\.filters\[0\]\.expression: Required value/],
  [
    'has a weight out of range',
    cel({ scores: [{ expression: '1', weight: 0 }] }),
    /^plugin CEL: args\.scores\[0\]\.weight: Invalid value: 0: not in valid range \[1-100\]/,
  ],
  [
    'has too many expressions',
    cel({ scores: Array.from({ length: 17 }, () => ({ expression: '1' })) }),
    /^plugin CEL: args\.scores: Too many: 17/,
  ],
  ['has a half-life of nothing', only('LoadAware', { halfLifeSeconds: 0 }), /^plugin LoadAware: args\.halfLifeSeconds: Invalid value: 0/],
  [
    'has a threshold of an unknown resource',
    only('LoadAware', { thresholds: { gpu: 1 } }),
    /^plugin LoadAware: args\.thresholds: strict decoding error: unknown field "gpu"/,
  ],
  [
    'has a price that is none',
    only('PriceAndDistance', { priceWeight: 'high' }),
    /^plugin PriceAndDistance: args\.priceWeight: Invalid value: "high"/,
  ],
] as const)
  test(`a configuration that ${title} is refused with the place`, () =>
    assert.throws(() => profileOf(document), { name: 'ConfigurationError', message: expected }))

test('none of them is on by default, and * does not turn them on', () => {
  const names = (document: ProfileDocument) => profileOf(document).plugins.map((p) => p.name)
  for (const name of ['CEL', 'LoadAware', 'PriceAndDistance']) {
    assert.ok(!names({}).includes(name))
    assert.ok(names({ plugins: { multiPoint: { enabled: [{ name }] } } }).includes(name))
  }
})

test('price and distance: the cheapest and nearest wins, by labels and annotations', () => {
  const { core } = coreOf(onlyScore('PriceAndDistance', { distanceWeight: 0.1, defaultPrice: 5 }), {
    nodes: [
      { name: 'near', labels: { 'keelson.dev/price': '2', 'keelson.dev/distance': '10' } },
      { name: 'far', annotations: { 'keelson.dev/price': '1.5', 'keelson.dev/distance': '40' } },
      { name: 'unknown' },
      { name: 'odd', labels: { 'keelson.dev/price': '-1' } },
    ],
  })
  assert.deepEqual(verdicts(core, {}), [
    'near 100: ⌊100 × (5.5 − 3)/(5.5 − 3)⌋ = 100 (cost 1×2 + 0.1×10)',
    'odd 20: ⌊100 × (5.5 − 5)/(5.5 − 3)⌋ = 20 (cost 1×5 + 0.1×0)',
    'unknown 20: ⌊100 × (5.5 − 5)/(5.5 − 3)⌋ = 20 (cost 1×5 + 0.1×0)',
    'far 0: ⌊100 × (5.5 − 5.5)/(5.5 − 3)⌋ = 0 (cost 1×1.5 + 0.1×40)',
  ])
})

test('load: what is measured counts, smoothed, with the pods that are too young to show in it', () => {
  const { core, plugins } = coreOf(onlyScore('LoadAware', { thresholds: { cpu: 90 } }), {
    nodes: ['a', 'b', 'c'].map((name) => ({ name, cpu: '4', memory: '8Gi' })),
    running: [{ name: 'idle', on: 'a', requests: { cpu: '1500m', memory: '1Gi' }, startTime: '1970-01-01T00:00:00Z' }],
  })
  const gibibyte = 2 ** 30
  const report = (nodeName: string, cpuMilli: number, atMs: number) =>
    reportUsage(plugins, core.snapshot, { nodeName, usage: { cpuMilli, memoryBytes: gibibyte }, atMs })
  const pod = { requests: { cpu: '500m', memory: '1Gi' } }
  report('a', 1_000, 86_400_000)
  report('b', 3_000, 86_400_000)
  assert.deepEqual(verdicts(core, pod), [
    'c 87: ⌊(⌊100 × (4000m − 500m)/4000m⌋ + ⌊100 × (8Gi − 1Gi)/8Gi⌋)/2⌋ = 87 (no measurement: by requests)',
    'a 68: ⌊(⌊100 × (4000m − 1500m)/4000m⌋ + ⌊100 × (8Gi − 2Gi)/8Gi⌋)/2⌋ = 68 (by measured load)',
    'b 43: ⌊(⌊100 × (4000m − 3500m)/4000m⌋ + ⌊100 × (8Gi − 2Gi)/8Gi⌋)/2⌋ = 43 (by measured load)',
  ])
  // A minute later half of it is the new measurement: (3000 + 3800)/2 = 3400, and 3400 + 500 > 90 % of 4000.
  report('b', 3_800, 86_460_000)
  assert.deepEqual(verdicts(core, pod).slice(2), ['b: cpu load would be 3900m of 4000m, more than 90 %'])
  const forget = (nodeName: string) => reportUsage(plugins, core.snapshot, { nodeName, usage: undefined, atMs: 0 })
  for (const nodeName of ['a', 'c']) {
    forget(nodeName)
    report(nodeName, 4_000, 86_460_000)
  }
  const target = { key: 'default/p', pod: testPod({ name: 'p', ...pod }), priority: 0 }
  const { suggestions } = explainPod({ core, target, record: undefined, isOurs: true, isGated: false })
  assert.equal(suggestions.find((s) => s.node === 'b')?.text, 'on node b: lower its cpu load by 300m')
  for (const nodeName of ['a', 'c']) forget(nodeName)
  report('a', 1_000, 86_460_000)
  // A pod that has just come counts as it requests until measurements show it.
  core.snapshot.addPod('default/new', testPod({ name: 'new', requests: { cpu: '2', memory: '1Gi' } }), 'a')
  assert.match(verdicts(core, pod)[1]!, /^a 37: ⌊\(⌊100 × \(4000m − 3500m\)/)
  forget('b')
  assert.match(verdicts(core, pod)[0]!, /^b 87: .*by requests/)
})
