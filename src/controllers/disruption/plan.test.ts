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
  assert.deepEqual(
    plan.notDeleted.map(({ metadata }) => metadata.name),
    ['p1'],
  )
})

const failing = { error: 'configmaps does not implement the scale subresource' }
const told: [string, PodDisruptionBudgetSpec, Pod[], Observed['expectedByControllers'], string[]][] = [
  ['nothing to tell', { maxUnavailable: 1 }, pods(1), { count: 1, unmanaged: [] }, []],
  ['no pods', { maxUnavailable: 1 }, [], { count: 0 }, ['Normal NoPods: No matching pods found']],
  [
    'a controller that does not scale',
    { maxUnavailable: 1 },
    pods(1),
    failing,
    [
      'Warning CalculateExpectedPodCountFailed: Failed to calculate the number of expected pods: configmaps does not implement the scale subresource',
    ],
  ],
  [
    'pods without a controller',
    {
      maxUnavailable: 1,
      selector: { matchLabels: { b: '2', a: '1' }, matchExpressions: [{ key: 'c', operator: 'In', values: ['x', 'y'] }] },
    },
    pods(1),
    { count: 0, unmanaged: ['p0'] },
    [
      'Warning UnmanagedPods: Pods selected by this PodDisruptionBudget (selector: &LabelSelector{MatchLabels:map[string]string{a: 1,b: 2,},' +
        'MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:c,Operator:In,Values:[x y],},},}) were found to be unmanaged. ' +
        'As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. ' +
        'To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.',
    ],
  ],
]
for (const [title, spec, selected, expectedByControllers, expected] of told)
  test(`events: ${title}`, () => {
    const { events } = planBudget({ budget: budget(spec), pods: selected, expectedByControllers }, nowMs)
    assert.deepEqual(
      events.map(({ type, reason, message }) => `${type} ${reason}: ${message}`),
      expected,
    )
  })

test('pods whose controller does not scale forbid every disruption', () => {
  const observed = { budget: budget({ maxUnavailable: 1 }), pods: pods(1), expectedByControllers: failing }
  const { status } = planBudget(observed, nowMs)
  const [condition] = status?.conditions ?? []
  assert.deepEqual([status?.disruptionsAllowed, condition?.reason, condition?.message], [0, 'SyncFailed', failing.error])
  assert.deepEqual([status?.observedGeneration, condition?.observedGeneration], [undefined, undefined], 'nothing was observed')
  assert.equal(planBudget({ ...observed, budget: budget({ maxUnavailable: 1 }, status) }, nowMs).status, undefined)
})

test('pods without a controller are counted as healthy and not as wanted', () => {
  const { status } = planBudget(
    { budget: budget({ maxUnavailable: 1 }), pods: pods(2), expectedByControllers: { count: 0, unmanaged: ['p0'] } },
    nowMs,
  )
  assert.deepEqual([status?.expectedPods, status?.currentHealthy, status?.disruptionsAllowed], [0, 2, 0])
})
