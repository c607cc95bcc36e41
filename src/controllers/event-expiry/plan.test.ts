import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toTime } from '../../base/clock.ts'
import { planExpiry } from './plan.ts'

const nowMs = Date.UTC(2026, 0, 2)
const minutes = 60_000
const event = (name: string, ageMs: number) => ({ metadata: { name, uid: name, creationTimestamp: toTime(nowMs - ageMs) } })

test('events go an hour after they were last told', () => {
  const told = new Map([['raised', nowMs - 20 * minutes]])
  const plan = planExpiry(
    [event('old', 61 * minutes), event('raised', 300 * minutes), event('new', 30 * minutes)],
    (uid) => told.get(uid),
    nowMs,
  )
  assert.deepEqual(
    plan.expired.map(({ metadata }) => metadata.name),
    ['old'],
  )
  assert.equal(plan.requeueAfterMs, 30 * minutes)
})

test('looks at most once a minute, and not at all when there are none', () => {
  const ask = (...ages: number[]) =>
    planExpiry(
      ages.map((age) => event('e', age)),
      () => undefined,
      nowMs,
    ).requeueAfterMs
  assert.equal(ask(60 * minutes - 1_000), minutes)
  assert.equal(ask(), undefined)
})
