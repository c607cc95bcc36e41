import { goDurationFault, parseGoDuration } from '../../machinery/wire/go-duration.ts'

/** The five fields of a cron schedule as bit sets, or an interval. Source: https://en.wikipedia.org/wiki/Cron, as robfig/cron reads it. */
export type CronSchedule =
  | { readonly type: 'every'; readonly intervalMs: number }
  | {
      readonly type: 'fields'
      readonly minutes: ReadonlySet<number>
      readonly hours: ReadonlySet<number>
      readonly daysOfMonth: ReadonlySet<number>
      readonly months: ReadonlySet<number>
      readonly daysOfWeek: ReadonlySet<number>
      /** A star in one of the two day fields: then both must hold, else one suffices. */
      readonly hasDayStar: boolean
    }

/** Text that is no schedule; the message is upstream's. */
export class CronError extends Error {
  override name = 'CronError'
}

type Bounds = { readonly min: number; readonly max: number; readonly names: Readonly<Record<string, number>> }

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const bounds = {
  minutes: { min: 0, max: 59, names: {} },
  hours: { min: 0, max: 23, names: {} },
  daysOfMonth: { min: 1, max: 31, names: {} },
  months: { min: 1, max: 12, names: Object.fromEntries(months.map((name, i) => [name, i + 1])) },
  daysOfWeek: { min: 0, max: 6, names: Object.fromEntries(days.map((name, i) => [name, i])) },
} satisfies Record<string, Bounds>

const descriptors: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}

/** Parses five fields, `@hourly` and its like, or `@every 1h30m`. Throws CronError. */
export function parseCronSchedule(text: string): CronSchedule {
  if (text === '') throw new CronError('empty spec string')
  if (text.startsWith('@every ')) return { type: 'every', intervalMs: parseInterval(text) }
  if (text.startsWith('@')) {
    const fields = descriptors[text]
    if (fields === undefined) throw new CronError(`unrecognized descriptor: ${text}`)
    return parseCronSchedule(fields)
  }
  const fields = text.split(/\s+/).filter((field) => field !== '')
  if (fields.length !== 5) throw new CronError(`expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`)
  const [minutes, hours, daysOfMonth, monthField, daysOfWeek] = fields as [string, string, string, string, string]
  return {
    type: 'fields',
    minutes: parseField(minutes, bounds.minutes),
    hours: parseField(hours, bounds.hours),
    daysOfMonth: parseField(daysOfMonth, bounds.daysOfMonth),
    months: parseField(monthField, bounds.months),
    daysOfWeek: parseField(daysOfWeek, bounds.daysOfWeek),
    hasDayStar: isStar(daysOfMonth) || isStar(daysOfWeek),
  }
}

/** A step of more than one makes a range of a star. */
function isStar(field: string): boolean {
  return field.split(',').some((part) => {
    const [range = '', step = '1'] = part.split('/')
    return /^[*?](?:-|$)/.test(range) && Number(step) <= 1
  })
}

function parseField(field: string, range: Bounds): ReadonlySet<number> {
  const values = new Set<number>()
  for (const part of field.split(',').filter((p) => p !== '')) addRange(values, part, range)
  return values
}

function addRange(values: Set<number>, expression: string, { min, max, names }: Bounds): void {
  const [rangeText = '', stepText, ...moreSteps] = expression.split('/')
  const [low = '', high, ...moreBounds] = rangeText.split('-')
  if (moreSteps.length > 0) throw new CronError(`too many slashes: ${expression}`)
  const isAny = low === '*' || low === '?'
  if (!isAny && moreBounds.length > 0) throw new CronError(`too many hyphens: ${expression}`)
  const start = isAny ? min : parseNumber(low, names)
  const isOpen = isAny || (high === undefined && stepText !== undefined)
  const end = isOpen ? max : high === undefined ? start : parseNumber(high, names)
  const step = stepText === undefined ? 1 : parseNumber(stepText, {})
  if (start < min) throw new CronError(`beginning of range (${start}) below minimum (${min}): ${expression}`)
  if (end > max) throw new CronError(`end of range (${end}) above maximum (${max}): ${expression}`)
  if (start > end) throw new CronError(`beginning of range (${start}) beyond end of range (${end}): ${expression}`)
  if (step === 0) throw new CronError(`step of range should be a positive number: ${expression}`)
  for (let value = start; value <= end; value += step) values.add(value)
}

function parseNumber(text: string, names: Readonly<Record<string, number>>): number {
  const named = names[text.toLowerCase()]
  if (named !== undefined) return named
  const fault = (why: string) => new CronError(`failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: ${why}`)
  if (!/^[+-]?\d+$/.test(text)) throw fault('invalid syntax')
  const value = Number(text)
  if (Math.abs(value) >= 2 ** 63) throw fault('value out of range')
  if (value < 0) throw new CronError(`negative number (${value}) not allowed: ${text}`)
  return value
}

/** `@every` intervals are whole seconds, one at least. */
function parseInterval(text: string): number {
  const duration = text.slice('@every '.length)
  const nanos = parseGoDuration(duration)
  if (nanos === undefined) throw new CronError(`failed to parse duration ${text}: ${goDurationFault(duration)}`)
  return Math.max(1, Math.floor(nanos / 1e9)) * 1000
}
