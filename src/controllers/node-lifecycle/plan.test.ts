import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toTime } from '../../base/clock.ts'
import type { Node, Pod, Taint, Toleration } from '../../kinds/generated/types/core-v1.ts'
import { evictionTimeMs } from '../taint-eviction/plan.ts'
import { evictionRate } from './eviction-rate.ts'
import { planNode, withNoExecute } from './plan.ts'

const nowMs = Date.UTC(2026, 0, 2)

const node = (conditions: Record<string, string>, taints: Taint[] = [], unschedulable = false): Node => ({
  metadata: { name: 'n', uid: 'n' },
  spec: { taints, ...(unschedulable ? { unschedulable } : {}) },
  status: { conditions: Object.entries(conditions).map(([type, status]) => ({ type, status })) },
})
const healthy = { Ready: 'True', MemoryPressure: 'False', DiskPressure: 'False', PIDPressure: 'False' }
const noSchedule = (key: string): Taint => ({ key: `node.kubernetes.io/${key}`, effect: 'NoSchedule' })

const cases: [
  string,
  Node,
  number,
  { health: string; unknown?: number; taints?: string[] | undefined; noExecute?: string; wait?: number | undefined },
][] = [
  ['is left alone while it speaks', node(healthy), 10_000, { health: 'ready', wait: 40_000 }],
  [
    'becomes Unknown after 50 s of silence',
    node(healthy),
    50_000,
    { health: 'unknown', unknown: 4, taints: ['unreachable'], noExecute: 'unreachable' },
  ],
  ['gets 60 s when it never spoke', node({}), 45_000, { health: 'unknown', wait: 15_000 }],
  [
    'is given up when it never spoke for 60 s',
    node({}),
    60_000,
    { health: 'unknown', unknown: 4, taints: ['unreachable'], noExecute: 'unreachable' },
  ],
  [
    'is tainted when it says that it is not ready',
    node({ ...healthy, Ready: 'False' }),
    0,
    { health: 'not-ready', taints: ['not-ready'], noExecute: 'not-ready', wait: 50_000 },
  ],
  [
    'is tainted under pressure',
    node({ ...healthy, DiskPressure: 'True' }),
    0,
    { health: 'ready', taints: ['disk-pressure'], wait: 50_000 },
  ],
  ['is tainted when it is cordoned', node(healthy, [], true), 0, { health: 'ready', taints: ['unschedulable'], wait: 50_000 }],
  ['loses its taint when it is well again', node(healthy, [noSchedule('unreachable')]), 0, { health: 'ready', taints: [], wait: 50_000 }],
  [
    'keeps strange taints',
    node({ ...healthy, Ready: 'False' }, [{ key: 'own', effect: 'NoSchedule' }]),
    0,
    { health: 'not-ready', taints: ['own', 'not-ready'], noExecute: 'not-ready', wait: 50_000 },
  ],
  [
    'is written once only',
    node({ Ready: 'Unknown', MemoryPressure: 'Unknown', DiskPressure: 'Unknown', PIDPressure: 'Unknown' }, [noSchedule('unreachable')]),
    99_000,
    { health: 'unknown', noExecute: 'unreachable' },
  ],
]
for (const [title, input, silentMs, expected] of cases)
  test(`a node ${title}`, () => {
    const plan = planNode({ node: input, silentMs }, nowMs)
    assert.equal(plan.health, expected.health)
    assert.equal(plan.conditions?.filter(({ status }) => status === 'Unknown').length, expected.unknown)
    assert.deepEqual(
      plan.noScheduleTaints?.map(({ key }) => key.replace('node.kubernetes.io/', '')),
      expected.taints,
    )
    assert.equal(plan.noExecute?.key.replace('node.kubernetes.io/', ''), expected.noExecute)
    assert.equal(plan.requeueAfterMs, expected.wait)
  })

const told: [string, Node, number, { hasFallenSilent: boolean; isLost: boolean }][] = [
  ['that is well', node(healthy), 0, { hasFallenSilent: false, isLost: false }],
  ['that falls silent', node(healthy), 50_000, { hasFallenSilent: true, isLost: true }],
  ['that says that it is not ready', node({ ...healthy, Ready: 'False' }), 0, { hasFallenSilent: false, isLost: false }],
  ['that said so and falls silent', node({ ...healthy, Ready: 'False' }), 50_000, { hasFallenSilent: false, isLost: true }],
  ['that never spoke', node({}), 60_000, { hasFallenSilent: false, isLost: false }],
]
for (const [title, input, silentMs, expected] of told)
  test(`of a node ${title} its silence is told, and its pods are lost: ${expected.hasFallenSilent}, ${expected.isLost}`, () => {
    const { hasFallenSilent, isLost } = planNode({ node: input, silentMs }, nowMs)
    assert.deepEqual({ hasFallenSilent, isLost }, expected)
  })

test('how long a node may be silent can be chosen', () => {
  const health = (silentMs: number, graceMs: number) => planNode({ node: node(healthy), silentMs, graceMs }, nowMs).health
  assert.deepEqual([health(19_999, 20_000), health(20_000, 20_000), health(50_000, 90_000)], ['ready', 'unknown', 'ready'])
})

test('the NoExecute taint follows the kind of illness', () => {
  const first = withNoExecute([], 'node.kubernetes.io/not-ready', nowMs)!
  assert.deepEqual(first, [{ key: 'node.kubernetes.io/not-ready', effect: 'NoExecute', timeAdded: toTime(nowMs) }])
  assert.equal(withNoExecute(first, 'node.kubernetes.io/not-ready', nowMs), undefined)
  assert.deepEqual(
    withNoExecute(first, 'node.kubernetes.io/unreachable', nowMs)?.map(({ key }) => key),
    ['node.kubernetes.io/unreachable'],
  )
  assert.deepEqual(withNoExecute(first, undefined, nowMs), [])
})

test('nodes are given up one in ten seconds, and none when most seem dead', () => {
  const rate = evictionRate()
  const one = (nodes: number, unhealthy: number, nowMs: number) => rate.take('a', new Map([['a', { nodes, unhealthy }]]), nowMs)
  assert.equal(one(10, 2, 100), 0)
  assert.equal(one(10, 2, 100), 10_000)
  assert.equal(one(10, 2, 10_100), 0)
  assert.equal(one(10, 6, 99_999), Number.POSITIVE_INFINITY)
  assert.equal(one(1, 1, 99_999), Number.POSITIVE_INFINITY)
  assert.equal(one(3, 2, 99_999), 0)
})

test('zones are judged each by itself: one may be dead, not all; a large one goes on slowly', () => {
  const rate = evictionRate()
  const take = (zones: Record<string, [number, number]>, zone: string, nowMs: number) =>
    rate.take(zone, new Map(Object.entries(zones).map(([name, [nodes, unhealthy]]) => [name, { nodes, unhealthy }])), nowMs)
  assert.equal(take({ a: [5, 5], b: [5, 0] }, 'a', 0), 0)
  assert.equal(take({ a: [5, 5], b: [5, 1] }, 'b', 0), 0, 'a rate of its own')
  assert.equal(take({ a: [5, 5], b: [5, 5] }, 'a', 50_000), Number.POSITIVE_INFINITY)
  assert.equal(take({ a: [5, 3], b: [5, 0] }, 'a', 50_000), Number.POSITIVE_INFINITY)
  assert.equal(take({ a: [60, 40], b: [5, 0] }, 'a', 50_000), 50_000)
  assert.equal(take({ a: [60, 40], b: [5, 0] }, 'a', 100_000), 0)
  assert.equal(take({ a: [40, 30], b: [60, 0] }, 'a', 500_000), Number.POSITIVE_INFINITY, 'a small zone of a large cluster')
})

test('operators set the rates and what they hang on', () => {
  const rate = evictionRate({ perSecond: 2, secondaryPerSecond: 0.5, unhealthyShare: 0.3, smallZoneMax: 9 })
  const take = (nodes: number, unhealthy: number, nowMs: number) =>
    rate.take(
      'a',
      new Map([
        ['a', { nodes, unhealthy }],
        ['b', { nodes: 1, unhealthy: 0 }],
      ]),
      nowMs,
    )
  assert.equal(take(10, 2, 0), 0)
  assert.equal(take(10, 2, 0), 500)
  assert.equal(take(10, 3, 0), 2_000)
  assert.equal(take(9, 3, 0), Number.POSITIVE_INFINITY)
  assert.equal(evictionRate({ perSecond: 0 }).take('a', new Map([['a', { nodes: 2, unhealthy: 1 }]]), 0), Number.POSITIVE_INFINITY)
})

const unreachable: Taint = { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute', timeAdded: toTime(nowMs - 10_000) }
const evictions: [string, Toleration[], Taint[], number | 'never'][] = [
  ['stays without taints', [], [], 'never'],
  ['goes at once when it tolerates nothing', [], [unreachable], nowMs],
  ['stays when it tolerates it for ever', [{ key: unreachable.key, operator: 'Exists', effect: 'NoExecute' }], [unreachable], 'never'],
  [
    'goes when its toleration ends',
    [{ key: unreachable.key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }],
    [unreachable],
    nowMs + 290_000,
  ],
  [
    'goes when the first toleration that matches ends, as upstream has it',
    [
      { operator: 'Exists', tolerationSeconds: 300 },
      { operator: 'Exists', tolerationSeconds: 30 },
    ],
    [unreachable],
    nowMs + 290_000,
  ],
  ['takes no notice of NoSchedule', [], [noSchedule('unreachable')], 'never'],
  [
    'must tolerate every taint',
    [{ key: unreachable.key, operator: 'Exists' }],
    [unreachable, { key: 'own', value: 'x', effect: 'NoExecute' }],
    nowMs,
  ],
  ['tolerates by value', [{ key: 'own', value: 'x' }], [{ key: 'own', value: 'x', effect: 'NoExecute' }], 'never'],
]
for (const [title, tolerations, taints, expected] of evictions)
  test(`a pod ${title}`, () => {
    const pod: Pod = { metadata: {}, spec: { containers: [], tolerations } }
    assert.equal(evictionTimeMs(pod, { metadata: {}, spec: { taints } }, nowMs), expected)
  })
