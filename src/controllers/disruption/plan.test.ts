import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toTime } from '../../base/clock.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { PodDisruptionBudget, PodDisruptionBudgetSpec, PodDisruptionBudgetStatus } from '../../kinds/generated/types/policy-v1.ts'
import { type Observed, planBudget } from './plan.ts'

const nowMs = Date.UTC(2026, 0, 2)
const budget = (spec: PodDisruptionBudgetSpec, status?: PodDisruptionBudgetStatus): PodDisruptionBudget => ({
  metadata: { name: 'b', namespace: 'd', generation: 2 },
  spec,
  ...(status ? { status } : {}),
})
const pods = (healthy: number, sick = 0): Pod[] =>
  Array.from({ length: healthy + sick }, (_, i) => ({
    metadata: { name: `p${i}` },
    status: { phase: 'Running' as const, conditions: [{ type: 'Ready', status: i < healthy ? 'True' : 'False' }] },
  }))

const cases: [string, PodDisruptionBudgetSpec, Pod[], Observed['expectedByControllers'], [number, number, number, number]][] = [
  ['minAvailable counts the pods that are there', { minAvailable: 2 }, pods(3, 1), { count: 9 }, [4, 2, 3, 1]],
  ['minAvailable may ask for more than there are', { minAvailable: 5 }, pods(3), { count: 3 }, [3, 5, 3, 0]],
  ['a percentage is of what the controllers want, rounded up', { minAvailable: '50%' }, pods(5), { count: 5 }, [5, 3, 5, 2]],
  ['maxUnavailable is taken from what the controllers want', { maxUnavailable: 1 }, pods(3, 1), { count: 4 }, [4, 3, 3, 0]],
  ['a percentage of maxUnavailable is rounded up', { maxUnavailable: '30%' }, pods(10), { count: 10 }, [10, 7, 10, 3]],
  ['nothing wanted allows nothing', { maxUnavailable: 1 }, [], { count: 0 }, [0, 0, 0, 0]],
]
for (const [title, spec, selected, expectedByControllers, expected] of cases)
  test(title, () => {
    const { status } = planBudget({ budget: budget(spec), pods: selected, expectedByControllers }, nowMs)
    const { expectedPods, desiredHealthy, currentHealthy, disruptionsAllowed, conditions } = status!
    assert.deepEqual([expectedPods, desiredHealthy, currentHealthy, disruptionsAllowed], expected)
    assert.equal(conditions?.[0]?.reason, expected[3] > 0 ? 'SufficientPods' : 'InsufficientPods')
    assert.equal(planBudget({ budget: budget(spec, status), pods: selected, expectedByControllers }, nowMs + 5_000).status, undefined)
  })

test('a granted eviction counts as unhealthy until it happened or two minutes have passed', () => {
  const disruptedPods = { p0: toTime(nowMs - 30_000), p9: toTime(nowMs), p1: toTime(nowMs - 200_000) }
  const plan = planBudget(
    { budget: budget({ minAvailable: 1 }, { disruptedPods }), pods: pods(3), expectedByControllers: { count: 3 } },
    nowMs,
  )
  assert.deepEqual([plan.status?.currentHealthy, plan.status?.disruptionsAllowed], [2, 1])
  assert.deepEqual(Object.keys(plan.status?.disruptedPods ?? {}), ['p0'])
  assert.equal(plan.requeueAfterMs, 90_000)
})

test('pods without a controller that scales forbid every disruption, and it is said once', () => {
  const error = { error: 'found no controller ref for pod "p0"' }
  const first = planBudget({ budget: budget({ maxUnavailable: 1 }), pods: pods(1), expectedByControllers: error }, nowMs)
  assert.deepEqual([first.status?.disruptionsAllowed, first.status?.conditions?.[0]?.reason], [0, 'SyncFailed'])
  assert.equal(first.event?.reason, 'CalculateExpectedPodCountFailed')
  assert.equal(
    planBudget({ budget: budget({ maxUnavailable: 1 }, first.status), pods: pods(1), expectedByControllers: error }, nowMs).event,
    undefined,
  )
})
