import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseCronSchedule } from '../../kinds/batch/cron-schedule.ts'
import { dueTime } from './due.ts'
import { nextTime, offsetsOf, toZonedTime } from './next-time.ts'

const cases: [schedule: string, after: string, zone: string | undefined, expected: string | undefined][] = [
  ['*/15 * * * *', '2026-01-01T00:00:00Z', undefined, '2026-01-01T00:15:00Z'],
  ['*/15 * * * *', '2026-01-01T00:14:59Z', undefined, '2026-01-01T00:15:00Z'],
  ['30 8-10/2 * * 1-5', '2026-01-02T10:30:00Z', undefined, '2026-01-05T08:30:00Z'],
  ['0 0 1 jan *', '2026-01-01T00:00:00Z', undefined, '2027-01-01T00:00:00Z'],
  ['0 0 29 2 *', '2026-01-01T00:00:00Z', undefined, '2028-02-29T00:00:00Z'],
  ['0 0 31 2 *', '2026-01-01T00:00:00Z', undefined, undefined],
  ['0 0 13 * fri', '2026-01-01T00:00:00Z', undefined, '2026-01-02T00:00:00Z'],
  ['0 0 ?-3 * fri', '2026-01-01T00:00:00Z', undefined, '2026-01-02T00:00:00Z'],
  ['@every 0', '2026-01-01T00:00:00Z', undefined, '2026-01-01T00:00:01Z'],
  ['@hourly', '2026-01-01T00:30:00Z', undefined, '2026-01-01T01:00:00Z'],
  ['@weekly', '2026-01-01T00:30:00Z', undefined, '2026-01-04T00:00:00Z'],
  ['@every 90s', '2026-01-01T00:00:00Z', undefined, '2026-01-01T00:01:30Z'],
  ['0 9 * * *', '2026-07-01T00:00:00Z', 'Europe/Berlin', '2026-07-01T09:00:00+02:00'],
  ['0 9 * * *', '2026-01-01T00:00:00Z', 'America/New_York', '2026-01-01T09:00:00-05:00'],
  ['0 0 * * *', '2026-01-01T00:00:00Z', 'Asia/Kolkata', '2026-01-02T00:00:00+05:30'],
  ['30 2 * * *', '2026-03-28T12:00:00Z', 'Europe/Berlin', '2026-03-30T02:30:00+02:00'],
  ['30 2 * * *', '2026-10-24T12:00:00Z', 'Europe/Berlin', '2026-10-25T02:30:00+02:00'],
  ['30 2 * * *', '2026-10-25T00:30:00Z', 'Europe/Berlin', '2026-10-25T02:30:00+01:00'],
  ['30 2 * * *', '2026-10-25T01:30:00Z', 'Europe/Berlin', '2026-10-26T02:30:00+01:00'],
  ['45 1 * * *', '2026-10-03T12:00:00Z', 'Australia/Lord_Howe', '2026-10-04T01:45:00+10:30'],
  ['15 2 * * *', '2026-10-03T12:00:00Z', 'Australia/Lord_Howe', '2026-10-05T02:15:00+11:00'],
  ['0 12 * * *', '2026-01-01T00:00:00Z', 'Pacific/Kiritimati', '2026-01-02T12:00:00+14:00'],
]
for (const [schedule, after, zone, expected] of cases)
  test(`"${schedule}" after ${after}${zone ? ` in ${zone}` : ''}`, () => {
    const next = nextTime(parseCronSchedule(schedule), Date.parse(after), zone)
    assert.equal(next === undefined ? undefined : toZonedTime(next, zone), expected)
  })

test('finds the same minute as looking at every one', () => {
  const field = (max: number, min = 0) =>
    fc.oneof(
      fc.constant('*'),
      fc.integer({ min, max }).map(String),
      fc.integer({ min: 2, max: 9 }).map((step) => `*/${step}`),
    )
  const schedules = fc.tuple(field(59), field(23), field(28, 1), fc.constant('*'), field(6)).map((fields) => fields.join(' '))
  // Around the changes of the clocks of both hemispheres, and anywhere.
  const times = fc.tuple(fc.constantFrom(...['2026-03-28', '2026-10-24', '2026-10-03', '2026-06-01']), fc.nat(2880))
  const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe', 'Africa/Casablanca')
  fc.assert(
    fc.property(schedules, times, zones, (text, [date, minutes], zone) => {
      const schedule = parseCronSchedule(text)
      assert(schedule.type === 'fields')
      const afterMs = Date.parse(`${date}T00:00:00Z`) + minutes * 60_000
      const found = nextTime(schedule, afterMs, zone)
      const offsetAt = offsetsOf(zone)
      let offsetMs = 0
      for (let atMs = afterMs + 60_000; atMs <= afterMs + 2 * 86_400_000; atMs += 60_000) {
        if (atMs % 900_000 === 0 || atMs === afterMs + 60_000) offsetMs = offsetAt(atMs)
        const local = new Date(atMs + offsetMs)
        const [byMonth, byWeek] = [schedule.daysOfMonth.has(local.getUTCDate()), schedule.daysOfWeek.has(local.getUTCDay())]
        const isDay = schedule.hasDayStar ? byMonth && byWeek : byMonth || byWeek
        if (!isDay || !schedule.hours.has(local.getUTCHours()) || !schedule.minutes.has(local.getUTCMinutes())) continue
        assert.equal(found, atMs)
        return
      }
      assert.ok(found === undefined || found > afterMs + 2 * 86_400_000)
    }),
    { numRuns: 60 },
  )
})

const dues: [schedule: string, since: string, now: string, expected: string][] = [
  ['0 * * * *', '2026-01-01T00:00:00Z', '2026-01-01T00:59:59Z', 'none'],
  ['0 * * * *', '2026-01-01T00:00:00Z', '2026-01-01T01:00:00Z', '2026-01-01T01:00:00Z'],
  ['0 * * * *', '2026-01-01T00:00:00Z', '2026-01-03T05:30:00Z', '2026-01-03T05:00:00Z'],
  ['* * * * *', '2026-01-01T00:00:00Z', '2026-01-02T00:00:30Z', '2026-01-02T00:00:00Z many'],
  ['30 6-16/4 * * 1-5', '2026-01-02T06:30:00Z', '2026-01-05T07:00:00Z', '2026-01-05T06:30:00Z'],
  ['0 0 1 */2 *', '2026-01-01T00:00:00Z', '2026-06-01T00:00:00Z', '2026-05-01T00:00:00Z'],
  ['0 0 31 2 *', '2026-01-01T00:00:00Z', '2026-06-01T00:00:00Z', 'invalid'],
]
for (const [schedule, since, now, expected] of dues)
  test(`of "${schedule}" since ${since} at ${now} due is ${expected}`, () => {
    const parsed = parseCronSchedule(schedule)
    const due = dueTime((afterMs) => nextTime(parsed, afterMs), Date.parse(since), Date.parse(now))
    const text = due.isInvalid ? 'invalid' : due.atMs === undefined ? 'none' : toZonedTime(due.atMs, undefined)
    assert.equal(`${text}${due.isManyMissed ? ' many' : ''}`, expected)
  })
