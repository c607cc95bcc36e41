import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../src/base/random.ts'
import { assertSameEnd, assertTidy, endState } from './end-state.ts'
import type { FaultRates } from './faults.ts'
import { busyLife } from './scenario.ts'
import { inWorld, type WorldOptions } from './sim-world.ts'

/** Seeds of a whole run; `KEELSON_SIM_SEEDS=200` takes many more than a commit's check can wait for. */
const seedCount = Number(process.env.KEELSON_SIM_SEEDS ?? 3)
const firstSeed = Number(process.env.KEELSON_SIM_FIRST_SEED ?? 300)

type Outcome = { end: string[]; struck: number; crashes: number; revision: number }

function live(options: WorldOptions): Promise<Outcome> {
  return inWorld(options, async (world) => {
    await busyLife(world, 1_500)
    world.faults.stop()
    await world.untilQuiet()
    await assertTidy(world)
    const struck = [...world.faults.struck.values()].reduce((sum, count) => sum + count, 0)
    return { end: endState(world), struck, crashes: world.crashes, revision: world.trace.at(-1)?.revision ?? 0 }
  })
}

const undisturbed = live({ seed: 1 })

const sorts: readonly { readonly title: string; readonly rates: FaultRates; readonly kept: readonly number[] }[] = [
  // Seed 100: the agent took a refused deletion for a pod that was gone.
  { title: 'writes refused with 409', rates: { conflict: 0.25 }, kept: [100] },
  { title: 'writes that fail and did not happen', rates: { before: 0.2 }, kept: [] },
  { title: 'writes that happened and whose answer is lost', rates: { after: 0.2 }, kept: [] },
  // Seed 209: two deletions at one revision, and the watch was cut between them.
  { title: 'watches that end, break and expire', rates: { watch: 0.1, read: 0.02 }, kept: [209] },
  // Seed 103: a deletion came with the answer to the agent's own write and was never acted on.
  { title: 'watches that lag', rates: { lag: 0.2 }, kept: [103] },
  // Seed 7: a pod's status was never written after a 409.
  { title: 'everything at once', rates: { conflict: 0.06, before: 0.06, after: 0.06, read: 0.02, watch: 0.03, lag: 0.05 }, kept: [7] },
]

for (const { title, rates, kept } of sorts) {
  test(`the end is that of an undisturbed life: ${title}`, async () => {
    const { end } = await undisturbed
    for (const seed of [...kept, ...Array.from({ length: seedCount }, (_, i) => firstSeed + i)]) {
      try {
        const disturbed = await live({ seed, faults: rates })
        assert.ok(disturbed.struck > 20, `only ${disturbed.struck} faults`)
        assertSameEnd(disturbed.end, end)
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error })
      }
    }
  })
}

test('a control plane that is killed between any two writes ends where it would have', async () => {
  const { end } = await undisturbed
  for (let seed = firstSeed; seed < firstSeed + seedCount * 2; seed++) {
    try {
      const random = seededRandom(seed)
      let at = 20
      const crashAfterWrites = Array.from({ length: 12 }, () => (at += 1 + random.below(40)))
      const killed = await live({ seed, crashAfterWrites })
      assert.ok(killed.crashes >= 5, `only ${killed.crashes} crashes`)
      assertSameEnd(killed.end, end)
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
  }
})
