import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { JsonError, parseJsonStrict } from './json-strict.ts'

test('finds the paths of duplicate fields, and only those', () => {
  const check = (text: string, duplicates: string[]) => assert.deepEqual(parseJsonStrict(text).duplicates, duplicates, text)
  check('{"a":1,"b":2}', [])
  check('{"a":1,"a":2}', ['a'])
  check('{"a":{"b":1,"b":1,"b":1}}', ['a.b'])
  check('{"a":[{"b":1},{"b":1,"c":[],"b":2}]}', ['a[1].b'])
  check('{"a":"{\\"b\\":1,\\"b\\":2}"}', [])
  check('{"a":"x:\\\\","b" : "\\"" , "a":1}', ['a'])
  check('{"\\u0061":1,"a":2}', ['a'])
  check('{"a":[1,[2,{"b":1,"b":1}]]}', ['a[1][1].b'])
})

test('bytes and text give what JSON.parse gives', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const { value, duplicates } = parseJsonStrict(new TextEncoder().encode(text))
      assert.deepEqual(value, JSON.parse(text))
      assert.deepEqual(duplicates, [])
    }),
  )
})

test('refuses bad, empty and too deep text', () => {
  for (const text of [
    '',
    '  ',
    '{',
    '{"a"}',
    '[1,]',
    'nope',
    '['.repeat(20_000),
    `${'{"a":'.repeat(1_001)}1${'}'.repeat(1_001)}`,
    `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
  ])
    assert.throws(() => parseJsonStrict(text), JsonError, text.slice(0, 20))
})
