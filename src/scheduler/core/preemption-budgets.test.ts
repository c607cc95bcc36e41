import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Random, seededRandom } from '../../base/random.ts'
import { allPlugins } from '../plugins/all.ts'
import { testNode, testPod } from './fixtures.ts'
import type { Budget } from './preemption.ts'
import { SchedulerCore } from './scheduler-core.ts'

type Running = { readonly name: string; readonly node: number; readonly cpu: number; readonly priority: number; readonly app: string }
type World = { readonly capacity: readonly number[]; readonly running: readonly Running[]; readonly budgets: readonly Budget[] }
type Choice = { readonly node: number; readonly victims: readonly string[]; readonly violations: number }

const apps = ['a', 'b', 'c']
const wanted = { cpu: 10, priority: 5 }

function randomWorld(random: Random): World {
  const budget = (): Budget => {
    const chosen = apps.filter(() => random.below(2) === 0)
    const disrupted = new Set(random.below(4) === 0 ? [`r${random.below(12)}`] : [])
    return {
      namespace: random.below(6) === 0 ? 'other' : 'default',
      matches: (l) => chosen.includes(l.app!),
      allowed: random.below(3),
      disrupted,
    }
  }
  return {
    capacity: Array.from({ length: 1 + random.below(4) }, () => 10 + random.below(10)),
    running: Array.from({ length: 12 }, (_, i) => ({
      name: `r${String(i).padStart(2, '0')}`,
      node: random.below(4),
      cpu: 1 + random.below(6),
      priority: random.below(7),
      app: apps[random.below(3)]!,
    })),
    budgets: Array.from({ length: random.below(4) }, budget),
  }
}

/** All equally good choices, by the words of the documentation and nothing of the core's. */
function choices({ capacity, running, budgets }: World): readonly Choice[] {
  const candidates = capacity.flatMap((cpu, node) => {
    const there = running.filter((r) => r.node === node)
    const lower = there
      .filter((r) => r.priority < wanted.priority)
      .toSorted((a, b) => b.priority - a.priority || (a.name < b.name ? -1 : 1))
    let used = there.filter((r) => !lower.includes(r)).reduce((sum, r) => sum + r.cpu, 0)
    if (lower.length === 0 || used + wanted.cpu > cpu) return []
    const left = budgets.map((b) => b.allowed)
    const breaks = new Set<Running>()
    for (const pod of lower)
      for (const [i, b] of budgets.entries())
        if (b.namespace === 'default' && b.matches({ app: pod.app }) && !b.disrupted.has(pod.name) && --left[i]! < 0) breaks.add(pod)
    const victims: Running[] = []
    for (const pod of [...lower.filter((p) => breaks.has(p)), ...lower.filter((p) => !breaks.has(p))]) {
      if (used + pod.cpu + wanted.cpu <= cpu) used += pod.cpu
      else victims.push(pod)
    }
    if (victims.length === 0) return []
    const rank = [
      victims.filter((v) => breaks.has(v)).length,
      Math.max(...victims.map((v) => v.priority)),
      victims.reduce((sum, v) => sum + v.priority + 2 ** 31, 0),
      victims.length,
    ]
    return [{ node, rank, victims: victims.map((v) => v.name).toSorted(), violations: rank[0]! }]
  })
  const order = (a: readonly number[], b: readonly number[]) => a.map((x, i) => x - b[i]!).find((d) => d !== 0) ?? 0
  const [best] = candidates.toSorted((a, b) => order(a.rank, b.rank))
  return candidates.filter((c) => order(c.rank, best!.rank) === 0).map(({ node, victims, violations }) => ({ node, victims, violations }))
}

test('preemption breaks as few budgets as the documented search does, and evicts the same pods, in random clusters', () => {
  let preempted = 0
  for (let seed = 1; seed <= 400; seed++) {
    const world = randomWorld(seededRandom(seed))
    const core = new SchedulerCore({ plugins: allPlugins, random: seededRandom(1) })
    world.capacity.forEach((cpu, i) => core.snapshot.setNode(testNode({ name: `n${i}`, cpu: String(cpu), memory: '64Gi' })))
    for (const { name, node, cpu, priority, app } of world.running.filter((r) => r.node < world.capacity.length))
      core.snapshot.addPod(`default/${name}`, testPod({ name, priority, labels: { app }, requests: { cpu: String(cpu) } }), `n${node}`)
    const pod = testPod({ name: 'p', priority: wanted.priority, requests: { cpu: String(wanted.cpu) } })
    const target = { key: 'default/p', pod, priority: wanted.priority }
    if (core.decide(target).kind === 'Placed') continue
    const { candidate } = core.preempt(target, core.diagnose(target), world.budgets)
    const expected = choices(world)
    const actual = candidate && {
      node: candidate.row,
      victims: candidate.victims.map((v) => v.pod.metadata.name!).toSorted(),
      violations: candidate.violations,
    }
    if (actual) preempted++
    if (!actual) assert.deepEqual(expected, [], `seed ${seed}`)
    else
      assert.ok(
        expected.some((c) => JSON.stringify(c) === JSON.stringify(actual)),
        `seed ${seed}: ${JSON.stringify({ actual, expected })}`,
      )
  }
  assert.ok(preempted > 50, `only ${preempted} of the clusters needed preemption`)
})
