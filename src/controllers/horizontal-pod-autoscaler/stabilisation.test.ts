import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HorizontalPodAutoscalerBehavior, HPAScalingRules } from '../../kinds/generated/types/autoscaling-v2.ts'
import { type Memory, noMemory, normalise } from './stabilisation.ts'

const nowMs = Date.UTC(2026, 0, 2)

type Input = {
  readonly current: number
  readonly wanted: number
  readonly min?: number
  readonly max?: number
  readonly behavior?: HorizontalPodAutoscalerBehavior
  /** [seconds ago, replicas] and [seconds ago, by how many]. */
  readonly recommended?: readonly (readonly [number, number])[]
  readonly changed?: readonly (readonly [number, number])[]
}

const rules = (more: Partial<HPAScalingRules>): HPAScalingRules => ({
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [],
  ...more,
})
const pods = (value: number, periodSeconds = 60) => ({ type: 'Pods', value, periodSeconds })
const percent = (value: number, periodSeconds = 60) => ({ type: 'Percent', value, periodSeconds })
const both = (up: Partial<HPAScalingRules>, down: Partial<HPAScalingRules>) => ({ scaleUp: rules(up), scaleDown: rules(down) })

/** Replicas, the reason of AbleToScale, and that of ScalingLimited where it limits. */
const cases: readonly [string, Input, string][] = [
  ['up within the default pace', { current: 3, wanted: 6 }, '6 ReadyForNewScale'],
  ['up faster than twice is cut', { current: 3, wanted: 20 }, '6 ReadyForNewScale ScaleUpLimit'],
  ['few may become four at once', { current: 1, wanted: 20 }, '4 ReadyForNewScale ScaleUpLimit'],
  ['no more than the maximum', { current: 8, wanted: 20, max: 10 }, '10 ReadyForNewScale TooManyReplicas'],
  ['no fewer than the minimum', { current: 3, wanted: 1, min: 2 }, '2 ReadyForNewScale TooFewReplicas'],
  [
    'down only when nothing higher was asked for in five minutes',
    { current: 5, wanted: 2, recommended: [[200, 4]] },
    '4 ScaleDownStabilized',
  ],
  ['down when that is long ago', { current: 5, wanted: 2, recommended: [[301, 4]] }, '2 ReadyForNewScale'],
  [
    'up by the largest policy',
    { current: 10, wanted: 50, max: 100, behavior: both({ policies: [pods(4), percent(100)] }, {}) },
    '20 ReadyForNewScale ScaleUpLimit',
  ],
  [
    'up by the smallest policy',
    { current: 10, wanted: 50, max: 100, behavior: both({ policies: [pods(4), percent(100)], selectPolicy: 'Min' }, {}) },
    '14 ReadyForNewScale ScaleUpLimit',
  ],
  [
    'what was added in the period counts',
    {
      current: 10,
      wanted: 50,
      max: 100,
      behavior: both({ policies: [pods(4)] }, {}),
      changed: [
        [30, 3],
        [90, 5],
      ],
    },
    '11 ReadyForNewScale ScaleUpLimit',
  ],
  [
    'what was removed in the period counts against it',
    { current: 10, wanted: 50, max: 100, behavior: both({ policies: [pods(4)] }, {}), changed: [[30, -2]] },
    '16 ReadyForNewScale ScaleUpLimit',
  ],
  ['up disabled', { current: 3, wanted: 9, behavior: both({ selectPolicy: 'Disabled' }, {}) }, '3 ReadyForNewScale ScaleUpLimit'],
  [
    'a percentage up is rounded up',
    { current: 1, wanted: 9, behavior: both({ policies: [percent(10)] }, {}) },
    '2 ReadyForNewScale ScaleUpLimit',
  ],
  [
    'down by a percentage, rounded down',
    { current: 10, wanted: 1, behavior: both({}, { policies: [percent(15)] }) },
    '8 ReadyForNewScale ScaleDownLimit',
  ],
  [
    'down by the smallest policy',
    { current: 10, wanted: 1, behavior: both({}, { policies: [percent(50), pods(2)], selectPolicy: 'Min' }) },
    '8 ReadyForNewScale ScaleDownLimit',
  ],
  ['down disabled', { current: 10, wanted: 1, behavior: both({}, { selectPolicy: 'Disabled' }) }, '10 ReadyForNewScale ScaleDownLimit'],
  [
    'up waits for a window too',
    { current: 3, wanted: 9, behavior: both({ stabilizationWindowSeconds: 60, policies: [percent(900)] }, {}), recommended: [[50, 5]] },
    '5 ScaleUpStabilized',
  ],
  [
    'down of a behavior waits by its own window',
    {
      current: 9,
      wanted: 2,
      behavior: both({}, { stabilizationWindowSeconds: 30, policies: [percent(100)] }),
      recommended: [
        [29, 7],
        [31, 8],
      ],
    },
    '7 ScaleDownStabilized',
  ],
  [
    'a behavior without a window down has the default one',
    {
      current: 9,
      wanted: 2,
      behavior: { scaleUp: rules({}), scaleDown: { selectPolicy: 'Max', policies: [percent(100)] } },
      recommended: [[299, 6]],
    },
    '6 ScaleDownStabilized',
  ],
]
for (const [title, input, expected] of cases)
  test(title, () => {
    const { current, wanted, min = 1, max = 1000, behavior, recommended = [], changed = [] } = input
    const memory: Memory = {
      recommendations: recommended.map(([ago, replicas]) => ({ atMs: nowMs - ago * 1000, replicas })),
      changes: changed.map(([ago, by]) => ({ atMs: nowMs - ago * 1000, by })),
    }
    const found = normalise(behavior, { current, wanted, min, max }, memory, nowMs)
    const limited = found.scalingLimited.status === 'True' ? ` ${found.scalingLimited.reason}` : ''
    assert.equal(`${found.replicas} ${found.ableToScale.reason}${limited}`, expected)
  })

test('what is remembered is bounded by the windows that read it', () => {
  let memory = noMemory
  for (let i = 0; i < 1_000; i++)
    memory = normalise(undefined, { current: 3, wanted: 3, min: 1, max: 9 }, memory, nowMs + i * 15_000).memory
  assert.equal(memory.recommendations.length, 20)
})
