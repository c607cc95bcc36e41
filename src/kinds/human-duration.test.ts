import assert from 'node:assert/strict'
import { test } from 'node:test'
import { age, humanDuration } from './human-duration.ts'

const [second, minute, hour, day] = [1, 60, 3600, 86400]
const cases: readonly (readonly [number, string])[] = [
  [-2 * second, '<invalid>'],
  [-1 * second, '0s'],
  [0, '0s'],
  [119, '119s'],
  [2 * minute, '2m'],
  [2 * minute + 3, '2m3s'],
  [10 * minute + 5, '10m'],
  [179 * minute, '179m'],
  [3 * hour, '3h'],
  [3 * hour + 5 * minute, '3h5m'],
  [8 * hour + 5 * minute, '8h'],
  [47 * hour, '47h'],
  [2 * day, '2d'],
  [2 * day + 3 * hour, '2d3h'],
  [8 * day + 3 * hour, '8d'],
  [729 * day, '729d'],
  [730 * day, '2y'],
  [735 * day, '2y5d'],
  [8 * 365 * day, '8y'],
]

for (const [seconds, text] of cases) test(`${seconds} s read ${text}`, () => assert.equal(humanDuration(seconds * 1000), text))

test('an absent or unreadable time is unknown', () => {
  assert.equal(age(undefined, 0), '<unknown>')
  assert.equal(age('yesterday', 0), '<unknown>')
})
