import { goBytesQuoted } from '../go-text.ts'

/**
 * Times as upstream's server reads and writes them: RFC 3339 with the freedoms of Go's parser (an hour of one digit, any number of
 * decimals, a comma for the point), and its words for what is wrong. A MicroTime has six decimals, no more and no less.
 */

export type TimePrecision = 'seconds' | 'micros'

/** The moment in the canonical form, in UTC, or what Go says of the text. */
export function canonicalTime(text: string, precision: TimePrecision): { readonly time: string } | { readonly error: string } {
  const reader = new TimeReader(text, precision)
  try {
    return { time: reader.read() }
  } catch (error) {
    if (error instanceof TimeFault) return { error: `parsing time ${goBytesQuoted(text)}${error.message}` }
    throw error
  }
}

class TimeFault extends Error {}

const layouts: Readonly<Record<TimePrecision, string>> = {
  seconds: '2006-01-02T15:04:05Z07:00',
  micros: '2006-01-02T15:04:05.000000Z07:00',
}

class TimeReader {
  #rest: string
  readonly #precision: TimePrecision

  constructor(text: string, precision: TimePrecision) {
    this.#rest = text
    this.#precision = precision
  }

  read(): string {
    const year = this.#take(/^\d{4}/, '2006')
    const month = this.#number(/^\d\d/, { before: '-', as: '01', name: 'month', min: 1, max: 12 })
    const day = this.#number(/^\d\d/, { before: '-', as: '02' })
    const hour = this.#number(/^\d\d?/, { before: 'T', as: '15', name: 'hour', min: 0, max: 23 })
    const minute = this.#number(/^\d\d/, { before: ':', as: '04', name: 'minute', min: 0, max: 59 })
    const second = this.#number(/^\d\d/, { before: ':', as: '05', name: 'second', min: 0, max: 59 })
    const decimals = this.#precision === 'seconds' ? this.#anyDecimals() : this.#micros()
    const offsetMinutes = this.#zone()
    if (this.#rest !== '') throw new TimeFault(`: extra text: ${goBytesQuoted(this.#rest)}`)
    // Not Date.UTC: it takes years below 100 for some of the last century.
    const date = new Date(0)
    date.setUTCFullYear(Number(year), month - 1, day)
    if (day < 1 || date.getUTCMonth() !== month - 1) throw new TimeFault(': day out of range')
    date.setUTCHours(hour, minute - offsetMinutes, second)
    return format(date, decimals)
  }

  #take(pattern: RegExp, as: string): string {
    const [found] = pattern.exec(this.#rest) ?? []
    if (found === undefined) throw this.#cannotParse(as)
    this.#rest = this.#rest.slice(found.length)
    return found
  }

  #number(pattern: RegExp, field: { before: string; as: string; name?: string; min?: number; max?: number }): number {
    if (!this.#rest.startsWith(field.before)) throw this.#cannotParse(field.before)
    this.#rest = this.#rest.slice(1)
    const value = Number(this.#take(pattern, field.as))
    if (value < (field.min ?? 0) || value > (field.max ?? 99)) throw new TimeFault(`: ${field.name} out of range`)
    return value
  }

  /** They say nothing: a Time has whole seconds. */
  #anyDecimals(): string {
    this.#rest = this.#rest.replace(/^[.,]\d+/, '')
    return ''
  }

  #micros(): string {
    const as = '.000000'
    const [found, digits] = /^[.,](\d{6})/.exec(this.#rest) ?? []
    if (found === undefined) throw this.#cannotParse(as)
    this.#rest = this.#rest.slice(found.length)
    return `.${digits}`
  }

  /** Minutes ahead of UTC. */
  #zone(): number {
    const as = 'Z07:00'
    if (this.#rest.startsWith('Z')) {
      this.#rest = this.#rest.slice(1)
      return 0
    }
    if (byteLength(this.#rest) < as.length || this.#rest[3] !== ':') throw this.#cannotParse(as)
    const [, sign = '', hours = '', minutes = ''] = /^(.)(..):(..)/s.exec(this.#rest) ?? []
    const isNumber = /^\d\d$/.test(hours) && /^\d\d$/.test(minutes)
    if (/^\d\d$/.test(hours) && Number(hours) > 24) throw new TimeFault(': time zone offset hour out of range')
    if (isNumber && Number(minutes) > 60) throw new TimeFault(': time zone offset minute out of range')
    if (!isNumber || (sign !== '+' && sign !== '-')) throw this.#cannotParse(as)
    this.#rest = this.#rest.slice(as.length)
    return (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1)
  }

  #cannotParse(as: string): TimeFault {
    return new TimeFault(` as "${layouts[this.#precision]}": cannot parse ${goBytesQuoted(this.#rest)} as "${as}"`)
  }
}

function format(date: Date, decimals: string): string {
  const year = date.getUTCFullYear()
  const years = `${year < 0 ? '-' : ''}${String(Math.abs(year)).padStart(4, '0')}`
  return `${years}${date
    .toISOString()
    .replace(/^[+-]?\d+/, '')
    .slice(0, 15)}${decimals}Z`
}

const byteLength = (text: string) => Buffer.byteLength(text)
