import { test } from 'node:test'
import assert from 'node:assert/strict'
import { shareValue, textOfShared, workedOut } from './shared-value.ts'

test('equal values become one object', () => {
  const first = shareValue({ image: 'a', ports: [1, 2] })
  const second = shareValue({ image: 'a', ports: [1, 2] })
  assert.equal(second, first)
  assert.equal(shareValue(first), first)
  assert.notEqual(shareValue({ image: 'b', ports: [1, 2] }), first)
  assert.equal(textOfShared(first), '{"image":"a","ports":[1,2]}')
})

test('works out once what is asked of a shared value, and each time of any other', () => {
  let made = 0
  const make = () => ++made
  const shared = shareValue({ name: 'worked out' })
  assert.equal(workedOut(shared, 'count', make), 1)
  assert.equal(workedOut(shareValue({ name: 'worked out' }), 'count', make), 1)
  assert.equal(workedOut(shared, 'another count', make), 2)
  const own = { name: 'worked out' }
  assert.equal(workedOut(own, 'count', make), 3)
  assert.equal(workedOut(own, 'count', make), 4)
})

test('forgets what has not been asked for among many', () => {
  const kept = shareValue({ name: 'kept' })
  const lost = shareValue({ name: 'lost' })
  for (let i = 0; i < 1_000; i++) {
    shareValue({ i })
    shareValue({ name: 'kept' })
  }
  assert.equal(shareValue({ name: 'kept' }), kept)
  assert.equal(textOfShared(lost), undefined)
  assert.notEqual(shareValue({ name: 'lost' }), lost)
})

test('leaves very long values alone', () => {
  const long = { text: 'x'.repeat(20_000) }
  assert.equal(shareValue(long), long)
  assert.equal(textOfShared(long), undefined)
})
