import { test } from 'node:test'
import assert from 'node:assert/strict'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { createIdleSockets } from './idle-sockets.ts'

function setUp() {
  const clock = virtualClock()
  const closed: string[] = []
  const socket = (name: string) => ({ destroy: () => void closed.push(name) })
  return { clock, closed, socket, idle: createIdleSockets(clock, 1_000) }
}

test('closes what nothing was asked of for long, and nothing else', async () => {
  const { clock, closed, socket, idle } = setUp()
  const [quiet, busy, used] = [socket('quiet'), socket('busy'), socket('used')]
  for (const one of [quiet, busy, used]) idle.began(one)
  idle.ended(quiet)
  idle.ended(used)
  await clock.advance(900)
  assert.deepEqual(closed, [])
  await clock.advance(900)
  idle.began(used)
  idle.ended(used)
  await clock.advance(300)
  assert.deepEqual(closed, ['quiet'])
  await clock.advance(10_000)
  assert.deepEqual(closed, ['quiet', 'used'])
  idle.ended(busy)
  await clock.advance(2_000)
  assert.deepEqual(closed, ['quiet', 'used', 'busy'])
})

test('keeps no timer without connections', async () => {
  const { clock, socket, idle } = setUp()
  const one = socket('one')
  idle.began(one)
  idle.gone(one)
  await clock.advance(1_000)
  assert.equal(clock.pendingTimers(), 0)
  idle.began(one)
  idle.stop()
  assert.equal(clock.pendingTimers(), 0)
})
