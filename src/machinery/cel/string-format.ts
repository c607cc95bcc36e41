import { doubleText } from './conversions.ts'
import { EvaluationError, spendSteps } from './evaluation-error.ts'
import { formatDuration, formatTimestamp } from './time.ts'
import { type CelList, CelUint, typeNameOf, type Value } from './value.ts'

/** The format of `'%s is %d'.format([a, b])` (https://pkg.go.dev/github.com/google/cel-go/ext#Strings). Throws EvaluationError. */
export function formatText(format: string, args: CelList): string {
  let next = 0
  return format.replace(/%(?:%|(?:\.(\d+))?(.?))/gsu, (clause: string, precision: string | undefined, verb: string | undefined) => {
    if (clause === '%%') return '%'
    if (!verb) throw new EvaluationError('unexpected end of string')
    if (next >= args.size) throw new EvaluationError(`index ${next} out of range`)
    return clauseText(verb, args.at(next++), precision === undefined ? undefined : Number(precision))
  })
}

function clauseText(verb: string, value: Value, precision: number | undefined): string {
  const digits = Math.min(precision ?? 6, 100)
  switch (verb) {
    case 's':
      return textOf(value)
    case 'd':
      return typeof value === 'number' ? special(value, 'decimal') : String(whole(value, 'decimal'))
    case 'f':
      return floating(value, (number) => fixed(number, digits), 'fixed-point')
    case 'e':
      return floating(value, (number) => number.toExponential(digits).replace(/e([+-])(\d)$/, 'e$10$2'), 'scientific')
    case 'b':
      return typeof value === 'boolean' ? (value ? '1' : '0') : whole(value, 'binary').toString(2)
    case 'o':
      return whole(value, 'octal').toString(8)
    case 'x':
      return hexadecimal(value)
    case 'X':
      return hexadecimal(value).toUpperCase()
    default:
      throw new EvaluationError(`could not parse formatting clause: unrecognized formatting clause "${verb}"`)
  }
}

/** Halves go to the even neighbour, as in Go; JavaScript takes the larger. */
function fixed(number: number, digits: number): string {
  const text = number.toFixed(digits)
  const exact = number.toFixed(Math.min(digits + 30, 100))
  const isTie = /^50*$/.test(exact.slice(digits === 0 ? exact.indexOf('.') + 1 : text.length))
  if (!isTie || Number(text.at(-1)) % 2 === 0) return text
  return digits === 0 ? exact.slice(0, exact.indexOf('.')) : exact.slice(0, text.length)
}

function whole(value: Value, what: string): bigint {
  if (typeof value === 'bigint') return value
  if (value instanceof CelUint) return value.value
  throw new EvaluationError(`error during formatting: ${what} clause can only be used on integers, was given ${typeNameOf(value)}`)
}

function special(value: number, what: string): string {
  if (Number.isFinite(value)) return whole(value, what).toString()
  return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity'
}

function floating(value: Value, write: (number: number) => string, what: string): string {
  const number =
    typeof value === 'number'
      ? value
      : typeof value === 'bigint'
        ? Number(value)
        : value instanceof CelUint
          ? Number(value.value)
          : undefined
  if (number === undefined)
    throw new EvaluationError(`error during formatting: ${what} clause can only be used on doubles, was given ${typeNameOf(value)}`)
  return Number.isFinite(number) ? write(number) : special(number, what)
}

function hexadecimal(value: Value): string {
  if (typeof value === 'string') return Buffer.from(value).toString('hex')
  if (typeof value === 'object' && value !== null && value.kind === 'bytes') return Buffer.from(value.bytes).toString('hex')
  return whole(value, 'hex').toString(16)
}

/** A value as `%s` writes it. */
function textOf(value: Value): string {
  spendSteps(1)
  switch (typeof value) {
    case 'string':
      return value
    case 'number':
      return Number.isFinite(value) ? doubleText(value) : special(value, 'string')
    case 'object':
      return value === null ? 'null' : objectText(value)
    default:
      return String(value)
  }
}

function objectText(value: Exclude<Value, null | string | bigint | number | boolean>): string {
  switch (value.kind) {
    case 'uint':
      return String(value.value)
    case 'bytes':
      return Buffer.from(value.bytes).toString()
    case 'timestamp':
      return formatTimestamp(value)
    case 'duration':
      return formatDuration(value)
    case 'type':
      return value.name
    case 'list':
      return `[${Array.from({ length: value.size }, (_, i) => textOf(value.at(i))).join(', ')}]`
    case 'map':
      return `{${value
        .keys()
        .map((key) => `${textOf(key)}: ${textOf(value.get(key)!)}`)
        .sort()
        .join(', ')}}`
    default:
      throw new EvaluationError(
        `error during formatting: string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given ${typeNameOf(value)}`,
      )
  }
}
