import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { applyPatch } from 'rfc6902'
import { StatusError } from '../status-error.ts'
import { applyJsonPatch, inspectJsonPatch } from './json-patch.ts'

test('applies each operation', () => {
  const check = (object: unknown, patch: unknown[], expected: unknown) =>
    assert.deepEqual(applyJsonPatch(object, patch), expected, JSON.stringify(patch))
  check({ a: 1 }, [{ op: 'add', path: '/b', value: 2 }], { a: 1, b: 2 })
  check({ a: [1, 3] }, [{ op: 'add', path: '/a/1', value: 2 }], { a: [1, 2, 3] })
  check({ a: [1] }, [{ op: 'add', path: '/a/-', value: 2 }], { a: [1, 2] })
  check({ a: [1, 2] }, [{ op: 'remove', path: '/a/0' }], { a: [2] })
  check({ a: [1, 2] }, [{ op: 'remove', path: '/a/-1' }], { a: [1] })
  check({ a: 1 }, [{ op: 'replace', path: '/b', value: 2 }], { a: 1, b: 2 })
  check({ a: 1 }, [{ op: 'replace', path: '', value: { c: 3 } }], { c: 3 })
  check({ a: { b: 1 } }, [{ op: 'move', from: '/a/b', path: '/c' }], { a: {}, c: 1 })
  check(
    { a: { b: [1] } },
    [
      { op: 'copy', from: '/a', path: '/c' },
      { op: 'add', path: '/c/b/-', value: 2 },
    ],
    { a: { b: [1] }, c: { b: [1, 2] } },
  )
  check({ 'a/b': { '~': 1 } }, [{ op: 'replace', path: '/a~1b/~0', value: 2 }], { 'a/b': { '~': 2 } })
  check({ a: null }, [{ op: 'test', path: '/a', value: null }], { a: null })
  check({}, [{ op: 'test', path: '/a', value: null }], {})
  check({ a: 1 }, [{ op: 'add', path: '/a', value: null }], { a: null })
  check({ a: 1 }, [{ op: 'add', path: '/a' }], { a: null })
  check({ a: 1 }, [{ op: 'copy', from: '/x', path: '/a' }], { a: null })
})

test('refuses with upstream’s codes and leaves the object alone', () => {
  const object = { a: [1], b: 'c' }
  const check = (patch: unknown, code: number) => {
    assert.throws(
      () => applyJsonPatch(object, patch),
      (e) => e instanceof StatusError && e.code === code,
      JSON.stringify(patch).slice(0, 80),
    )
    assert.deepEqual(object, { a: [1], b: 'c' })
  }
  check({}, 400)
  check([1], 400)
  check([{ op: 'remove', path: '/x' }, 1], 400)
  check(
    [
      { op: 'add', path: '/a/-', value: 2 },
      { op: 'test', path: '/b', value: 'x' },
    ],
    422,
  )
  check([{ op: 'remove', path: '/x' }], 422)
  check([{ op: 'add', path: '/x/y', value: 1 }], 422)
  check([{ op: 'add', path: '/a/2', value: 1 }], 422)
  check([{ op: 'replace', path: '/a/1', value: 1 }], 422)
  check([{ op: 'add', path: '/a/x', value: 1 }], 422)
  check([{ op: 'copy', from: '/x/z', path: '/y' }], 422)
  check([{ op: 'move', from: '/x', path: '/y' }], 422)
  check([null], 422)
  check([{ op: 'merge', path: '/a' }], 422)
  for (const value of [1, null, 'x']) check([{ op: 'replace', path: '', value }], 422)
  check([{ op: 'add' }], 422)
  check(
    Array.from({ length: 10_001 }, () => ({ op: 'remove', path: '/a' })),
    413,
  )
})

const json = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, fc.integer({ max: 9 }), fc.constantFrom('x', 'y', true), tie('array'), tie('object')),
  array: fc.array(tie('value'), { maxLength: 3 }),
  object: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value'), { minKeys: 2 }),
})).object
const path = fc.array(fc.constantFrom('a', 'b', 'c', '0', '1', '-'), { minLength: 1, maxLength: 3 }).map((steps) => `/${steps.join('/')}`)
const operation = fc.record({ op: fc.constantFrom('add', 'remove', 'replace', 'test', 'copy', 'move'), path, from: path, value: json })

/** The oracle's answer; undefined where it refuses, which it does by an error or by throwing. */
function oracleAnswer(object: unknown, patch: unknown): unknown {
  const copy = structuredClone(object)
  try {
    return applyPatch(copy, structuredClone(patch) as never).some((e) => e !== null) ? undefined : copy
  } catch {
    return undefined
  }
}

test('agrees with an independent implementation where both succeed, and never throws but a StatusError', () => {
  let agreed = 0
  fc.assert(
    fc.property(json, fc.array(operation, { minLength: 1, maxLength: 2 }), (object, patch) => {
      const expected = oracleAnswer(object, patch)
      try {
        const result = applyJsonPatch(object, patch)
        if (expected === undefined) return
        agreed++
        assert.deepEqual(result, expected)
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error
        assert.ok(error instanceof StatusError, String(error))
      }
    }),
    { numRuns: 400 },
  )
  assert.ok(agreed > 20, `only ${agreed} patches succeeded in both`)
})

test('finds what a strict reader minds in a patch', () => {
  const check = (patch: unknown, expected: object) => assert.deepEqual(inspectJsonPatch(patch), expected)
  check([{ op: 'add', path: '/a', value: { b: 1 }, why: 1 }, null], { unknown: ['[0].why'] })
  check(null, { unknown: [] })
  check({}, { fault: 'json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp', unknown: [] })
  check([1], { fault: 'json: cannot unmarshal number into Go value of type handlers.jsonPatchOp', unknown: [] })
  check([{ op: 1 }], { fault: 'json: cannot unmarshal number into Go struct field jsonPatchOp.op of type string', unknown: [] })
})
