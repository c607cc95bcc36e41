import { goBytesQuoted } from '../go-text.ts'

/** Durations as Go writes and reads them: `1h2m3.5s`, `300ms`, `0s`. */

const unitNanos: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
}
const nanosMax = 1n << 63n

/** Nanoseconds, exact up to 104 days; undefined for text that is no duration. */
export function parseGoDuration(text: string): number | undefined {
  const read = readDuration(text)
  return typeof read === 'bigint' ? Number(read) : undefined
}

/** What Go says of a text that is no duration. */
export function goDurationFault(text: string): string {
  const read = readDuration(text)
  return `time: ${typeof read === 'string' ? read : 'invalid duration'} ${goBytesQuoted(text)}`
}

/** Nanoseconds, or what is wrong. */
function readDuration(text: string): bigint | string {
  const isNegative = text.startsWith('-')
  const unsigned = text.replace(/^[-+]/, '')
  if (unsigned === '0') return 0n
  if (unsigned === '') return 'invalid duration'
  let total = 0n
  for (let rest = unsigned; rest !== ''; ) {
    const [part = '', whole = '', fraction = '', unit = ''] = /^(\d*)(?:\.(\d*))?([^\d.]*)/.exec(rest) ?? []
    if (whole === '' && fraction === '') return 'invalid duration'
    if (BigInt(whole || 0) > nanosMax) return 'invalid duration'
    if (unit === '') return 'missing unit in duration'
    const nanos = Object.hasOwn(unitNanos, unit) ? unitNanos[unit]! : undefined
    if (nanos === undefined) return `unknown unit ${goBytesQuoted(unit)} in duration`
    total += BigInt(whole || 0) * nanos + fractionNanos(fraction, nanos)
    if (total > nanosMax) return 'invalid duration'
    rest = rest.slice(part.length)
  }
  if (total === nanosMax && !isNegative) return 'invalid duration'
  return isNegative ? -total : total
}

/** Go counts a fraction in floating point, and drops what is less than a nanosecond. */
function fractionNanos(fraction: string, nanos: bigint): bigint {
  // Digits beyond 63 bits say nothing.
  let digits = fraction.slice(0, 18)
  if (fraction.length > 18 && BigInt(fraction.slice(0, 19)) <= nanosMax) digits = fraction.slice(0, 19)
  return digits === '' ? 0n : BigInt(Math.trunc(Number(digits) * (Number(nanos) / 10 ** digits.length)))
}

export function formatGoDuration(nanos: number): string {
  if (nanos === 0) return '0s'
  const sign = nanos < 0 ? '-' : ''
  const rest = Math.abs(nanos)
  if (rest < 1e3) return `${sign}${rest}ns`
  if (rest < 1e6) return `${sign}${rest / 1e3}µs`
  if (rest < 1e9) return `${sign}${rest / 1e6}ms`
  const hours = Math.floor(rest / 3600e9)
  const minutes = Math.floor((rest % 3600e9) / 60e9)
  const seconds = decimal(rest % 60e9)
  return `${sign}${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${seconds}s`
}

/** Seconds with up to nine decimals, never in the form of an exponent. */
function decimal(nanos: number): string {
  const fraction = String(nanos % 1e9)
    .padStart(9, '0')
    .replace(/0+$/, '')
  return `${Math.floor(nanos / 1e9)}${fraction === '' ? '' : `.${fraction}`}`
}
