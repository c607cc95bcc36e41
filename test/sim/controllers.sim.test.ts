/** Every controller, one after the other: killed after each of its writes, with watches that end or lag, it ends where it would have. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allControllers } from '../../src/controllers/all.ts'
import { clusterScenarios } from './cluster-scenarios.ts'
import { type Disturbance, type Life, live, type Scenario } from './controller-life.ts'
import { assertSameEnd } from './end-state.ts'
import { workloadScenarios } from './workload-scenarios.ts'

/** More than so many writes are tried at evenly spaced ones; `KEELSON_SIM_CRASHES=1000` tries every one. */
const crashesMax = Number(process.env.KEELSON_SIM_CRASHES ?? 4)

const scenarios: Readonly<Record<string, Scenario>> = { ...workloadScenarios, ...clusterScenarios }
const signed = '-----BEGIN CERTIFICATE-----\nU0lHTkVE\n-----END CERTIFICATE-----\n'
/** A year of unused tokens would be hundreds of days under faults. */
const settings = { legacyTokenUnusedMs: 86_400_000 }
const controllers = () => allControllers({ rootCaPem: 'CA', signCertificate: () => signed, issueSecretToken: () => 'TOKEN', settings })

const disturbances: Readonly<Record<string, Disturbance>> = {
  'watches that end, break and expire': { faults: { watch: 0.2, read: 0.05 } },
  'watches that lag by two seconds': { watchLagMs: 2_000 },
  'writes that are refused, fail or lose their answer': { faults: { conflict: 0.15, before: 0.15, after: 0.15 } },
}

test('every controller is in some scenario', () => {
  const tried = new Set(Object.values(scenarios).flatMap((scenario) => scenario.of))
  const names = controllers().map(({ name }) => name)
  assert.deepEqual([...tried].sort(), names.sort())
})

for (const [title, scenario] of Object.entries(scenarios)) {
  const lifeUnder = (disturbance?: Disturbance): Promise<Life> =>
    live(scenario, () => controllers().filter(({ name }) => scenario.of.includes(name)), disturbance)
  test(title, async (t) => {
    const undisturbed = await lifeUnder()
    await t.test('at rest nothing is left to write, for a new process either', () => {
      assert.ok(undisturbed.writes > 0, 'the controllers did something')
      assert.equal(undisturbed.writesAfterRestart, 0)
    })
    await t.test('the same life again writes the same in the same order', async () => {
      assert.deepEqual((await lifeUnder()).trace, undisturbed.trace)
    })
    await t.test('another process goes on after each write', async () => {
      for (const write of spread(undisturbed.writes, crashesMax)) {
        const life = await lifeUnder({ crashAfterWrite: write })
        assert.equal(life.crashes, 1, `write ${write} of ${undisturbed.writes} was not reached`)
        inContext(`after write ${write} of ${undisturbed.writes}`, () => assertSameEnd(life.end, undisturbed.end))
      }
    })
    for (const [what, disturbance] of Object.entries(disturbances))
      await t.test(what, async () => {
        const life = await lifeUnder(disturbance)
        assertSameEnd(life.end, undisturbed.end)
        assert.equal(life.writesAfterRestart, 0)
      })
  })
}

/** 1 to `count`, or `max` numbers of them, the first and the last among these. */
function spread(count: number, max: number): readonly number[] {
  if (count <= max) return Array.from({ length: count }, (_, i) => i + 1)
  return Array.from({ length: max }, (_, i) => 1 + Math.round((i * (count - 1)) / (max - 1)))
}

function inContext(what: string, check: () => void): void {
  try {
    check()
  } catch (error) {
    throw new Error(what, { cause: error })
  }
}
