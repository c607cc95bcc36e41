import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blockBytes, giveBack, takeBlock } from './block-pool.ts'

test('a block that was given back is filled again, once, whatever part of it was sent', () => {
  const first = takeBlock()
  const second = takeBlock()
  assert.equal(first.length, blockBytes)
  assert.notEqual(first.buffer, second.buffer)
  giveBack(first.subarray(0, 10))
  giveBack(first)
  const third = takeBlock()
  assert.equal(third.buffer, first.buffer)
  assert.equal(third.length, blockBytes)
  assert.notEqual(takeBlock().buffer, first.buffer)
})

test('memory that is no block of the pool is left alone', () => {
  const foreign = Buffer.alloc(blockBytes)
  giveBack(foreign)
  assert.notEqual(takeBlock().buffer, foreign.buffer)
})
