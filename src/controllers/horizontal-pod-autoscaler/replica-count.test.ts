import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toTime } from '../../base/clock.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { averageReplicas, perReplicaReplicas, type PodMetric, utilizationReplicas, valueReplicas } from './replica-count.ts'

const nowMs = Date.UTC(2026, 0, 2)
const tolerance = { up: 0.1, down: 0.1 }

type PodRow = {
  /** Milli-CPU requested; default 1000. */
  readonly request?: number | undefined
  readonly phase?: 'Running' | 'Pending' | 'Failed'
  readonly isReady?: boolean
  readonly isDeleted?: boolean
  /** Seconds since its start, and since its readiness changed. */
  readonly startedAgo?: number
  readonly changedAgo?: number
}

function pods(rows: readonly PodRow[]): Pod[] {
  return rows.map((row, i) => {
    const { request = 1000, phase = 'Running', isReady = true, isDeleted = false, startedAgo = 3600, changedAgo = 3500 } = row
    return {
      metadata: { name: `p${i}`, ...(isDeleted ? { deletionTimestamp: 't' } : {}) },
      spec: {
        containers: [
          { name: 'c', ...('request' in row && row.request === undefined ? {} : { resources: { requests: { cpu: `${request}m` } } }) },
        ],
      },
      status: {
        phase,
        startTime: toTime(nowMs - startedAgo * 1000),
        conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False', lastTransitionTime: toTime(nowMs - changedAgo * 1000) }],
      },
    }
  })
}

/** A figure a pod, in order; undefined: none. */
function metricsOf(values: readonly (number | undefined)[]): Map<string, PodMetric> {
  const metrics = new Map<string, PodMetric>()
  for (const [i, milli] of values.entries()) if (milli !== undefined) metrics.set(`p${i}`, { milli, atMs: nowMs, windowMs: 60_000 })
  return metrics
}

const utilizations: readonly [
  string,
  { rows: readonly PodRow[]; use: readonly (number | undefined)[]; target: number },
  number | string,
][] = [
  ['more use than wanted asks for more pods', { rows: [{}, {}, {}], use: [300, 500, 700], target: 30 }, 5],
  ['less use asks for fewer', { rows: [{}, {}, {}, {}, {}], use: [100, 300, 500, 250, 250], target: 50 }, 3],
  ['close enough changes nothing', { rows: [{}, {}, {}], use: [1010, 1030, 1020], target: 100 }, 3],
  ['a tenth above is still close enough', { rows: [{}, {}, {}, {}, {}, {}, {}, {}, {}, {}], use: Array(10).fill(1100), target: 100 }, 10],
  [
    'a pod that starts is idle when more are wanted',
    { rows: [{ isReady: false, startedAgo: 60, changedAgo: 60 }, {}, {}], use: [undefined, 500, 700], target: 30 },
    4,
  ],
  [
    'a pod that waits for its node is idle when more are wanted',
    { rows: [{ phase: 'Pending' }, {}, {}], use: [undefined, 500, 700], target: 30 },
    4,
  ],
  [
    'a pod that starts does not count when fewer are wanted',
    { rows: [{ phase: 'Pending' }, {}, {}, {}], use: [undefined, 100, 100, 100], target: 50 },
    1,
  ],
  [
    'an old pod that lost its readiness counts',
    { rows: [{ isReady: false, changedAgo: 10 }, {}, {}], use: [300, 500, 700], target: 30 },
    5,
  ],
  [
    'failed and ending pods do not count',
    { rows: [{ phase: 'Failed' }, { isDeleted: true }, {}, {}], use: [900, 900, 500, 700], target: 50 },
    3,
  ],
  ['a missing figure is full use when fewer are wanted', { rows: [{}, {}, {}, {}], use: [100, 100, 100, undefined], target: 50 }, 3],
  ['a missing figure is no use when more are wanted', { rows: [{}, {}, {}], use: [1000, 1000, undefined], target: 50 }, 4],
  ['missing figures never turn the direction', { rows: [{}, {}, {}], use: [400, undefined, undefined], target: 50 }, 3],
  ['requests count, not the number of pods', { rows: [{ request: 100 }, { request: 100 }], use: [60, 100], target: 40 }, 4],
  [
    'a container without a request is told',
    { rows: [{ request: undefined }, {}], use: [1, 1], target: 50 },
    'missing request for cpu in container c of Pod p0',
  ],
  ['no pods', { rows: [], use: [], target: 50 }, 'no pods returned by selector while calculating replica count'],
  ['no figures', { rows: [{}], use: [], target: 50 }, 'did not receive metrics for targeted pods (pods might be unready)'],
]
for (const [title, { rows, use, target }, expected] of utilizations)
  test(`utilisation: ${title}`, () => {
    const found = utilizationReplicas(
      { pods: pods(rows), metrics: metricsOf(use), resource: 'cpu', currentReplicas: rows.length, tolerance, targetPercent: target },
      nowMs,
    )
    assert.equal('error' in found ? found.error : found.replicas, expected)
  })

test('a container of its own is compared with its own request', () => {
  const [pod] = pods([{}])
  const two: Pod = { ...pod!, spec: { containers: [...pod!.spec!.containers, { name: 'side', resources: { requests: { cpu: '100m' } } }] } }
  const found = utilizationReplicas(
    { pods: [two], metrics: metricsOf([90]), resource: 'cpu', currentReplicas: 1, tolerance, targetPercent: 30, container: 'side' },
    nowMs,
  )
  assert.deepEqual(found, { replicas: 3, averageMilli: 90, utilizationPercent: 90 })
})

const averages: readonly [string, { rows: readonly PodRow[]; use: readonly (number | undefined)[]; target: number }, number][] = [
  ['more', { rows: [{}, {}, {}], use: [20_000, 10_000, 30_000], target: 15_000 }, 4],
  ['fewer', { rows: [{}, {}, {}, {}, {}], use: [12_000, 12_000, 12_000, 12_000, 12_000], target: 20_000 }, 3],
  [
    'an unready pod counts, for only CPU tells nothing at the start',
    { rows: [{ isReady: false, startedAgo: 5, changedAgo: 5 }, {}], use: [40_000, 40_000], target: 20_000 },
    4,
  ],
  ['a missing figure is the target when fewer are wanted', { rows: [{}, {}, {}], use: [5_000, 5_000, undefined], target: 20_000 }, 2],
]
for (const [title, { rows, use, target }, expected] of averages)
  test(`average: ${title}`, () => {
    const found = averageReplicas(
      { pods: pods(rows), metrics: metricsOf(use), resource: '', currentReplicas: rows.length, tolerance, targetMilli: target },
      nowMs,
    )
    assert.equal('error' in found ? found.error : found.replicas, expected)
  })

test('one value for all: by the ready pods, and from none at all by the ratio itself', () => {
  const of = (currentReplicas: number, valueMilli: number, rows: readonly PodRow[]) =>
    valueReplicas({ pods: pods(rows), currentReplicas, tolerance, valueMilli, targetMilli: 10_000 })
  assert.deepEqual(of(3, 20_000, [{}, {}, { isReady: false }]), { replicas: 4, averageMilli: 20_000 })
  assert.deepEqual(of(3, 10_500, [{}]), { replicas: 3, averageMilli: 10_500 })
  assert.deepEqual(of(0, 25_000, []), { replicas: 3, averageMilli: 25_000 })
  assert.deepEqual(of(1, 25_000, []), {
    error: 'unable to calculate ready pods: no pods returned by selector while calculating replica count',
  })
})

test('a share of one value for each replica', () => {
  assert.deepEqual(perReplicaReplicas({ statusReplicas: 3, tolerance, valueMilli: 40_000, targetMilli: 10_000 }), {
    replicas: 4,
    averageMilli: 13_334,
  })
  assert.equal(perReplicaReplicas({ statusReplicas: 4, tolerance, valueMilli: 42_000, targetMilli: 10_000 }).replicas, 4)
})

test('tolerance may differ up and down', () => {
  const of = (use: number) =>
    averageReplicas(
      {
        pods: pods([{}, {}]),
        metrics: metricsOf([use, use]),
        resource: '',
        currentReplicas: 2,
        tolerance: { up: 0, down: 0.5 },
        targetMilli: 100,
      },
      nowMs,
    )
  assert.deepEqual(
    [of(101), of(51), of(49)].map((found) => ('error' in found ? found.error : found.replicas)),
    [3, 2, 1],
  )
})
