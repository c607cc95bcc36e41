import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { applyMergePatch } from './merge-patch.ts'

test('the examples of RFC 7386, appendix A', () => {
  const check = (object: unknown, patch: unknown, expected: unknown) => assert.deepEqual(applyMergePatch(object, patch), expected)
  check({ a: 'b' }, { a: 'c' }, { a: 'c' })
  check({ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' })
  check({ a: 'b' }, { a: null }, {})
  check({ a: 'b', b: 'c' }, { a: null }, { b: 'c' })
  check({ a: ['b'] }, { a: 'c' }, { a: 'c' })
  check({ a: 'c' }, { a: ['b'] }, { a: ['b'] })
  check({ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } })
  check({ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] })
  check(['a', 'b'], ['c', 'd'], ['c', 'd'])
  check({ a: 'b' }, ['c'], ['c'])
  check({ a: 'foo' }, null, null)
  check({ a: 'foo' }, 'bar', 'bar')
  check({ e: null }, { a: 1 }, { e: null, a: 1 })
  check([1, 2], { a: 'b', c: null }, { a: 'b' })
  check({}, { a: { bb: { ccc: null } } }, { a: { bb: {} } })
})

test('drops nulls of objects in lists, as upstream’s library does', () => {
  assert.deepEqual(applyMergePatch({}, { a: [{ b: null, c: [null, { d: null }] }] }), { a: [{ c: [null, {}] }] })
})

test('never changes its arguments and is idempotent', () => {
  fc.assert(
    fc.property(fc.object(), fc.object(), (object, patch) => {
      const before = structuredClone([object, patch])
      const once = applyMergePatch(object, patch)
      assert.deepEqual([object, patch], before)
      assert.deepEqual(applyMergePatch(once, patch), once)
    }),
  )
})
