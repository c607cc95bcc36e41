import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../platform/virtual-clock.ts'
import { WorkQueue } from './work-queue.ts'

function harness(options: { concurrency?: number; minIntervalMs?: number; workMs?: number } = {}) {
  const clock = virtualClock()
  const startMs = clock.monotonicMs()
  const trace: string[] = []
  const active = new Map<string, number>()
  let activeMax = 0
  const queue = new WorkQueue({
    clock,
    concurrency: options.concurrency ?? 2,
    minIntervalMs: () => options.minIntervalMs ?? 0,
    work: async (key) => {
      active.set(key, (active.get(key) ?? 0) + 1)
      assert.equal(active.get(key), 1, `${key} runs twice at the same time`)
      activeMax = Math.max(
        activeMax,
        [...active.values()].reduce((a, b) => a + b, 0),
      )
      trace.push(`${clock.monotonicMs() - startMs}:${key}`)
      if (options.workMs) await new Promise<void>((resolve) => clock.schedule(options.workMs ?? 0, resolve))
      active.set(key, 0)
    },
  })
  return { clock, queue, trace, activeMax: () => activeMax }
}

test('holds a key once and waits for start', async () => {
  const { queue, clock, trace } = harness()
  for (const key of ['a', 'b', 'a', 'a']) queue.add(key)
  assert.equal(queue.depth, 2)
  queue.start()
  await clock.settle()
  assert.deepEqual(trace, ['0:a', '0:b'])
  assert.equal(queue.isIdle, true)
})

test('a key added while it is worked on comes again once, afterwards', async () => {
  const { queue, clock, trace } = harness({ workMs: 10 })
  queue.start()
  queue.add('a')
  queue.add('a')
  queue.add('a')
  await clock.advance(100)
  assert.deepEqual(trace, ['0:a', '10:a'])
})

test('never works on more keys than it may', async () => {
  const { queue, clock, trace, activeMax } = harness({ workMs: 10, concurrency: 3 })
  queue.start()
  for (let i = 0; i < 20; i++) queue.add(`k${i}`)
  await clock.advance(1_000)
  assert.equal(trace.length, 20)
  assert.equal(activeMax(), 3)
})

test('backs off from 5 ms, doubling, until it is forgotten', async () => {
  const { queue, clock, trace } = harness()
  queue.start()
  for (let i = 0; i < 4; i++) {
    queue.addRateLimited('a')
    await clock.runUntil(() => trace.length > i, 10_000)
  }
  queue.forget('a')
  queue.addRateLimited('a')
  await clock.advance(1_000)
  assert.deepEqual(trace, ['5:a', '15:a', '35:a', '75:a', '80:a'])
})

test('the earliest of several delays counts, and an immediate add overtakes it', async () => {
  const { queue, clock, trace } = harness()
  queue.start()
  queue.addAfter('a', 50)
  queue.addAfter('a', 20)
  queue.addAfter('a', 90)
  queue.addAfter('b', 500)
  await clock.advance(30)
  queue.add('b')
  await clock.advance(1_000)
  assert.deepEqual(trace, ['20:a', '30:b'])
  assert.equal(clock.pendingTimers(), 0)
})

test('a burst of changes is looked at together, the first at once', async () => {
  const { queue, clock, trace } = harness({ minIntervalMs: 20 })
  queue.start()
  for (let i = 0; i < 10; i++) {
    queue.add('a')
    await clock.advance(4)
  }
  await clock.advance(100)
  assert.deepEqual(trace, ['0:a', '20:a', '40:a'])
})

test('stop drops what waits and resolves when the last work is done', async () => {
  const { queue, clock, trace } = harness({ workMs: 10, concurrency: 1 })
  queue.start()
  queue.add('a')
  queue.add('b')
  queue.addAfter('c', 5)
  let isStopped = false
  const stopping = queue.stop().then(() => (isStopped = true))
  await clock.settle()
  assert.equal(isStopped, false)
  await clock.advance(50)
  await stopping
  assert.deepEqual(trace, ['0:a'])
})

test('tells how long it has worked on what is not done', async () => {
  const { queue, clock } = harness({ workMs: 10_000 })
  queue.add('a')
  queue.start()
  await clock.advance(2_000)
  queue.add('b')
  await clock.advance(1_000)
  assert.deepEqual(queue.activeSeconds(), { all: 4, longest: 3 })
  await clock.advance(20_000)
  assert.deepEqual(queue.activeSeconds(), { all: 0, longest: 0 })
})
