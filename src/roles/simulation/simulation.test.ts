import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import { readScenario } from './scenario.ts'
import { scriptOf } from './script.ts'
import { simulate } from './simulate.ts'
import { reportText, spreadOf } from './simulation-report.ts'

const head = 'apiVersion: keelson.dev/v1alpha1\nkind: Scenario\nduration: 10m\n'
const nodes = 'nodes: [{ name: n, count: 3, cpu: "2", memory: 4Gi, pricePerHour: 0.6 }]\n'
const pod = (cpu: string) =>
  `{ apiVersion: v1, kind: Pod, spec: { restartPolicy: Never, containers: [{ name: c, image: i, resources: { requests: { cpu: ${cpu} } } }] } }`

const mistakes: readonly [name: string, yaml: string, expected: RegExp][] = [
  ['no YAML', 'a: [', /is no scenario/],
  ['another kind', head.replace('Scenario', 'Pod') + nodes, /kind: Unsupported value: "Pod"/],
  ['nothing to run on', head, /nodes: Required value/],
  ['a field that is none', `${head}${nodes}color: red\n`, /unknown field "color"/],
  ['a duration without a unit', `${head.replace('10m', '10')}${nodes}`, /duration: Invalid value/],
  ['an amount that is none', `${head}nodes: [{ name: n, cpu: much }]\n`, /"much" is no quantity/],
  ['two nodes of one name', `${head}nodes: [{ name: n }, { name: n }]\n`, /two nodes are called n/],
  ['two rhythms', `${head}${nodes}arrivals: [{ name: a, every: 1s, perMinute: 3, object: {} }]\n`, /give every or perMinute, not both/],
  ['an endless rhythm', `${head}${nodes}arrivals: [{ name: a, every: 0s, object: {} }]\n`, /every: must be greater than 0/],
  ['an event without a deed', `${head}${nodes}events: [{ at: 1m }]\n`, /the event at 1m says nothing to do/],
  ['an event of two', `${head}${nodes}events: [{ at: 1m, cordon: n-1, drain: n-1 }]\n`, /one thing to do an event/],
  ['a node that is not there', `${head}${nodes}events: [{ at: 1m, drain: other }]\n`, /there is no node other/],
  ['a wrong scheduler', `${head}${nodes}scheduler: { kind: Other }\n`, /no kind "Other" is registered/],
]
for (const [name, yaml, expected] of mistakes)
  test(`a scenario is refused: ${name}`, () => {
    assert.throws(() => readScenario('FILE', yaml), { message: expected })
  })

test('a script is drawn from its seed, and a stream by itself', () => {
  const arrivals = `arrivals: [{ name: a, perMinute: 30, runs: { for: 1m, spread: exponential }, object: ${pod('100m')} }`
  const script = (more: string, seed = 1) => scriptOf(readScenario('f', `${head}${nodes}${arrivals}${more}]\n`), seededRandom(seed))
  const alone = script('')
  assert.deepEqual(script(''), alone)
  assert.notDeepEqual(script('', 2), alone)
  // 300 expected in ten minutes; so far off is one in many thousands.
  assert.ok(alone.length > 220 && alone.length < 380, String(alone.length))
  const both = script(`, { name: b, every: 1m, count: 3, object: ${pod('1')} }`)
  assert.equal(both.length, alone.length + 3)
  const ofA = both.filter(({ what }) => what.do === 'apply' && what.objects[0]!.metadata.name!.startsWith('a-'))
  assert.deepEqual(ofA, alone)
})

test('percentiles are by nearest rank', () => {
  assert.deepEqual(spreadOf([]), { p50: 0, p90: 0, p99: 0, max: 0 })
  assert.deepEqual(spreadOf([4000, 1000, 3000, 2000]), { p50: 2, p90: 4, p99: 4, max: 4 })
})

const web = `{ apiVersion: apps/v1, kind: Deployment, metadata: { name: web }, spec: { replicas: 3, selector: { matchLabels: { app: w } },
  template: { metadata: { labels: { app: w } }, spec: { containers: [{ name: c, image: i, resources: { requests: { cpu: 500m, memory: 1Gi } } }] } } } }`
const budget = `{ apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: { name: web }, spec: { maxUnavailable: 1, selector: { matchLabels: { app: w } } } }`
const pinned = `{ apiVersion: v1, kind: Pod, spec: { nodeSelector: { kubernetes.io/hostname: n-1 }, containers: [{ name: c, image: i }] } }`
const eventful = `${head.replace('10m', '30m')}seed: 5
sampleEvery: 5m
${nodes}objects: [${web}, ${budget}]
arrivals:
  - name: batch
    every: 2m
    count: 5
    runs: { for: 3m }
    uses: { points: [{ cpu: 0.5, memory: 0.5 }] }
    object: ${pod('"1"')}
  - { name: giant, object: ${pod('"9"')} }
  - { name: pinned, runs: { for: 10m }, object: ${pinned} }
events:
  - { at: 4m, drain: n-1 }
  - { at: 8m, uncordon: n-1 }
  - { at: 10m, turnOff: n-2 }
  - { at: 20m, turnOn: n-2 }
  - { at: 15m, addNodes: { name: more, pricePerHour: 1 } }
  - { at: 16m, scale: { kind: Deployment, name: web, replicas: 1 } }
  - { at: 17m, delete: [{ apiVersion: v1, kind: ConfigMap, metadata: { name: none } }] }
`

test('a scenario is played through: what came, what waited, what was evicted, what it cost; again the same', async () => {
  const scenario = readScenario('f', eventful)
  const report = await simulate(scenario)
  const { created, completed, deleted, placed, waiting } = report.pods
  assert.deepEqual([placed, waiting], [1, 1], reportText(report))
  // Of the five batch pods and the pinned one those that a drain or a dead node sends away do not complete; nobody makes them anew.
  assert.ok(completed >= 3 && completed < 6, reportText(report))
  assert.equal(created, completed + deleted + placed + waiting)
  assert.ok(report.evictions.EvictionByEvictionAPI! >= 1, reportText(report))
  assert.ok(report.evictions.DeletionByTaintManager! >= 1, reportText(report))
  assert.match(report.reasonsForWaiting[0]!.message, /Insufficient cpu/)
  // Three nodes for half an hour, one for a quarter.
  assert.equal(report.cost.total, 3 * 0.6 * 0.5 + 0.25)
  assert.equal(Math.max(...report.samples.map((s) => s.nodesReady)), 4)
  assert.equal(report.samples.length, 7)
  assert.ok(report.utilisation.cpuUsed!.max > 0)
  assert.deepEqual(
    report.problems.map((p) => /^1020 s: delete: .*"none" not found/.test(p)),
    [true],
    report.problems.join(),
  )
  assert.equal(report.waitingSeconds.p50, 0)
  const { metadata, trace } = await simulate(scenario)
  assert.deepEqual({ metadata, trace }, { metadata: report.metadata, trace: report.trace })
  assert.match(reportText(report), /^waits {12} 1 ×: 0\/4 nodes are available/m)
})
