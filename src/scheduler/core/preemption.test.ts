import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import { allPlugins } from '../plugins/all.ts'
import { type NodeInput, type PodInput, testNode, testPod } from './fixtures.ts'
import { fitErrorMessage } from './fit-error.ts'
import type { Budget } from './preemption.ts'
import { randomNode } from './random-cluster.ts'
import { SchedulerCore } from './scheduler-core.ts'

type Running = PodInput & { readonly on: string }
type Case = {
  readonly nodes?: readonly NodeInput[]
  readonly running: readonly Running[]
  readonly pod: Omit<PodInput, 'name'>
  readonly budgets?: readonly Budget[]
}
type Expected = { readonly node?: string; readonly victims?: readonly string[]; readonly message?: string }

const twoNodes: NodeInput[] = [
  { name: 'a', cpu: '2' },
  { name: 'b', cpu: '2' },
]

function coreOf({ nodes = twoNodes, running }: Pick<Case, 'nodes' | 'running'>): SchedulerCore {
  const core = new SchedulerCore({ plugins: allPlugins, random: seededRandom(1) })
  for (const node of nodes) core.snapshot.setNode(testNode(node))
  for (const pod of running) core.snapshot.addPod(`default/${pod.name}`, testPod(pod), pod.on)
  return core
}

function check(input: Case, expected: Expected): void {
  const core = coreOf(input)
  const pod = testPod({ name: 'p', ...input.pod })
  const target = { key: 'default/p', pod, priority: pod.spec?.priority ?? 0 }
  assert.equal(core.decide(target).kind, 'Unplaced')
  const { candidate, reasons } = core.preempt(target, core.diagnose(target), input.budgets ?? [])
  if (expected.message) assert.equal(fitErrorMessage({ nodeCount: core.snapshot.nodeCount, reasons }), expected.message)
  assert.equal(candidate && core.snapshot.nodeName(candidate.row), expected.node)
  if (candidate)
    assert.deepEqual(
      candidate.victims.map((v) => v.pod.metadata.name),
      expected.victims,
    )
}

const cpu = (amount: string) => ({ cpu: amount })
const low = (name: string, on: string, amount = '2', more: Partial<PodInput> = {}): Running => ({
  name,
  on,
  requests: cpu(amount),
  priority: 1,
  ...more,
})
const strong = { requests: cpu('2'), priority: 100 }
const budget = (app: string, allowed: number): Budget => ({
  namespace: 'default',
  matches: (l) => l.app === app,
  allowed,
  disrupted: new Set(),
})

const cases: readonly [string, Case, Expected][] = [
  [
    'evicts nobody where nobody is weaker',
    { running: [low('x', 'a'), low('y', 'b')], pod: { requests: cpu('2'), priority: 1 } },
    { message: '0/2 nodes are available: 2 No preemption victims found for incoming pod.' },
  ],
  [
    'says where it cannot help',
    {
      nodes: [
        { name: 'a', cpu: '1' },
        { name: 'b', unschedulable: true },
      ],
      running: [],
      pod: strong,
    },
    { message: '0/2 nodes are available: 2 Preemption is not helpful for scheduling.' },
  ],
  [
    'says what is still missing without the weaker ones',
    { running: [low('x', 'a', '1'), { ...low('s', 'a', '1'), priority: 200 }, { ...low('t', 'b'), priority: 200 }], pod: strong },
    { message: '0/2 nodes are available: 1 Insufficient cpu, 1 No preemption victims found for incoming pod.' },
  ],
  [
    'prefers the node whose strongest victim is weakest',
    { running: [{ ...low('x', 'a'), priority: 50 }, low('y', 'b')], pod: strong },
    { node: 'b', victims: ['y'] },
  ],
  [
    'prefers fewer victims of equal priority',
    { running: [low('x1', 'a', '1'), low('x2', 'a', '1'), low('y', 'b')], pod: strong },
    { node: 'b', victims: ['y'] },
  ],
  [
    'prefers the node whose most important victim started last',
    {
      running: [low('x', 'a', '2', { startTime: '2026-01-01T00:00:00Z' }), low('y', 'b', '2', { startTime: '2026-01-02T00:00:00Z' })],
      pod: strong,
    },
    { node: 'b', victims: ['y'] },
  ],
  [
    'gives back what need not go, the most important first',
    {
      nodes: [{ name: 'a', cpu: '4' }],
      running: [low('x', 'a', '1'), { ...low('y', 'a', '1'), priority: 9 }, low('z', 'a', '2')],
      pod: strong,
    },
    { node: 'a', victims: ['z'] },
  ],
  [
    'breaks no budget where it can do without',
    {
      running: [low('x', 'a', '2', { labels: { app: 'db' } }), { ...low('y', 'b'), priority: 50 }],
      pod: strong,
      budgets: [budget('db', 0)],
    },
    { node: 'b', victims: ['y'] },
  ],
  [
    'breaks a budget where there is no other way',
    { nodes: [{ name: 'a', cpu: '2' }], running: [low('x', 'a', '2', { labels: { app: 'db' } })], pod: strong, budgets: [budget('db', 0)] },
    { node: 'a', victims: ['x'] },
  ],
  [
    'makes room for one more pod',
    { nodes: [{ name: 'a', pods: '1' }], running: [low('x', 'a', '100m')], pod: { priority: 10 } },
    { node: 'a', victims: ['x'] },
  ],
  [
    'frees host ports',
    {
      nodes: [{ name: 'a' }],
      running: [low('x', 'a', '100m', { hostPort: 80 }), low('y', 'a', '100m')],
      pod: { priority: 10, hostPort: 80 },
    },
    { node: 'a', victims: ['x'] },
  ],
  [
    'lifts anti-affinity',
    {
      nodes: [{ name: 'a' }],
      running: [low('x', 'a', '100m', { labels: { app: 'web' } })],
      pod: {
        priority: 10,
        spec: {
          affinity: {
            podAntiAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: [
                { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'web' } } },
              ],
            },
          },
        },
      },
    },
    { node: 'a', victims: ['x'] },
  ],
]
for (const [name, input, expected] of cases) test(name, () => check(input, expected))

test('room made for a pod is not given to another of its priority or less, but to a stronger one', () => {
  const core = coreOf({ nodes: [{ name: 'a', cpu: '2' }], running: [] })
  const target = (name: string, priority: number) => ({
    key: `default/${name}`,
    pod: testPod({ name, requests: cpu('2'), priority }),
    priority,
  })
  const first = target('first', 10)
  core.nominations.set({ ...first, nodeName: 'a' })
  assert.equal(core.decide(target('equal', 10)).kind, 'Unplaced')
  assert.equal(fitErrorMessage(core.diagnose(target('equal', 10))), '0/1 nodes are available: 1 Insufficient cpu.')
  assert.equal(core.decide(target('stronger', 11)).kind, 'Placed')
  assert.equal(core.decide(first).kind, 'Placed')
})

test('sums and lifting come to the same victims, and leave the snapshot as it was', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = seededRandom(seed)
    const running = Array.from(
      { length: 30 },
      (_, i): Running => ({
        name: `r${i}`,
        on: `n${random.below(6)}`,
        requests: { cpu: `${100 + random.below(900)}m`, memory: `${random.below(900)}Mi` },
        priority: random.below(5),
        labels: { app: `a${random.below(3)}` },
      }),
    )
    // A spread constraint that nothing can break makes the core lift pods instead of summing up.
    const spec = {
      topologySpreadConstraints: [
        {
          topologyKey: 'kubernetes.io/hostname',
          maxSkew: 1000,
          whenUnsatisfiable: 'DoNotSchedule' as const,
          labelSelector: { matchLabels: { none: 'such' } },
        },
      ],
    }
    const answers = [undefined, spec].map((extra) => {
      const core = new SchedulerCore({ plugins: allPlugins, random: seededRandom(1) })
      const nodeRandom = seededRandom(seed)
      for (let i = 0; i < 6; i++) core.snapshot.setNode(randomNode(nodeRandom, `n${i}`))
      for (const pod of running) core.snapshot.addPod(`default/${pod.name}`, testPod(pod), pod.on)
      const pod = testPod({ name: 'p', requests: { cpu: '1500m', memory: '1Gi' }, priority: 4, ...(extra ? { spec: extra } : {}) })
      const target = { key: 'default/p', pod: { ...pod, spec: { ...pod.spec!, priority: 4 } }, priority: 4 }
      const before = state(core)
      const budgets = [budget('a0', 0), budget('a1', 1)]
      const { candidate } = core.preempt(target, core.diagnose(target), budgets)
      assert.equal(state(core), before)
      return candidate && { row: candidate.row, victims: candidate.victims.map((v) => v.key), violations: candidate.violations }
    })
    assert.deepEqual(answers[0], answers[1], `seed ${seed}`)
  }
})

function state({ snapshot }: SchedulerCore): string {
  return JSON.stringify(
    Array.from({ length: snapshot.rowsEnd }, (_, row) => [
      snapshot.requested.map((r) => r[row]),
      snapshot.podCount[row],
      snapshot
        .podsOf(row)
        .map((e) => e.key)
        .sort(),
    ]),
  )
}
