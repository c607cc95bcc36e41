import { EvaluationError } from './evaluation-error.ts'
import { type Overload, overload } from './overload.ts'
import { sizeOf, traversal } from './size.ts'
import { formatDuration, formatTimestamp, parseDuration, parseTimestamp, timestampOf } from './time.ts'
import {
  CelBytes,
  type CelDuration,
  type CelTimestamp,
  CelTypeValue,
  CelUint,
  int64Max,
  int64Min,
  typeNameOf,
  uint64Max,
  type Value,
} from './value.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const ofFirst = (value: Value) => traversal(sizeOf(value))

export function conversionOverloads(): Overload[] {
  return [...toNumbers(), ...toTexts(), ...toTimes(), ...toOthers()]
}

function toNumbers(): Overload[] {
  return [
    overload('int(int): int', (a: bigint) => a),
    overload('int(uint): int', (a: CelUint) => inside(a.value, int64Min, int64Max)),
    overload('int(double): int', (a: number) => doubleToInt(a)),
    overload('int(string): int', (a: string) => wholeNumber(a, 'int')),
    overload('int(timestamp): int', (a: CelTimestamp) => BigInt(a.seconds)),
    overload('int(duration): int', (a: CelDuration) => a.nanos),
    overload('uint(uint): uint', (a: CelUint) => a),
    overload('uint(int): uint', (a: bigint) => new CelUint(inside(a, 0n, uint64Max))),
    overload('uint(double): uint', (a: number) => {
      if (!(a >= 0 && a < 2 ** 64)) throw new EvaluationError('unsigned integer overflow')
      return new CelUint(BigInt(Math.trunc(a)))
    }),
    overload('uint(string): uint', (a: string) => new CelUint(wholeNumber(a, 'uint'))),
    overload('double(double): double', (a: number) => a),
    overload('double(int): double', (a: bigint) => Number(a)),
    overload('double(uint): double', (a: CelUint) => Number(a.value)),
    overload('double(string): double', textToDouble),
  ]
}

/** Of a text that says no such value. */
const notConverted = (to: string) => new EvaluationError(`type conversion error from 'string' to '${to}'`)

function inside(value: bigint, low: bigint, high: bigint): bigint {
  if (value < low || value > high) throw new EvaluationError(low === 0n ? 'unsigned integer overflow' : 'integer overflow')
  return value
}

function doubleToInt(value: number): bigint {
  if (!(value > -(2 ** 63) && value < 2 ** 63)) throw new EvaluationError('integer overflow')
  return BigInt(Math.trunc(value))
}

function wholeNumber(text: string, to: 'int' | 'uint'): bigint {
  if (!/^[+-]?\d{1,40}$/.test(text)) throw notConverted(to)
  const value = BigInt(text.replace('+', ''))
  if (to === 'int' ? value < int64Min || value > int64Max : value > uint64Max || /^[+-]/.test(text)) throw notConverted(to)
  return value
}

function textToDouble(text: string): number {
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return Number(text)
  if (/^[+-]?inf(?:inity)?$/i.test(text)) return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  if (/^nan$/i.test(text)) return Number.NaN
  throw notConverted('double')
}

function toTexts(): Overload[] {
  return [
    overload('string(string): string', (a: string) => a),
    overload('string(bool): string', String),
    overload('string(int): string', String),
    overload('string(uint): string', (a: CelUint) => String(a.value)),
    overload('string(double): string', doubleText),
    overload('string(bytes): string', bytesText, { cost: ofFirst }),
    overload('string(timestamp): string', formatTimestamp),
    overload('string(duration): string', formatDuration),
    overload('bytes(bytes): bytes', (a: CelBytes) => a),
    overload('bytes(string): bytes', (a: string) => new CelBytes(encoder.encode(a)), { cost: ofFirst }),
  ]
}

/** As Go's shortest form (`%g`) writes it. */
export function doubleText(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  if (Object.is(value, -0)) return '-0'
  const [digits = '', exponent = '0'] = value.toExponential().split('e')
  const power = Number(exponent)
  if (power >= -4 && power < 21) return power >= 21 ? String(value) : plainText(value)
  return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`
}

function plainText(value: number): string {
  const text = String(value)
  if (!text.includes('e')) return text
  return value.toFixed(20).replace(/\.?0+$/, '')
}

function bytesText({ bytes }: CelBytes): string {
  try {
    return decoder.decode(bytes)
  } catch {
    throw new EvaluationError('invalid UTF-8 in bytes, cannot convert to string')
  }
}

function toTimes(): Overload[] {
  return [
    overload('timestamp(timestamp): timestamp', (a: CelTimestamp) => a),
    overload('timestamp(string): timestamp', (a: string) => converted(() => parseTimestamp(a), 'google.protobuf.Timestamp')),
    overload('timestamp(int): timestamp', (a: bigint) => timestampOf(Number(a), 0)),
    overload('duration(duration): duration', (a: CelDuration) => a),
    overload('duration(string): duration', (a: string) => converted(() => parseDuration(a), 'google.protobuf.Duration')),
  ]
}

function converted<T>(read: () => T, to: string): T {
  try {
    return read()
  } catch (error) {
    throw error instanceof EvaluationError && error.message !== 'timestamp overflow' ? notConverted(to) : error
  }
}

function toOthers(): Overload[] {
  return [
    overload('bool(bool): bool', (a: boolean) => a),
    overload('bool(string): bool', textToBool),
    overload('dyn(A): dyn', (a: Value) => a),
    overload('type(A): type<A>', (a: Value) => new CelTypeValue(typeNameOf(a))),
  ]
}

function textToBool(text: string): boolean {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false
  throw notConverted('bool')
}
