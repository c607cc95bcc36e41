import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cpuWork, type UsageCurve, usageAt } from './usage-curve.ts'

const level: UsageCurve = { points: [{ atMs: 0, cpuMilli: 200, memoryBytes: 10 }] }
const ramp: UsageCurve = {
  points: [
    { atMs: 1_000, cpuMilli: 100, memoryBytes: 100 },
    { atMs: 3_000, cpuMilli: 500, memoryBytes: 300 },
  ],
}
const wave: UsageCurve = { points: [...ramp.points, { atMs: 4_000, cpuMilli: 100, memoryBytes: 100 }], periodMs: 4_000 }

const cases: readonly [name: string, curve: UsageCurve, ageMs: number, cpuMilli: number, work: number][] = [
  ['nothing', { points: [] }, 5_000, 0, 0],
  ['a level', level, 5_000, 200, 1_000_000],
  ['before the first point', ramp, 500, 100, 50_000],
  ['between two points', ramp, 2_000, 300, 100_000 + 200_000],
  ['after the last point', ramp, 5_000, 500, 100_000 + 600_000 + 1_000_000],
  // One period: 100 for a second, 100 → 500 in two, 500 → 100 in one.
  ['in the second period', wave, 4_500, 100, 100_000 + 600_000 + 300_000 + 50_000],
]
for (const [name, curve, ageMs, cpuMilli, work] of cases)
  test(`usage: ${name}`, () => {
    assert.equal(usageAt(curve, ageMs).cpuMilli, cpuMilli)
    assert.equal(cpuWork(curve, ageMs), work)
  })

test('work grows as time does, by no more than the peak allows', () => {
  for (let ageMs = 100; ageMs < 20_000; ageMs += 100) {
    const grown = cpuWork(wave, ageMs) - cpuWork(wave, ageMs - 100)
    assert.ok(grown >= 100 * 100 - 1e-6 && grown <= 500 * 100 + 1e-6, `${ageMs}: ${grown}`)
  }
})
