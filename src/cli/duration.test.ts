import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDuration, parseDurationSeconds } from './duration.ts'

const check = (text: string, seconds: number, written = text): void => {
  test(`${text} is ${seconds} s`, () => {
    assert.equal(parseDurationSeconds(text), seconds)
    assert.equal(formatDuration(seconds), written)
  })
}

check('90', 90, '1m30s')
check('24h', 86_400)
check('1h30m', 5400)
check('7d', 604_800, '168h')

for (const text of ['', '0s', '5 m', '-1h', 'h', '1w']) {
  test(`refuses ${JSON.stringify(text)}`, () => assert.throws(() => parseDurationSeconds(text), /is not a duration/))
}
