import { test } from 'node:test'
import assert from 'node:assert/strict'
import { extendShared, sharedOfText, shareValue, textOfShared, workedOut } from './shared-value.ts'

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

test('the value of a JSON is the one that is shared', () => {
  const first = shareValue({ image: 'of a text' })
  assert.equal(sharedOfText('{"image":"of a text"}'), first)
  const other = sharedOfText('{"image":"first as a text"}')
  assert.equal(shareValue({ image: 'first as a text' }), other)
  assert.throws(() => sharedOfText('{'), SyntaxError)
})

test('a field more is written behind what is shared, and changes nothing of it', () => {
  for (const base of [{ image: 'a', ports: [1] }, {}]) {
    const shared = shareValue(base)
    const extended = extendShared(shared, 'node', 'a"b')
    assert.deepEqual(extended, { ...base, node: 'a"b' })
    assert.equal(textOfShared(extended), JSON.stringify(extended))
    assert.equal(shareValue(extended), extended)
    assert.equal(textOfShared(shared), JSON.stringify(base))
  }
  const own = extendShared({ image: 'not shared' }, 'node', 'n')
  assert.equal(textOfShared(own), undefined)
})

test('what extends a value that is forgotten is an object like any other', () => {
  const extended = extendShared(shareValue({ image: 'soon forgotten' }), 'node', 'n')
  for (let i = 0; i < 1_000; i++) shareValue({ other: i })
  assert.equal(textOfShared(extended), undefined)
  assert.equal(shareValue(extended), extended)
  assert.equal(textOfShared(extended), JSON.stringify(extended))
})
