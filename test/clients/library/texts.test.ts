/** Texts that upstream's libraries read: names, selectors, times, durations and schedules, held beside them at random. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../../src/base/random.ts'
import { nextTime } from '../../../src/controllers/cronjob/next-time.ts'
import { CronError, parseCronSchedule } from '../../../src/kinds/batch/cron-schedule.ts'
import { scaledValue } from '../../../src/kinds/int-or-percent.ts'
import { FieldSelectorError, formatFieldSelector, parseFieldSelector } from '../../../src/machinery/field-selector.ts'
import { formatSelector, parseLabelSelector, SelectorError } from '../../../src/machinery/label-selector.ts'
import * as names from '../../../src/machinery/names.ts'
import { canonicalTime } from '../../../src/machinery/schema/go-time.ts'
import { formatGoDuration, goDurationFault, parseGoDuration } from '../../../src/machinery/wire/go-duration.ts'
import { askLibrary, missing, type Question } from './library.ts'

const random = seededRandom(36)
const oneOf = <T>(all: readonly T[]): T => all[random.below(all.length)]!
const many = (max: number, make: () => string) => Array.from({ length: random.below(max + 1) }, make)
const chars = (text: string) => Array.from(text)
const digits = (max: number) => many(max, () => oneOf(chars('0123456789'))).join('')

type Asked = { readonly question: Question; readonly ours: () => string }

/** Asks for so many, and fails with the first that is told in other words. */
function compare(cases: number, make: () => Asked): void {
  const asked = Array.from({ length: cases }, make)
  const answers = askLibrary(asked.map(({ question }) => question))
  for (const [i, { question, ours }] of asked.entries()) {
    const { text = '', error } = answers[i]![0]!
    assert.equal(told(ours), error === undefined ? text : `error: ${error}`, JSON.stringify(question))
  }
}

function told(ours: () => string): string {
  try {
    return ours()
  } catch (error) {
    if (error instanceof CronError || error instanceof SelectorError || error instanceof FieldSelectorError)
      return `error: ${error.message}`
    throw error
  }
}

const rules: Readonly<Record<string, (text: string) => string[]>> = {
  label: names.dns1123Label,
  subdomain: names.dns1123Subdomain,
  dns1035: names.dns1035Label,
  wildcard: names.wildcardDns1123Subdomain,
  qualified: names.qualifiedName,
  labelValue: names.labelValue,
  configMapKey: names.configMapKey,
  relaxedEnv: names.envVarName,
  portName: names.portName,
  httpHeader: names.httpHeaderName,
  cIdentifier: names.cIdentifier,
  percent: names.percent,
}

function name(): string {
  const kind = random.below(6)
  if (kind === 0)
    return oneOf(['', '-', '.', '..', 'a..b', 'a-', 'A', '1a', 'a/b', '/a', 'a/', 'a/b/c', 'a.b/c', 'K8s.io/X', '*.a.b', '*.', '50%'])
  if (kind === 1) return oneOf(['a', 'A', 'é', '.', '-', 'a.', 'a/']).repeat(oneOf([15, 16, 62, 63, 64, 65, 128, 253, 254, 300]))
  if (kind === 2) return `${many(3, () => oneOf(chars('abc019.-'))).join('')}/${many(3, () => oneOf(chars('abcA_.-'))).join('')}`
  return many(8, () => oneOf(chars(kind < 5 ? 'abc019-.' : 'abzAZ019--.._/ *%=é😀:@\n'))).join('')
}

test('names are refused in the words of upstream’s library', { skip: missing }, () => {
  compare(10_000, () => {
    const [type, a] = [oneOf(Object.keys(rules)), name()]
    return { question: { ask: 'name', type, a }, ours: () => rules[type]!(a).join('\n') }
  })
})

function labelTerm(): string {
  const key = oneOf(['a', 'b', 'a/b', 'x.y/z', 'A', '-a', '', 'in', 'notin', 'a'.repeat(64), 'a b', 'exists'])
  const value = oneOf(['', 'x', 'y', '1', '-1', '1.5', 'in', 'a'.repeat(64), 'x_', 'é', '9223372036854775808', 'x y'])
  const set = `(${value},${oneOf(['x', '', 'z'])})`
  return (
    key +
    oneOf([
      `=${value}`,
      `==${value}`,
      `!=${value}`,
      ` in ${set}`,
      ` notin (${value})`,
      '',
      `>${value}`,
      ` < ${value}`,
      ' in ()',
      ` in(${value}`,
      `=!${value}`,
    ])
  )
}

test('label selectors are read, written and refused as by upstream’s library', { skip: missing }, () => {
  compare(8_000, () => {
    const noise = () => oneOf(chars('ab1 ,=!()<>-./_"é\t'))
    const a =
      random.below(3) === 0
        ? many(10, noise).join('')
        : many(3, () => oneOf(['', '!', '! ']) + labelTerm()).join(oneOf([',', ', ', ',,', ' ']))
    return { question: { ask: 'labels', a }, ours: () => formatSelector(parseLabelSelector(a)) }
  })
})

test('field selectors are read, written and refused as by upstream’s library', { skip: missing }, () => {
  compare(8_000, () => {
    const a = many(3, () => many(6, () => oneOf([...chars('ab=!\\,. '), '=='])).join('')).join(',')
    const ours = () => {
      const terms = parseFieldSelector(a)
      return formatFieldSelector(terms) + terms.map(({ field, op, value }) => `|${field}${op}${value}`).join('')
    }
    return { question: { ask: 'fields', a }, ours }
  })
})

const two = (max: number) => String(random.below(max)).padStart(2, '0')
const oddTimes = [
  '',
  'x',
  '2020',
  '2020-01-01',
  '2020-1-1T0:0:0Z',
  '2020-01-01t00:00:00z',
  '2020-01-01T00:00',
  '2020-01-01T00:00:00Zx',
  '2020-01-01T1:00:00Z',
]
const oddZones = [
  '+0100',
  '+01',
  '+24:00',
  '+25:00',
  '+01:61',
  '+ab:00',
  '+01:0x',
  '*01:00',
  '.Z',
  ',5Z',
  '"Z',
  'éZ',
  '.0000001Z',
  '.000000éZ',
  '',
]

function time(): string {
  if (random.below(8) === 0) return oneOf(oddTimes)
  const year = oneOf(['2020', '2021', '1970', '1969', '1600', '2400', '0500', '9999', '0000', '２020'])
  const zone = random.below(4) === 0 ? oneOf(oddZones) : oneOf(['Z', 'Z', '+01:00', '-05:30', '+14:00', '-00:00', 'z'])
  return `${year}-${two(14)}-${two(33)}T${two(25)}:${two(61)}:${two(61)}${oneOf(['', '.123456', `.${digits(9)}`])}${zone}`
}

test('times are read, written and refused as by upstream’s library', { skip: missing }, () => {
  compare(10_000, () => {
    const [type, a] = [oneOf(['time', 'micro']), time()]
    const ours = () => {
      const read = canonicalTime(a, type === 'time' ? 'seconds' : 'micros')
      return 'error' in read ? `error: ${read.error}` : JSON.stringify({ [type]: read.time })
    }
    return { question: { ask: 'time', type, a }, ours }
  })
})

const units = ['h', 'm', 's', 'ms', 'us', 'µs', 'ns']
const oddDurations = [
  '',
  '0',
  '-0',
  '+0',
  '1',
  '-',
  '.',
  '1 h',
  '1H',
  '1d',
  'h',
  '1e3s',
  '1μs',
  '-9223372036854775808ns',
  '2562048h',
  '0.0000000001s',
  '1é',
  '1"',
  '1h-1m',
]

test('durations are read, written and refused as by upstream’s library', { skip: missing }, () => {
  compare(10_000, () => {
    const part = () => digits(3) + oneOf(['', '', `.${digits(5)}`]) + oneOf(units)
    const a = random.below(4) === 0 ? oneOf(oddDurations) : oneOf(['', '', '-', '+']) + many(3, part).join('')
    const ours = () => {
      const nanos = parseGoDuration(a)
      return nanos === undefined ? `error: ${goDurationFault(a)}` : JSON.stringify({ duration: formatGoDuration(nanos) })
    }
    return { question: { ask: 'time', type: 'duration', a }, ours }
  })
})

/** Their clocks change by an hour and not at midnight: elsewhere upstream's library may leave out a time. */
const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'America/St_Johns', 'Pacific/Chatham']
const oddFields = [
  '',
  '-',
  '/',
  '*/0',
  '1-',
  'x',
  '1/2/3',
  '1-2-3',
  '*-5',
  '*/x',
  '1/-1',
  '5-1',
  '?/1',
  '?/2',
  '+1',
  'L',
  '1.5',
  '*/100',
  '**',
  '?-3',
  '9'.repeat(20),
]
const oddSchedules = [
  '@hourly',
  '@weekly',
  '@monthly',
  '@yearly',
  '@Hourly',
  '@every 1h',
  '@every 1.5s',
  '@every 100ms',
  '@every',
  '@every -1h',
  '@every 0',
  '@every 1d',
  '0 0 30 2 *',
  '* * * *',
  '0 0 * * 7',
]

function cronField(min: number, max: number, words: readonly string[] = []): string {
  const value = () => (words.length > 0 && random.below(4) === 0 ? oneOf(words) : String(min + random.below(max - min + 1)))
  const makers = [
    () => '*',
    () => '*',
    () => '?',
    value,
    value,
    () => `${value()}-${value()}`,
    () => `*/${1 + random.below(20)}`,
    () => `${value()}/${1 + random.below(9)}`,
  ]
  const part = () => (random.below(60) === 0 ? oneOf(oddFields) : oneOf(makers)())
  return [part(), ...(random.below(5) === 0 ? [part()] : [])].join(',')
}

function schedule(): string {
  if (random.below(15) === 0) return oneOf(oddSchedules)
  const months = cronField(1, 12, ['jan', 'FEB', 'Mar', 'dec'])
  const hours = random.below(3) === 0 ? cronField(0, 23) : oneOf(['1', '2', '3', '2,3', '1-3', '*'])
  return [cronField(0, 59), hours, cronField(1, 31), months, cronField(0, 6, ['sun', 'MON', 'Sat'])].join(oneOf([' ', '  ', '\t']))
}

test('schedules come when upstream’s library says, also where the clocks change', { skip: missing }, () => {
  compare(4_000, () => {
    const [a, type] = [schedule(), oneOf(zones)]
    const at = Date.UTC(
      2019 + random.below(11),
      oneOf([2, 3, 8, 9, 10, random.below(12)]),
      1 + random.below(31),
      random.below(24),
      random.below(60),
    )
    const b = `${new Date(at).toISOString().slice(0, 19)}Z`
    const ours = () => {
      const parsed = parseCronSchedule(a)
      const times: string[] = []
      let next: number | undefined = at
      while (times.length < 4 && next !== undefined) {
        next = nextTime(parsed, next, type)
        times.push(next === undefined ? 'never' : `${new Date(next).toISOString().slice(0, 19)}Z`)
      }
      return times.join(' ')
    }
    return { question: { ask: 'cron', type, a, b }, ours }
  })
})

test('shares are rounded as by upstream’s library', { skip: missing }, () => {
  compare(4_000, () => {
    const a = oneOf([String(random.below(20)), `${random.below(250)}%`, '05%'])
    const total = random.below(oneOf([5, 20, 1_000, 100_000]))
    const value = a.endsWith('%') ? a : Number(a)
    const ours = () => `${scaledValue(value, total, 'up')} ${scaledValue(value, total, 'down')}`
    return { question: { ask: 'scaled', a, b: String(total) }, ours }
  })
})
