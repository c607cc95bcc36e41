import assert from 'node:assert/strict'
import { it } from 'node:test'
import { silentLog } from '../base/log.ts'
import { virtualClock } from '../platform/virtual-clock.ts'
import { startCompactor } from './compactor.ts'
import { committed, put } from './conformance.ts'
import { createMemoryStore } from './memory.ts'

it('keeps one period of history', async () => {
  const clock = virtualClock()
  const store = createMemoryStore({ clock })
  const stop = startCompactor({ store, clock, log: silentLog, keepMs: 1000 })
  const seen: number[] = []
  for (let period = 0; period < 4; period++) {
    for (let i = 0; i < 10; i++) await committed(store, put('a', `${i}`))
    await clock.advance(1000)
    seen.push(store.compactRevision)
  }
  assert.deepEqual(seen, [0, 10, 20, 30])
  stop()
  assert.equal(clock.pendingTimers(), 0)
})
