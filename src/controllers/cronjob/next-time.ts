/**
 * When a cron schedule comes next, in a time zone: the next instant whose local minute the fields name. So a time that the clocks
 * skip in spring is skipped, and one that they repeat in autumn comes twice, as in upstream's cron library.
 */
import type { CronSchedule } from '../../kinds/batch/cron-schedule.ts'

type Fields = Extract<CronSchedule, { type: 'fields' }>

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
/** No time zone is further from UTC than this, either way. */
const offsetMaxMs = 14 * hourMs
/** Clocks change at multiples of this. */
const offsetStepMs = 15 * minuteMs
/** A schedule that does not come within eight years (a 29 February across 2100) never does. */
const horizonDays = 8 * 366 + 2

/** The first time after `afterMs` (wall clock, ms); undefined: it never comes. `timeZone` is an IANA name; default UTC. */
export function nextTime(schedule: CronSchedule, afterMs: number, timeZone?: string): number | undefined {
  if (schedule.type === 'every') return Math.floor(afterMs / 1000) * 1000 + schedule.intervalMs
  const offsetAt = offsetsOf(timeZone)
  const firstDay = Math.floor((afterMs + offsetAt(afterMs)) / dayMs) * dayMs
  // The day before as well: a clock that was put back over midnight repeats it.
  for (let day = -1; day < horizonDays; day++) {
    const date = firstDay + day * dayMs
    const found = matchesDay(schedule, date) ? firstOnDay(schedule, date, afterMs, offsetAt) : undefined
    if (found !== undefined) return found
  }
  return undefined
}

/** `date` is the local midnight as if it were UTC. */
function matchesDay({ months, daysOfMonth, daysOfWeek, hasDayStar }: Fields, date: number): boolean {
  const day = new Date(date)
  if (!months.has(day.getUTCMonth() + 1)) return false
  const [byMonth, byWeek] = [daysOfMonth.has(day.getUTCDate()), daysOfWeek.has(day.getUTCDay())]
  return hasDayStar ? byMonth && byWeek : byMonth || byWeek
}

function firstOnDay(schedule: Fields, date: number, afterMs: number, offsetAt: OffsetAt): number | undefined {
  const [from, to] = [date - offsetMaxMs, date + dayMs + offsetMaxMs]
  if (offsetAt(from) === offsetAt(to)) return firstAfter(schedule, date, { afterMs, offsetMs: offsetAt(from) })
  // The clocks change around this day: piece by piece.
  for (let pieceMs = from; pieceMs < to; pieceMs += offsetStepMs) {
    const offsetMs = offsetAt(pieceMs)
    const found = firstAfter(schedule, date, { afterMs: Math.max(afterMs, pieceMs - 1), offsetMs })
    if (found !== undefined && found < pieceMs + offsetStepMs) return found
  }
  return undefined
}

function firstAfter({ hours, minutes }: Fields, date: number, { afterMs, offsetMs }: { afterMs: number; offsetMs: number }) {
  for (let hour = 0; hour < 24; hour++) {
    const hourStart = date + hour * hourMs - offsetMs
    if (!hours.has(hour) || hourStart + hourMs <= afterMs) continue
    for (let minute = 0; minute < 60; minute++) {
      const atMs = hourStart + minute * minuteMs
      if (minutes.has(minute) && atMs > afterMs) return atMs
    }
  }
  return undefined
}

type OffsetAt = (ms: number) => number

/** How far local time is ahead of UTC, ms. Throws RangeError for an unknown time zone. */
export function offsetsOf(timeZone: string | undefined): OffsetAt {
  if (timeZone === undefined || timeZone === 'UTC') return () => 0
  const numeric = 'numeric'
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: numeric,
    month: numeric,
    day: numeric,
    hour: numeric,
    minute: numeric,
    second: numeric,
  })
  return (ms) => {
    const parts: Record<string, number> = {}
    for (const { type, value } of format.formatToParts(ms)) parts[type] = Number(value)
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1000) * 1000
  }
}

/** RFC 3339 in the local time of a zone. */
export function toZonedTime(ms: number, timeZone: string | undefined): string {
  const offsetMs = offsetsOf(timeZone)(ms)
  const text = new Date(ms + offsetMs).toISOString().slice(0, 19)
  if (offsetMs === 0) return `${text}Z`
  const minutes = Math.abs(offsetMs) / minuteMs
  const two = (n: number) => String(Math.floor(n)).padStart(2, '0')
  return `${text}${offsetMs < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`
}
