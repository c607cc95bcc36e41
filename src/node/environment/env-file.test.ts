import assert from 'node:assert/strict'
import { test } from 'node:test'
import { envFileValue } from './env-file.ts'

const text = `# written by an init container
A='1'
  B='two words' # why

LONG='one
# two
'
SHARP='#'
EMPTY=''
BLANK= 'x'
LAST='end'`

const values: Readonly<Record<string, string | undefined>> = {
  A: '1',
  B: 'two words',
  LONG: 'one\n# two\n',
  SHARP: '#',
  EMPTY: undefined,
  BLANK: undefined,
  LAST: 'end',
  NONE: undefined,
}
for (const [key, value] of Object.entries(values)) test(`the value of ${key}`, () => assert.equal(envFileValue(text, key), value))

const faults: Readonly<Record<string, string>> = {
  "A='1'\nB": "line 2: missing '='",
  "A ='1'": "line 1: whitespace before '=' is not allowed",
  "='1'": 'line 1: empty variable name',
  'A=1': 'line 1: value must be enclosed in single quotes',
  'A=\n': 'line 1: value must be enclosed in single quotes',
  "A='1' 2": 'line 1: unexpected content after closing quote',
  "\nA='1\n2": 'line 2: unclosed single quote',
}
for (const [faulty, why] of Object.entries(faults))
  test(`${JSON.stringify(faulty)} is refused`, () => {
    assert.throws(() => envFileValue(faulty, 'Z'), { message: `invalid environment variable format at ${why}` })
  })
