import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import { allPlugins } from '../plugins/all.ts'
import type { Budget } from './preemption.ts'
import { randomNode, randomPod } from './random-cluster.ts'
import { type PodToPlace, SchedulerCore, type SharedCluster } from './scheduler-core.ts'

const budgets: readonly Budget[] = [{ namespace: 'default', matches: (labels) => labels.app === 'a0', allowed: 1, disrupted: new Set() }]

/** What a core says of a pod, as text: where it goes, or what stands against it and who would have to leave. */
function answer(core: SchedulerCore, target: PodToPlace): string {
  const decision = core.decide(target)
  if (decision.kind === 'Placed') return JSON.stringify({ ...decision, best: decision.best(20).map((b) => b.score) })
  const diagnosis = core.diagnose(target)
  const { candidate, reasons } = core.preempt(target, diagnosis, budgets)
  const all: string[] = []
  core.preempt(target, diagnosis, budgets, ({ row: at, victims: of, violations }) => void all.push(`${at} ${violations} ${of.length}`))
  const counts = (of: ReadonlyMap<string, number>) => [...of].map(([what, nodes]) => `${what}: ${nodes}`).sort()
  const rows = [...diagnosis.resolvableRows.list()].toSorted((a, b) => a - b)
  const { row, victims } = candidate ?? {}
  return JSON.stringify([
    counts(diagnosis.reasons),
    counts(diagnosis.nodesByPlugin),
    rows,
    diagnosis.resolvableRows.count,
    row,
    victims?.map((v) => v.key),
    all.sort(),
    counts(reasons),
  ])
}

const coreOf = (cluster?: SharedCluster) =>
  // Draws only break ties: always the same one, so that two cores break them alike.
  new SchedulerCore({ plugins: allPlugins, random: { ...seededRandom(1), below: () => 3 }, ...(cluster ? { cluster } : {}) })

for (let seed = 1; seed <= 10; seed++) {
  test(`what is remembered of rows with nominated pods is what they would answer anew, seed ${seed}`, () => {
    const random = seededRandom(seed)
    const core = coreOf()
    const { snapshot, nominations } = core
    snapshot.setNamespace('default', { team: 'blue' })
    for (let i = 0; i < 8; i++) snapshot.setNode(randomNode(random, `n${i}`))
    const shapes = Array.from({ length: 5 }, (_, i) => randomPod(random, `shape${i}`))
    const priorities = shapes.map(() => random.below(3) * 10)
    for (let i = 0; i < 80; i++) {
      const which = random.below(shapes.length)
      const key = `${shapes[which]!.metadata.namespace}/p${random.below(30)}`
      const pod = { ...shapes[which]!, spec: { ...shapes[which]!.spec!, priority: priorities[which]! } }
      const what = random.next()
      const nodeName = `n${random.below(9)}`
      if (what < 0.3) snapshot.addPod(key, pod, nodeName)
      else if (what < 0.4) snapshot.removePod(key)
      else if (what < 0.6) nominations.set({ key, pod, nodeName, priority: priorities[which]! })
      else if (what < 0.7) nominations.delete(key)
      else if (what < 0.75) snapshot.setNode(randomNode(random, nodeName))
      else if (what < 0.77) snapshot.removeNode(nodeName)
      // The second looks like the first, but what is kept for the first is not kept for it.
      for (const asking of [key, `${key}-other`]) {
        const target = { key: asking, pod, priority: priorities[which]! }
        assert.equal(answer(core, target), answer(coreOf({ snapshot, nominations }), target), `step ${i}`)
      }
    }
  })
}

test('a question asked as if nominated pods were there changes nothing that others look at again', () => {
  const core = coreOf()
  const random = seededRandom(1)
  for (let i = 0; i < 4; i++) core.snapshot.setNode(randomNode(random, `n${i}`))
  const pod = randomPod(random, 'p')
  for (let i = 0; i < 4; i++) core.nominations.set({ key: `default/kept${i}`, pod, nodeName: `n${i}`, priority: 100 })
  answer(core, { key: 'default/p', pod, priority: 1 })
  const { position } = core.snapshot
  answer(core, { key: 'default/q', pod, priority: 1 })
  assert.equal(core.snapshot.position, position)
})
