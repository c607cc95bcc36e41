import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PriorityLevelConfiguration } from '../../kinds/generated/types/flowcontrol-v1.ts'
import {
  configure,
  createSeatPool,
  enqueue,
  type Holding,
  leaveQueue,
  release,
  roomOf,
  startNext,
  tryStart,
  type Waiting,
} from './seat-pool.ts'
import { dealHand } from './shuffle-shard.ts'

type Shape = { shares: number; lendable?: number; borrowing?: number; queues?: number; handSize?: number; length?: number }

function level(name: string, { shares, lendable = 0, borrowing, queues = 4, handSize = 1, length = 5 }: Shape): PriorityLevelConfiguration {
  const limitResponse = queues === 0 ? { type: 'Reject' } : { type: 'Queue', queuing: { queues, handSize, queueLengthLimit: length } }
  return {
    metadata: { name },
    spec: {
      type: 'Limited',
      limited: {
        nominalConcurrencyShares: shares,
        lendablePercent: lendable,
        ...(borrowing === undefined ? {} : { borrowingLimitPercent: borrowing }),
        limitResponse,
      },
    },
  }
}

function poolOf(total: number, ...levels: PriorityLevelConfiguration[]) {
  const pool = createSeatPool(total)
  configure(pool, levels)
  return { pool, of: (name: string) => pool.levels.get(name)! }
}

const waitFor = (flow: string, seats = 1): Waiting => ({ flow, seats, queue: undefined })

test('seats are shared out in proportion, rounded up, and lent and borrowed by percent', () => {
  const { of } = poolOf(100, level('a', { shares: 30, lendable: 50 }), level('b', { shares: 60, borrowing: 10 }), level('c', { shares: 7 }))
  assert.deepEqual(of('a').limits, { isExempt: false, nominal: 31, lower: 15, upper: 100 })
  assert.deepEqual(of('b').limits, { isExempt: false, nominal: 62, lower: 62, upper: 68 })
  assert.equal(of('c').limits.nominal, 8)
})

test('a level borrows what others lend and leave free, and never what they keep', () => {
  const { pool, of } = poolOf(100, level('busy', { shares: 50 }), level('idle', { shares: 50, lendable: 60 }))
  assert.equal(roomOf(pool, of('busy')), 80)
  for (let i = 0; i < 60; i++) assert.ok(tryStart(pool, of('busy'), i % 2 ? 'x' : 'y', 1), `seat ${i}`)
  assert.ok(tryStart(pool, of('busy'), 'z', 20))
  assert.equal(tryStart(pool, of('busy'), 'w', 1), undefined, 'the rest is kept for the other level')
  assert.ok(tryStart(pool, of('idle'), 'v', 20), 'which has it at once')
  assert.equal(tryStart(pool, of('idle'), 'u', 1), undefined, 'and waits for what it lent')
})

test('one flow leaves a quarter of the room to others', () => {
  const { pool, of } = poolOf(8, level('a', { shares: 1 }))
  for (let i = 0; i < 6; i++) assert.ok(tryStart(pool, of('a'), 'flood', 1))
  assert.equal(tryStart(pool, of('a'), 'flood', 1), undefined)
  assert.ok(tryStart(pool, of('a'), 'other', 1))
})

test('whoever is alone starts, however wide it is', () => {
  const { pool, of } = poolOf(2, level('a', { shares: 1 }))
  assert.ok(tryStart(pool, of('a'), 'x', 10))
})

test('flows are served in turn by the seats and the time that they took', () => {
  const { pool, of } = poolOf(1, level('a', { shares: 1, queues: 64, handSize: 1, length: 100 }))
  let running: Holding | undefined = tryStart(pool, of('a'), 'slow', 1)
  for (let i = 0; i < 20; i++) assert.ok(enqueue(pool, of('a'), waitFor('slow')) && enqueue(pool, of('a'), waitFor('quick')))
  const order: string[] = []
  while (running && order.length < 24) {
    release(pool, running, running.flow === 'slow' ? 30 : 3)
    const next = startNext(pool)
    running = next?.holding
    if (next) order.push(next.waiting.flow)
  }
  const slow = order.slice(0, 20).filter((flow) => flow === 'slow').length
  assert.ok(slow >= 1 && slow <= 3, `ten times the time, a tenth of the turns: ${slow} of 20`)
})

test('a full queue and a level without queues refuse', () => {
  const { pool, of } = poolOf(2, level('queued', { shares: 1, queues: 1, length: 2 }), level('reject', { shares: 1, queues: 0 }))
  assert.ok(tryStart(pool, of('queued'), 'x', 1))
  assert.ok(enqueue(pool, of('queued'), waitFor('x')))
  const second = waitFor('x')
  assert.ok(enqueue(pool, of('queued'), second))
  assert.equal(enqueue(pool, of('queued'), waitFor('x')), false)
  leaveQueue(pool, of('queued'), second)
  assert.ok(enqueue(pool, of('queued'), waitFor('x')), 'who gives up makes place')
  assert.equal(enqueue(pool, of('reject'), waitFor('x')), false)
})

test('who waits is dealt anew when queues change, and a level that is gone ends with its last request', () => {
  const { pool, of } = poolOf(1, level('a', { shares: 1 }))
  const running = tryStart(pool, of('a'), 'x', 1)!
  enqueue(pool, of('a'), waitFor('x'))
  configure(pool, [level('a', { shares: 1, queues: 8, handSize: 2 })])
  assert.equal(of('a').waiting, 1)
  configure(pool, [level('b', { shares: 1 })])
  assert.ok(of('a').isLeaving)
  release(pool, running, 1)
  const next = startNext(pool)!
  assert.equal(next.waiting.flow, 'x')
  release(pool, next.holding, 1)
  assert.deepEqual([...pool.levels.keys()], ['b'])
  assert.equal(pool.waiting, 0)
})

test('hands are dealt without repetition, the same to the same flow, and spread', () => {
  const seen = new Map<number, number>()
  for (let i = 0; i < 2_000; i++) {
    const hand = dealHand(`flow-${i}`, { queues: 64, handSize: 6 })
    assert.equal(new Set(hand).size, 6)
    assert.ok(hand.every((card) => card >= 0 && card < 64))
    for (const card of hand) seen.set(card, (seen.get(card) ?? 0) + 1)
  }
  assert.deepEqual(dealHand('a', { queues: 64, handSize: 6 }), dealHand('a', { queues: 64, handSize: 6 }))
  const counts = [...seen.values()]
  assert.equal(counts.length, 64)
  assert.ok(Math.min(...counts) > 120 && Math.max(...counts) < 260, `${Math.min(...counts)}..${Math.max(...counts)}`)
  assert.equal(new Set(dealHand('a', { queues: 3, handSize: 8 })).size, 3)
})
