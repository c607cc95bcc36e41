import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { deepClone } from './deep-clone.ts'
import { deepEqual } from './deep-equal.ts'

test('compares by value, without regard to the order of fields', () => {
  const check = (a: unknown, b: unknown, expected: boolean) => {
    assert.equal(deepEqual(a, b), expected)
    assert.equal(deepEqual(b, a), expected)
  }
  check({ a: 1, b: 2 }, { b: 2, a: 1 }, true)
  check({ a: undefined }, {}, true)
  check({ a: null }, {}, false)
  check([], {}, false)
  check([1, 2], [2, 1], false)
  check({ a: undefined, b: 1 }, { a: 1, b: undefined }, false)
  check({ toString: 1 }, {}, false)
  check(null, undefined, false)
})

test('a clone is equal and shares nothing', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const copy = deepClone(value)
      assert.ok(deepEqual(copy, value))
      if (typeof value === 'object' && value !== null) assert.notEqual(copy, value)
    }),
  )
})
