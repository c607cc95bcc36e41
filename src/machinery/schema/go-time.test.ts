import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalTime, type TimePrecision } from './go-time.ts'

function check(text: string, precision: TimePrecision, expected: string): void {
  const read = canonicalTime(text, precision)
  assert.equal('error' in read ? read.error : read.time, expected, text)
}

test('a time is read as upstream reads it, and written in UTC', () => {
  check('2024-02-29T23:00:00.5-05:30', 'seconds', '2024-03-01T04:30:00Z')
  check('2024-01-01T1:00:00,5Z', 'seconds', '2024-01-01T01:00:00Z')
  check('2024-01-01T00:00:00.000001+00:01', 'micros', '2023-12-31T23:59:00.000001Z')
  check('9999-12-31T23:59:59-01:00', 'seconds', '10000-01-01T00:59:59Z')
  check('0000-01-01T00:00:00+01:00', 'seconds', '-0001-12-31T23:00:00Z')
})

test('what is no time is refused in the words of Go', () => {
  const seconds = ' as "2006-01-02T15:04:05Z07:00": cannot parse '
  check('x', 'seconds', `parsing time "x"${seconds}"x" as "2006"`)
  check('2024-01-01', 'seconds', `parsing time "2024-01-01"${seconds}"" as "T"`)
  check('2024-13-01T00:00:00Z', 'seconds', 'parsing time "2024-13-01T00:00:00Z": month out of range')
  check('2023-02-29T00:00:00Z', 'seconds', 'parsing time "2023-02-29T00:00:00Z": day out of range')
  check('2024-01-01T00:00:00Zé', 'seconds', 'parsing time "2024-01-01T00:00:00Z\\xc3\\xa9": extra text: "\\xc3\\xa9"')
  const micros = ' as "2006-01-02T15:04:05.000000Z07:00": cannot parse '
  check('2024-01-01T00:00:00Z', 'micros', `parsing time "2024-01-01T00:00:00Z"${micros}"Z" as ".000000"`)
  check('2024-01-01T00:00:00.1234567Z', 'micros', `parsing time "2024-01-01T00:00:00.1234567Z"${micros}"7Z" as "Z07:00"`)
})
