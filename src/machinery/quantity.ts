/**
 * Resource quantities (`100m`, `1.5Gi`, `12e6`), with upstream's grammar, arithmetic and canonical form
 * (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/).
 *
 * Invariants:
 * 1. An amount is an exact count of 10⁻⁹ units; text finer than that is rounded away from zero, as upstream rounds.
 * 2. `canonicalQuantity(canonicalQuantity(x)) === canonicalQuantity(x)`, and both have the same amount.
 * 3. Parsing is bounded: text over 1,024 characters, or an exponent over 9,999, is refused before any big arithmetic.
 */

export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent'

/** An exact amount in 10⁻⁹ units, and the family of suffixes that it is written with. */
export type Quantity = { readonly nano: bigint; readonly format: QuantityFormat }

/** Text that is no quantity; the message is upstream's. */
export class QuantityError extends Error {
  override name = 'QuantityError'
}

const nanosPerUnit = 1_000_000_000n
const textLengthMax = 1024
const exponentMax = 9999
/** Binary quantities are capped here (2⁶³−1 units), as upstream caps them. */
const binaryUnitsMax = (1n << 63n) - 1n
const cacheEntriesMax = 4096

const wrongFormat = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
const wrongNumber = 'unable to parse numeric part of quantity'
const wrongSuffix = "unable to parse quantity's suffix"

const decimalExponents: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 }
const binaryExponents: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 }
const decimalSuffixes = new Map(Object.entries(decimalExponents).map(([suffix, exponent]) => [exponent, suffix]))
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']

/** Quantities repeat endlessly in a cluster (`100m`, `128Mi`); the cache is dropped whole when full. */
const parsed = new Map<string, Quantity>()
const milliValues = new Map<string, number>()
const wholeValues = new Map<string, number>()
const canonicalTexts = new Map<string, string>()
const writtenTexts = new Map<string, string>()

/** Parses text or a JSON number. Throws QuantityError with upstream's message. */
export function parseQuantity(quantity: string | number): Quantity {
  const text = typeof quantity === 'number' ? String(quantity) : quantity
  const known = parsed.get(text)
  if (known) return known
  return remember(parsed, text, parse(text))
}

/** Thousandths of a unit (millicores for CPU), rounded away from zero. */
export function quantityMilli(quantity: string | number): number {
  if (typeof quantity === 'number' && Number.isInteger(quantity)) return quantity * 1000
  const text = String(quantity)
  return milliValues.get(text) ?? remember(milliValues, text, Number(divideRoundingAway(parseQuantity(text).nano, 1_000_000n)))
}

/** Whole units (bytes for memory), rounded away from zero. */
export function quantityValue(quantity: string | number): number {
  if (typeof quantity === 'number' && Number.isInteger(quantity)) return quantity
  const text = String(quantity)
  return wholeValues.get(text) ?? remember(wholeValues, text, Number(divideRoundingAway(parseQuantity(text).nano, nanosPerUnit)))
}

/** −1, 0 or 1 by amount; the formats do not matter. */
export function compareQuantity(a: string | number, b: string | number): -1 | 0 | 1 {
  const left = parseQuantity(a).nano
  const right = parseQuantity(b).nano
  return left < right ? -1 : left > right ? 1 : 0
}

/** The sum in canonical form, written in the first operand's family (or the second's when the first is zero). */
export function addQuantity(a: string | number, b: string | number): string {
  return combine(parseQuantity(a), parseQuantity(b), 1n)
}

/** The difference in canonical form, written as `addQuantity` writes the sum. */
export function subtractQuantity(a: string | number, b: string | number): string {
  return combine(parseQuantity(a), parseQuantity(b), -1n)
}

export function isQuantity(text: unknown): boolean {
  if (typeof text !== 'string' && typeof text !== 'number') return false
  try {
    parseQuantity(text)
    return true
  } catch (error) {
    if (error instanceof QuantityError) return false
    throw error
  }
}

/** The one way upstream writes this amount: `1000m` → `1`, `0.5Gi` → `512Mi`, `1024` → `1024`. Throws QuantityError. */
export function canonicalQuantity(quantity: string | number): string {
  const text = String(quantity)
  return canonicalTexts.get(text) ?? remember(canonicalTexts, text, formatQuantity(parseQuantity(text)))
}

/**
 * What upstream's server writes of a quantity that it has read: the canonical form, or the text itself where that has the canonical
 * number in other clothes (`+3k`, `03Gi`, `3E3`, `1.500M`) and 64 bits hold it with ease. Throws QuantityError.
 */
export function writtenQuantity(quantity: string | number): string {
  const text = String(quantity)
  return writtenTexts.get(text) ?? remember(writtenTexts, text, isLeftAsItIs(text) ? text : canonicalQuantity(text))
}

function isLeftAsItIs(text: string): boolean {
  const { nano } = parseQuantity(text)
  const [, , whole = '', fraction = '', suffix = ''] = shape.exec(text) ?? []
  const { exponent, format } = interpretSuffix(suffix)
  const units = whole.replace(/^0+/, '')
  const digits = units + fraction
  if (nano === 0n || units === '' || digits.endsWith('000')) return false
  if (format !== 'BinarySI') return digits.length <= 18 && exponent - fraction.length >= -9 && (exponent - fraction.length) % 3 === 0
  return fraction === '' && digits.length + Math.trunc(exponent * 0.3) <= 14 && Number(digits) % 8 !== 0
}

/** A quantity of whole units. */
export function quantityOfUnits(units: number | bigint, format: QuantityFormat = 'DecimalSI'): Quantity {
  return { nano: BigInt(units) * nanosPerUnit, format }
}

/** A quantity of thousandths. */
export function quantityOfMilli(milli: number, format: QuantityFormat = 'DecimalSI'): Quantity {
  return { nano: BigInt(milli) * 1_000_000n, format }
}

/** Writes the amount with the largest suffix that loses nothing. */
export function formatQuantity({ nano, format }: Quantity): string {
  if (nano === 0n) return '0'
  if (format === 'BinarySI' && nano % nanosPerUnit === 0n) {
    const units = nano / nanosPerUnit
    if (units <= -1024n || units >= 1024n) return formatBinary(units)
  }
  let amount = nano
  let exponent = -9
  const exponentLimit = format === 'DecimalExponent' ? Number.POSITIVE_INFINITY : 18
  while (exponent < exponentLimit && amount % 1000n === 0n) {
    amount /= 1000n
    exponent += 3
  }
  if (format === 'DecimalExponent') return exponent === 0 ? String(amount) : `${amount}e${exponent}`
  return `${amount}${decimalSuffixes.get(exponent)}`
}

function formatBinary(units: bigint): string {
  let amount = units
  let power = 0
  while (power < 6 && amount % 1024n === 0n) {
    amount /= 1024n
    power++
  }
  return `${amount}${binarySuffixes[power]}`
}

const shape = /^([+-]?)(\d*)(?:\.(\d*))?([eEinumkKMGTP]*(?:[+-]?)\d*)$/

function parse(text: string): Quantity {
  if (text === '' || text.length > textLengthMax) throw new QuantityError(wrongFormat)
  const match = shape.exec(text)
  if (!match) throw new QuantityError(wrongFormat)
  const [, sign, whole = '', fraction = '', suffix = ''] = match
  const { exponent, format } = interpretSuffix(suffix)
  // Where there are no digits, upstream reads a zero; but before the extremes of suffixes, which it reads in another way.
  if (whole === '' && fraction === '' && (format === 'BinarySI' ? exponent >= 50 : exponent < -9)) throw new QuantityError(wrongNumber)
  const isZero = /^0*$/.test(whole + fraction)
  if (Math.abs(exponent) > exponentMax && !isZero) throw new QuantityError(wrongSuffix)
  if (isZero) return { nano: 0n, format }
  const magnitude = format === 'BinarySI' ? binaryNanos(whole, fraction, exponent) : decimalNanos(whole, fraction, exponent)
  const nano = sign === '-' ? -magnitude : magnitude
  const isFractionOfOne = format === 'BinarySI' && nano > 0n && nano < nanosPerUnit
  return { nano, format: isFractionOfOne ? 'DecimalSI' : format }
}

function interpretSuffix(suffix: string): { exponent: number; format: QuantityFormat } {
  const decimal = Object.hasOwn(decimalExponents, suffix) ? decimalExponents[suffix] : undefined
  if (decimal !== undefined) return { exponent: decimal, format: 'DecimalSI' }
  const binary = Object.hasOwn(binaryExponents, suffix) ? binaryExponents[suffix] : undefined
  if (binary !== undefined) return { exponent: binary, format: 'BinarySI' }
  if (!/^[eE][+-]?\d+$/.test(suffix)) throw new QuantityError(wrongSuffix)
  return { exponent: Number(suffix.slice(1)), format: 'DecimalExponent' }
}

function decimalNanos(whole: string, fraction: string, exponent: number): bigint {
  const digits = BigInt(`0${whole}${fraction}`)
  const shift = exponent + 9 - fraction.length
  return shift >= 0 ? digits * 10n ** BigInt(shift) : divideRoundingAway(digits, 10n ** BigInt(-shift))
}

function binaryNanos(whole: string, fraction: string, exponent: number): bigint {
  const scaled = (BigInt(`0${whole}${fraction}`) << BigInt(exponent)) * nanosPerUnit
  const nanos = divideRoundingAway(scaled, 10n ** BigInt(fraction.length))
  const most = binaryUnitsMax * nanosPerUnit
  return nanos > most ? most : nanos
}

function divideRoundingAway(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor
  if (dividend % divisor === 0n) return quotient
  return dividend > 0n ? quotient + 1n : quotient - 1n
}

function combine(a: Quantity, b: Quantity, sign: 1n | -1n): string {
  return formatQuantity({ nano: a.nano + sign * b.nano, format: a.nano === 0n ? b.format : a.format })
}

function remember<V>(cache: Map<string, V>, text: string, value: V): V {
  if (cache.size >= cacheEntriesMax) cache.clear()
  cache.set(text, value)
  return value
}
