import { type FieldError, fieldErrors } from '../field-error.ts'
import type { JsonSchema } from './json-schema.ts'

/**
 * Numbers by their type, format and bounds, in upstream's words and with its arithmetic: a whole number is compared with the whole parts of
 * the bounds. Undefined where every number passes.
 */
export function numberCheck(
  schema: JsonSchema,
): ((value: unknown, old: unknown, path: string, result: { readonly errors: FieldError[] }) => void) | undefined {
  const { minimum, maximum, exclusiveMinimum = false, exclusiveMaximum = false, multipleOf } = schema
  const range = rangeOf(schema)
  const fits = rangesOf[range]!
  if (range === '' && minimum === undefined && maximum === undefined && multipleOf === undefined) return undefined
  return (value, _old, path, { errors }) => {
    if (typeof value !== 'number') return
    const isNative = Number.isInteger(value) && fitsInt64(value)
    const outside = (what: string) =>
      fieldErrors.invalid('<nil>', '', `${what} value must be of type ${describe(schema, range)} in ${path}`)
    const invalid = (shown: number, why: string) => errors.push(fieldErrors.invalid(path || '<nil>', shown, why))
    /** What a bound is for this value. */
    const bound = (limit: number, what: string) => {
      if (!fits(limit)) errors.push(outside(what))
      return isNative && fits(limit) ? Math.trunc(limit) : limit
    }
    if (!fits(value)) errors.push(outside('Checked'))
    if (multipleOf !== undefined) {
      const factor = bound(multipleOf, 'MultipleOf')
      if (factor <= 0) invalid(factor, `factor MultipleOf declared for ${path} must be positive: ${factor}`)
      else if (!isMultiple(value, factor)) invalid(value, `${path} in body should be a multiple of ${factor}`)
    }
    if (minimum !== undefined) {
      const least = bound(minimum, 'Minimum boundary')
      if (exclusiveMinimum ? value <= least : value < least)
        invalid(value, `${path} in body should be greater than ${exclusiveMinimum ? '' : 'or equal to '}${least}`)
    }
    if (maximum !== undefined) {
      const most = bound(maximum, 'Maximum boundary')
      if (exclusiveMaximum ? value >= most : value > most)
        invalid(value, `${path} in body should be less than ${exclusiveMaximum ? '' : 'or equal to '}${most}`)
    }
  }
}

const int64Bound = 2 ** 63
const int32Max = 2 ** 31 - 1
const fitsInt64 = (value: number) => value >= -int64Bound && value < int64Bound

/** Which numbers a type and format take; '' takes all. */
const rangesOf: Readonly<Record<string, (value: number) => boolean>> = {
  '': () => true,
  integer: (value) => Number.isInteger(value) && fitsInt64(value),
  int32: (value) => Number.isInteger(value) && value >= -int32Max - 1 && value <= int32Max,
  float: (value) => Number.isFinite(Math.fround(value)),
}

function rangeOf({ type, format, 'x-kubernetes-int-or-string': isEither }: JsonSchema): string {
  if (isEither) return ''
  if (type === 'integer') return format === 'int32' ? 'int32' : 'integer'
  return type === 'number' && format === 'float' ? 'float' : ''
}

function describe({ type, format }: JsonSchema, range: string): string {
  const isStated = range !== 'integer' || format === 'int64'
  return `${type} ${isStated ? `with format ${format}` : '(default format)'}`
}

/** Fractions are compared with some grace, as Go's swag does. */
function isMultiple(value: number, factor: number): boolean {
  const quotient = factor < 1 ? (1 / factor) * value : value / factor
  const whole = Math.trunc(quotient)
  return quotient === whole || Math.abs(quotient - whole) / (Math.abs(quotient) + Math.abs(whole)) < 1e-9
}
