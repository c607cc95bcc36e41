import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonFault } from './json-fault.ts'

test('says what is wrong with a text as Go does', () => {
  const check = (text: string, expected: string) => assert.equal(jsonFault(text), expected, text)
  check('', 'unexpected end of JSON input')
  check('{"a":', 'unexpected end of JSON input')
  check('abc', `invalid character 'a' looking for beginning of value`)
  check("{'a':1}", `invalid character '\\'' looking for beginning of object key string`)
  check('{"a" 1}', `invalid character '1' after object key`)
  check('{"a":1 "b"', `invalid character '"' after object key:value pair`)
  check('{"a":1,}', `invalid character '}' looking for beginning of object key string`)
  check('[1 2]', `invalid character '2' after array element`)
  check('[1,]', `invalid character ']' looking for beginning of value`)
  check('{} x', `invalid character 'x' after top-level value`)
  check('[tru]', `invalid character ']' in literal true (expecting 'e')`)
  check('nope', `invalid character 'o' in literal null (expecting 'u')`)
  check('"a\nb"', `invalid character '\\n' in string literal`)
  check('"\\x"', `invalid character 'x' in string escape code`)
  check('"\\u00g0"', `invalid character 'g' in \\u hexadecimal character escape`)
  check('[-]', `invalid character ']' in numeric literal`)
  check('[1.]', `invalid character ']' after decimal point in numeric literal`)
  check('[1e]', `invalid character ']' in exponent of numeric literal`)
  check('[01]', `invalid character '1' after array element`)
})
