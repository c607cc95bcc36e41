import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FieldSelectorError, type FieldTerm, formatFieldSelector, matchesFields, parseFieldSelector } from './field-selector.ts'

test('parses terms and escapes', () => {
  const check = (text: string, expected: FieldTerm[]) => assert.deepEqual(parseFieldSelector(text), expected, text)
  check('', [])
  check('metadata.name=a,status.phase!=Running', [
    { field: 'metadata.name', op: '=', value: 'a' },
    { field: 'status.phase', op: '!=', value: 'Running' },
  ])
  check('a==b', [{ field: 'a', op: '=', value: 'b' }])
  check('a=', [{ field: 'a', op: '=', value: '' }])
  check('a=b\\,c\\=d\\\\', [{ field: 'a', op: '=', value: 'b,c=d\\' }])
})

test('refuses what it cannot read', () => {
  const check = (text: string, message: string) => assert.throws(() => parseFieldSelector(text), new FieldSelectorError(message), text)
  check('a', "invalid selector: 'a'; can't understand 'a'")
  check('a=b=c', 'invalid field selector: unescaped character in value: 61')
  // Of several faults, the one of the least term by its text.
  check('x,a=b=c', 'invalid field selector: unescaped character in value: 61')
  check('a=b\\x', 'invalid field selector: invalid escape sequence: \\x')
})

test('formats back and matches', () => {
  const terms = parseFieldSelector('a=b\\,c,d!=e')
  assert.equal(formatFieldSelector(terms), 'a=b\\,c,d!=e')
  assert.equal(
    matchesFields(terms, (f) => (f === 'a' ? 'b,c' : '')),
    true,
  )
  assert.equal(
    matchesFields(terms, (f) => (f === 'a' ? 'b,c' : 'e')),
    false,
  )
})
