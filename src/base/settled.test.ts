import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settledEach } from './settled.ts'

const refusal = new Error('refused')
const work = (thing: string): string => {
  if (thing === 'bad') throw refusal
  return thing.toUpperCase()
}
const expected = [
  { status: 'fulfilled', value: 'A' },
  { status: 'rejected', reason: refusal },
  { status: 'fulfilled', value: 'B' },
]

test('what need not wait is there at once, each with its own outcome', () => {
  assert.deepEqual(settledEach(['a', 'bad', 'b'], work), expected)
  assert.deepEqual(settledEach([], work), [])
})

test('where one waits, all come in their order', async () => {
  const late = (thing: string, i: number) => (i === 0 ? Promise.resolve().then(() => work(thing)) : work(thing))
  assert.deepEqual(await settledEach(['a', 'bad', 'b'], late), expected)
  const refusedLate = async (thing: string) => work(thing)
  assert.deepEqual(await settledEach(['a', 'bad', 'b'], refusedLate), expected)
})
