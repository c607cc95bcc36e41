import { fieldErrors } from '../machinery/field-error.ts'
import { percent } from '../machinery/names.ts'
import { type Errors, notNegative } from './checks.ts'

/** A count (`3`) or a share (`25%`). */
export type IntOrPercent = string | number

/** The number that stands for it out of `total`; shares are rounded up or down as told. Text that is no share counts as 0. */
export function scaledValue(value: IntOrPercent | undefined, total: number, rounding: 'up' | 'down'): number {
  if (value === undefined) return 0
  if (typeof value === 'number') return value
  const share = sharePercent(value)
  if (share === undefined) return 0
  const exact = (share * total) / 100
  return rounding === 'up' ? Math.ceil(exact) : Math.floor(exact)
}

export function checkIntOrPercent(errors: Errors, field: string, value: IntOrPercent | undefined): void {
  if (typeof value === 'string') for (const message of percent(value)) errors.push(fieldErrors.invalid(field, value, message))
  else if (value !== undefined && value < 0) errors.push(fieldErrors.invalid(field, value, notNegative))
}

export function checkAtMost100Percent(errors: Errors, field: string, value: IntOrPercent | undefined): void {
  if (typeof value === 'string' && (sharePercent(value) ?? 0) > 100)
    errors.push(fieldErrors.invalid(field, value, 'must not be greater than 100%'))
}

/** Whether it is `0` or `0%`; so is text that is neither number nor share, as upstream has it. */
export function isZero(value: IntOrPercent | undefined): boolean {
  if (typeof value !== 'string') return value === undefined || value === 0
  return (sharePercent(value) ?? (/^[+-]?\d+$/.test(value) ? Number(value) : 0)) === 0
}

function sharePercent(value: string): number | undefined {
  return /^\d+%$/.test(value) ? Number(value.slice(0, -1)) : undefined
}
