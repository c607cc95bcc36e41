import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchWritesMax } from '../client/contract.ts'
import { TurnBatch } from './turn-batch.ts'

const { signal } = new AbortController()

/** Refuses odd numbers, and all of a call that has a negative one. */
function numbers() {
  const calls: number[][] = []
  const batch = new TurnBatch<number, string>(async (things) => {
    calls.push([...things])
    if (things.some((n) => n < 0)) throw new Error('no call')
    return things.map((n) => (n % 2 === 0 ? { status: 'fulfilled', value: `n${n}` } : { status: 'rejected', reason: `odd ${n}` }))
  })
  return { calls, post: (n: number) => batch.post(n, signal).catch((error: unknown) => String(error)) }
}

test('what is asked in one turn is one call, and each has an answer of its own', async () => {
  const { calls, post } = numbers()
  assert.deepEqual(await Promise.all([post(2), post(3), post(4)]), ['n2', 'odd 3', 'n4'])
  assert.equal(await post(6), 'n6')
  assert.deepEqual(calls, [[2, 3, 4], [6]])
})

test('a full call goes at once, within the turn', async () => {
  const { calls, post } = numbers()
  const all = Array.from({ length: batchWritesMax + 2 }, (_, i) => post(i * 2))
  assert.deepEqual(
    calls.map(({ length }) => length),
    [batchWritesMax],
  )
  await Promise.all(all)
  assert.deepEqual(
    calls.map(({ length }) => length),
    [batchWritesMax, 2],
  )
})

test('a call that fails fails for all of its turn, and for no other', async () => {
  const { post } = numbers()
  assert.deepEqual(await Promise.all([post(-1), post(2)]), ['Error: no call', 'Error: no call'])
  assert.equal(await post(2), 'n2')
})
