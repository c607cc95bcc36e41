import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../platform/virtual-clock.ts'
import { testPod } from './core/fixtures.ts'
import { Snapshot } from './core/snapshot.ts'
import { type QueuedPod, SchedulingQueue } from './queue.ts'

function newQueue() {
  const clock = virtualClock()
  const snapshot = new Snapshot()
  let wakes = 0
  const queue = new SchedulingQueue({ clock, onReady: () => wakes++ })
  const put = (name: string, priority = 0, gated = false) => {
    const pod = testPod({ name, priority, ...(gated ? { spec: { schedulingGates: [{ name: 'g' }] } } : {}) })
    queue.put(name, { pod, shape: snapshot.shapeOf(pod), mayHelp: true })
  }
  const fail = (name: string): QueuedPod => {
    const queued = queue.pop()
    assert.equal(queued?.key, name)
    queue.park(queued!, new Set(['NodeResourcesFit']))
    return queued!
  }
  return { clock, queue, put, fail, wakes: () => wakes }
}

test('gives out by priority, then by age', () => {
  const { queue, put } = newQueue()
  for (const [name, priority] of [
    ['a', 0],
    ['b', 10],
    ['c', 0],
    ['d', 10],
  ] as const)
    put(name, priority)
  assert.deepEqual(
    Array.from({ length: 5 }, () => queue.pop()?.key),
    ['b', 'd', 'a', 'c', undefined],
  )
})

test('a parked pod waits for an event that helps, and for its back-off after it', async () => {
  const { clock, queue, put, fail } = newQueue()
  put('a')
  fail('a')
  queue.wakeIf(() => false)
  assert.deepEqual(queue.counts(), { active: 0, backoff: 0, unschedulable: 1, gated: 0 })
  queue.wakeIf((q) => q.rejectedBy.has('NodeResourcesFit'))
  assert.equal(queue.pop(), undefined)
  await clock.advance(999)
  assert.equal(queue.pop(), undefined)
  await clock.advance(1)
  assert.equal(fail('a').attempts, 2)
})

for (const [attempts, backoffMs] of [
  [1, 1_000],
  [2, 2_000],
  [3, 4_000],
  [4, 8_000],
  [5, 10_000],
  [9, 10_000],
] as const) {
  test(`after ${attempts} attempts it backs off for ${backoffMs} ms`, async () => {
    const { clock, queue, put, fail } = newQueue()
    put('a')
    for (let i = 1; i < attempts; i++) {
      fail('a')
      queue.wakeIf(() => true)
      await clock.advance(10_000)
    }
    fail('a')
    queue.wakeIf(() => true)
    await clock.advance(backoffMs - 1)
    assert.equal(queue.counts().backoff, 1)
    await clock.advance(1)
    assert.equal(queue.counts().active, 1)
  })
}

test('an event after the back-off has passed makes it ready at once', async () => {
  const { clock, queue, put, fail } = newQueue()
  put('a')
  fail('a')
  await clock.advance(5_000)
  queue.wakeIf(() => true)
  assert.equal(queue.pop()?.key, 'a')
})

test('after five minutes it is tried again whatever happened, and nothing ticks while nothing waits', async () => {
  const { clock, queue, put, fail } = newQueue()
  assert.equal(clock.pendingTimers(), 0)
  put('a')
  assert.equal(clock.pendingTimers(), 0)
  fail('a')
  assert.equal(clock.pendingTimers(), 1)
  await clock.advance(299_999)
  assert.equal(queue.pop(), undefined)
  await clock.advance(1)
  assert.equal(queue.pop()?.key, 'a')
  assert.equal(clock.pendingTimers(), 0)
})

test('what has been settled for a pod makes it ready at once, in its back-off too', () => {
  const { queue, put, fail } = newQueue()
  put('a')
  fail('a')
  queue.activate('a')
  fail('a')
  queue.wakeIf(() => true)
  assert.equal(queue.counts().backoff, 1)
  queue.activate('a')
  queue.activate('b')
  assert.equal(queue.pop()?.key, 'a')
  assert.equal(queue.pop(), undefined)
})

test('a removed pod is gone from wherever it was', async () => {
  const { clock, queue, put, fail } = newQueue()
  put('a')
  put('b')
  queue.remove('a')
  fail('b')
  queue.remove('b')
  await clock.advance(600_000)
  assert.equal(queue.pop(), undefined)
  assert.deepEqual(queue.counts(), { active: 0, backoff: 0, unschedulable: 0, gated: 0 })
})

test('a pod that comes back under the same name is tried once', () => {
  const { queue, put } = newQueue()
  put('a')
  queue.remove('a')
  put('a')
  assert.equal(queue.pop()?.key, 'a')
  assert.equal(queue.pop(), undefined)
})

test('a gated pod waits until its gates are gone', () => {
  const { queue, put } = newQueue()
  put('a', 0, true)
  assert.equal(queue.pop(), undefined)
  put('a')
  assert.equal(queue.pop()?.key, 'a')
})
