import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../platform/virtual-clock.ts'
import { testPod } from './core/fixtures.ts'
import { EventOutlet, waitingEventsMax } from './event-outlet.ts'
import type { PodEvent } from './event-series.ts'
import { withCluster } from './sim-cluster.ts'

const event = { type: 'Normal', reason: 'Scheduled', action: 'Binding', note: 'm', reporter: 'default-scheduler' } as const

function setUp({ isBusy }: { readonly isBusy: () => boolean }) {
  const clock = virtualClock()
  const told: string[] = []
  const state = { dropped: 0, written: Promise.resolve() }
  const write = (events: readonly PodEvent[]) => {
    told.push(...events.map(({ pod }) => pod.metadata.name ?? ''))
    return state.written
  }
  const outlet = new EventOutlet({ clock, write, isBusy, onDropped: () => void state.dropped++ })
  const add = (count: number, from = 0) => {
    for (let i = from; i < from + count; i++) outlet.add({ pod: testPod({ name: `p${i}` }), ...event })
  }
  return { clock, told, state, outlet, add }
}

test('tells a moment after nothing else is to be done, in the order of what happened', async () => {
  const { clock, told, add } = setUp({ isBusy: () => false })
  add(200)
  await clock.advance(99)
  assert.equal(told.length, 0)
  await clock.advance(1)
  assert.deepEqual(
    told,
    Array.from({ length: 200 }, (_, i) => `p${i}`),
  )
})

test('waits while there is something to decide, until the first quiet moment', async () => {
  let isBusy = true
  const { clock, told, outlet, add } = setUp({ isBusy: () => isBusy })
  add(200)
  await clock.settle()
  assert.equal(told.length, 0)
  isBusy = false
  outlet.idle()
  await clock.advance(100)
  assert.equal(told.length, 200)
})

test('between two waves it waits on, and tells of both together', async () => {
  let isBusy = true
  const { clock, told, outlet, add } = setUp({ isBusy: () => isBusy })
  for (let wave = 0; wave < 5; wave++) {
    isBusy = true
    add(10, wave * 10)
    isBusy = false
    outlet.idle()
    await clock.advance(90)
    assert.equal(told.length, 0)
  }
  await clock.advance(10)
  assert.equal(told.length, 50)
  assert.equal(clock.pendingTimers(), 0)
})

test('waits a second at most for a piece, and with much of it not at all', async () => {
  const { clock, told, add } = setUp({ isBusy: () => true })
  add(200)
  await clock.advance(999)
  assert.equal(told.length, 0)
  await clock.advance(1)
  assert.equal(told.length, 64)
  add(waitingEventsMax / 2, 200)
  await clock.settle()
  assert.equal(told.length > 200, true)
})

test('loses none below its bound, and counts those above', async () => {
  const writing = Promise.withResolvers<void>()
  const { clock, told, state, add } = setUp({ isBusy: () => false })
  state.written = writing.promise
  add(waitingEventsMax + 5)
  assert.equal(state.dropped, 5)
  writing.resolve()
  await clock.advance(100)
  assert.equal(told.length, waitingEventsMax)
})

test('every one of 1,500 pods bound in a burst has its event', () =>
  withCluster(1, async (c) => {
    const count = 1_500
    await c.addNode({ name: 'a', cpu: '10000', pods: '10000' })
    for (let i = 0; i < count; i++) await c.addPod({ name: `p${i}`, requests: { cpu: '1' } })
    await c.until('bound', async () => c.scheduler.metrics.boundCount === count)
    await c.clock.advance(2_000)
    const names = new Set(await c.eventNames())
    assert.equal(names.size, count)
    assert.equal(c.scheduler.metrics.droppedEventCount, 0)
  }))
