import assert from 'node:assert/strict'
import { test } from 'node:test'
import { arrange } from './element-order.ts'

/** Lists of keys; an item is a key with where it comes from. */
function check(lists: { readonly original: string; readonly order: string; readonly merged: string }, expected: string) {
  const items = (text: string) => text.split('').map((key, i) => ({ key, at: `${key}${i}` }))
  const merged = items(lists.merged)
  const arranged = arrange({
    merged,
    order: items(lists.order),
    original: items(lists.original),
    keyOf: (item) => (item as { key: string }).key,
  })
  assert.equal(arranged.map((item) => (item as { at: string }).at).join(' '), expected, JSON.stringify(lists))
}

test('a list that is in order stays as it is', () => {
  check({ original: 'abcd', order: 'abcd', merged: 'abcd' }, 'a0 b1 c2 d3')
  check({ original: 'abcd', order: 'bd', merged: 'abcd' }, 'a0 b1 c2 d3')
  check({ original: '', order: 'ab', merged: 'ab' }, 'a0 b1')
  check({ original: 'ab', order: '', merged: 'ab' }, 'a0 b1')
  check({ original: '', order: '', merged: '' }, '')
})

test("the patch's order counts, and others are woven in by their old places", () => {
  check({ original: 'abcd', order: 'db', merged: 'abcd' }, 'a0 c2 d3 b1')
  check({ original: 'abc', order: 'cba', merged: 'abc' }, 'c2 b1 a0')
  check({ original: 'ab', order: 'xb', merged: 'abx' }, 'x2 a0 b1')
  // In the patch's order, but not where they have been.
  check({ original: 'cab', order: 'b', merged: 'abc' }, 'c2 a0 b1')
  // A key that is gone has no say.
  check({ original: 'abc', order: 'xc', merged: 'abc' }, 'a0 b1 c2')
})

test('what has one key twice goes together', () => {
  check({ original: 'aba', order: 'aba', merged: 'aba' }, 'a0 a2 b1')
  check({ original: 'aba', order: 'b', merged: 'aba' }, 'a0 a2 b1')
  check({ original: 'aab', order: 'b', merged: 'aab' }, 'a0 a1 b2')
})

test('a long list is arranged like a short one', () => {
  const long = [...Array(80).keys()].map((i) => String.fromCharCode(0x100 + i)).join('')
  const items = (text: string) => text.split('').map((key) => ({ key }))
  const arranged = (order: string) =>
    arrange({ merged: items(long), order: items(order), original: items(long), keyOf: (item) => (item as { key: string }).key })
      .map((item) => (item as { key: string }).key)
      .join('')
  assert.equal(arranged(long), long)
  const [first, ...rest] = long
  assert.equal(arranged([...rest, first].join('')), [...rest, first].join(''))
})
