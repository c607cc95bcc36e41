import assert from 'node:assert/strict'
import { test } from 'node:test'
import { goKind, goQuote, goString, goText } from './go-text.ts'

test('prints JSON as Go does', () => {
  const check = (value: unknown, expected: string) => assert.equal(goText(value), expected)
  check({ b: [1, 'x', null], a: { c: true } }, 'map[a:map[c:true] b:[1 x <nil>]]')
  check([], '[]')
  check({}, 'map[]')
  check(1.5, '1.5')
})

test('prints as text what is none', () => {
  const check = (value: unknown, expected: string) => assert.equal(goString(value), expected)
  check('x', 'x')
  check(1, '%!s(int64=1)')
  check(true, '%!s(bool=true)')
  check(null, '%!s(<nil>)')
})

test('names what a value becomes', () =>
  assert.deepEqual([1, 1.5, 'x', true, [], {}, null].map(goKind), ['int64', 'float64', 'string', 'bool', 'slice', 'map', 'nil']))

test('quotes as Go does', () => {
  const check = (text: string, expected: string) => assert.equal(goQuote(text), expected)
  check('a"b\\c', '"a\\"b\\\\c"')
  check('a\0\n\u007fü', '"a\\x00\\n\\x7fü"')
  check('\u200b', '"\\u200b"')
})
