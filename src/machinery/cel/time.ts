import { EvaluationError } from './evaluation-error.ts'
import { CelDuration, CelTimestamp, int64Max, int64Min } from './value.ts'

/** Times and spans as texts, and the parts of a time in a zone. */

/** 0001-01-01 and the last second of 9999. */
const secondsMin = -62_135_596_800
const secondsMax = 253_402_300_799
const nanosPerSecond = 1_000_000_000n

export function timestampOf(seconds: number, nanos: number): CelTimestamp {
  if (seconds < secondsMin || seconds > secondsMax) throw new EvaluationError('timestamp overflow')
  return new CelTimestamp(seconds, nanos)
}

export function durationOf(nanos: bigint): CelDuration {
  if (nanos > int64Max || nanos < int64Min) throw new EvaluationError('integer overflow')
  return new CelDuration(nanos)
}

/** A time in nanoseconds since 1970. */
export const nanosOf = ({ seconds, nanos }: CelTimestamp): bigint => BigInt(seconds) * nanosPerSecond + BigInt(nanos)

export function timestampOfNanos(nanos: bigint): CelTimestamp {
  const rest = ((nanos % nanosPerSecond) + nanosPerSecond) % nanosPerSecond
  return timestampOf(Number((nanos - rest) / nanosPerSecond), Number(rest))
}

const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)$/

/** Parses RFC 3339. Throws EvaluationError. */
export function parseTimestamp(text: string): CelTimestamp {
  const match = rfc3339.exec(text)
  if (!match) throw wrongTimestamp(text)
  const [, year, month, day, hours, minutes, seconds, fraction = '', zone = ''] = match
  const ms = Date.parse(`${year}-${month}-${day}T${hours}:${minutes}:${seconds}Z`)
  const isRealDay = !Number.isNaN(ms) && new Date(ms).getUTCDate() === Number(day)
  if (!isRealDay || Number(hours) > 23) throw wrongTimestamp(text)
  const offset = /^[Zz]$/.test(zone) ? 0 : offsetMinutes(zone)
  if (offset === undefined) throw wrongTimestamp(text)
  return timestampOf(ms / 1000 - offset * 60, Number(fraction.padEnd(9, '0')))
}

const wrongTimestamp = (text: string) => new EvaluationError(`parsing time ${JSON.stringify(text)} as "2006-01-02T15:04:05Z07:00" failed`)

function offsetMinutes(zone: string): number | undefined {
  const match = /^([+-]?)(\d\d):(\d\d)$/.exec(zone)
  if (!match || Number(match[2]) > 23 || Number(match[3]) > 59) return undefined
  return (match[1] === '-' ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3]))
}

/** RFC 3339 in UTC, with as many digits of a second as are needed. */
export function formatTimestamp({ seconds, nanos }: CelTimestamp): string {
  const text = new Date(seconds * 1000).toISOString().slice(0, 19)
  const fraction = nanos === 0 ? '' : `.${String(nanos).padStart(9, '0').replace(/0+$/, '')}`
  return `${text}${fraction}Z`
}

const unitNanos: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: nanosPerSecond,
  m: 60n * nanosPerSecond,
  h: 3_600n * nanosPerSecond,
}
const durationPattern = /^[+-]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/
const durationParts = /(\d*)\.?(\d*)(ns|us|µs|μs|ms|s|m|h)/g

/** Parses a span as Go writes it: `1h30m`, `-1.5s`. Throws EvaluationError. */
export function parseDuration(text: string): CelDuration {
  if (!durationPattern.test(text) || text.length > 200) throw new EvaluationError(`time: invalid duration ${JSON.stringify(text)}`)
  let nanos = 0n
  for (const [, whole = '', fraction = '', unit = ''] of text.matchAll(durationParts)) {
    const size = unitNanos[unit]!
    nanos += BigInt(whole || '0') * size + (BigInt(fraction || '0') * size) / 10n ** BigInt(fraction.length)
  }
  if (nanos > int64Max) throw new EvaluationError(`time: invalid duration ${JSON.stringify(text)}`)
  return new CelDuration(text.startsWith('-') ? -nanos : nanos)
}

const wordNanos: readonly (readonly [RegExp, bigint])[] = [
  [/^n/, 1n],
  [/^(?:us|µs|μs|micro)/, 1_000n],
  [/^(?:ms|milli)/, 1_000_000n],
  [/^s/, nanosPerSecond],
  [/^m/, 60n * nanosPerSecond],
  [/^h/, 3_600n * nanosPerSecond],
  [/^d/, 86_400n * nanosPerSecond],
  [/^w/, 604_800n * nanosPerSecond],
]

/** A span in the format `duration` of schemas: Go's, or words (`3 days`). Throws EvaluationError. */
export function parseFormatDuration(text: string): CelDuration {
  if (durationPattern.test(text) || text.length > 200) return parseDuration(text)
  let nanos = 0n
  for (const [, count = '', unit = ''] of text.matchAll(/(\d+)\s*([a-zµμ]+)/g)) {
    const size = wordNanos.find(([pattern]) => pattern.test(unit))?.[1]
    if (size === undefined) throw new EvaluationError(`time: invalid duration ${JSON.stringify(text)}`)
    nanos += BigInt(count) * size
  }
  return durationOf(nanos)
}

/** Seconds with an `s`. */
export function formatDuration({ nanos }: CelDuration): string {
  const size = nanos < 0n ? -nanos : nanos
  const fraction = String(size % nanosPerSecond)
    .padStart(9, '0')
    .replace(/0+$/, '')
  return `${nanos < 0n ? '-' : ''}${size / nanosPerSecond}${fraction === '' ? '' : `.${fraction}`}s`
}

const dayMs = 86_400_000

/** The calendar of a time in a zone: a name (`Europe/Berlin`), an offset (`-08:00`), or UTC. `month` and `weekday` (Sunday) count from 0. */
export function calendarOf(time: CelTimestamp, zone: string) {
  const local = new Date(localMs(time.seconds * 1000, zone))
  const year = local.getUTCFullYear()
  const start = new Date(0)
  start.setUTCFullYear(year, 0, 1)
  return {
    year,
    month: local.getUTCMonth(),
    day: local.getUTCDate(),
    weekday: local.getUTCDay(),
    /** From 0. */
    dayOfYear: Math.floor((local.getTime() - start.getTime()) / dayMs),
    hours: local.getUTCHours(),
    minutes: local.getUTCMinutes(),
    seconds: local.getUTCSeconds(),
    milliseconds: Math.floor(time.nanos / 1_000_000),
  }
}

function localMs(ms: number, zone: string): number {
  if (zone === '' || zone === 'UTC') return ms
  const offset = offsetMinutes(zone)
  if (offset !== undefined) return ms + offset * 60_000
  const parts = Object.fromEntries(
    formatOf(zone)
      .formatToParts(ms)
      .map(({ type, value }) => [type, Number(value)]),
  ) as Record<'year' | 'month' | 'day' | 'hour' | 'minute' | 'second', number>
  const local = new Date(0)
  local.setUTCFullYear(parts.year, parts.month - 1, parts.day)
  return local.setUTCHours(parts.hour, parts.minute, parts.second)
}

const formatsMax = 100
const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone)
  if (known) return known
  const numeric = 'numeric' as const
  const fields = { year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric, second: numeric }
  try {
    if (/^[+-]/.test(zone)) throw new RangeError('an offset without minutes')
    const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', ...fields })
    if (formats.size >= formatsMax) formats.clear()
    formats.set(zone, format)
    return format
  } catch {
    throw new EvaluationError(`unknown time zone ${zone}`)
  }
}
