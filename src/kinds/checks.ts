import { type FieldError, fieldErrors } from '../machinery/field-error.ts'
import { inclusiveRange, portName, portNumber, qualifiedName } from '../machinery/names.ts'
import { isQuantity, quantityMilli } from '../machinery/quantity.ts'

/**
 * Building blocks of validation. Each looks at one value and adds what is wrong with it to `errors`; a fine value costs no
 * allocation. Words are upstream's.
 */
export type Errors = FieldError[]

export type Rule = (value: string) => readonly string[]

export const notNegative = 'must be greater than or equal to 0'
export const notPositive = 'must be greater than zero'
export const immutable = 'field is immutable'

/** A name by its rule; an absent or empty one is fine. */
export function checkOptionalName(errors: Errors, field: string, value: string | null | undefined, rule: Rule): void {
  if (value === undefined || value === null || value === '') return
  const messages = rule(value)
  for (let i = 0; i < messages.length; i++) errors.push(fieldErrors.invalid(field, value, messages[i]!))
}

/** A name by its rule; only an absent one is fine. */
export function checkGivenName(errors: Errors, field: string, value: string | null | undefined, rule: Rule): void {
  if (value !== undefined && value !== null) for (const message of rule(value)) errors.push(fieldErrors.invalid(field, value, message))
}

/** A name by its rule, an empty one too. */
export function checkName(errors: Errors, field: string, value: string | undefined, rule: Rule): void {
  const messages = rule(value ?? '')
  for (let i = 0; i < messages.length; i++) errors.push(fieldErrors.invalid(field, value ?? '', messages[i]!))
}

export function checkRequiredName(errors: Errors, field: string, value: string | undefined, rule: Rule): void {
  if (checkRequired(errors, field, value)) checkOptionalName(errors, field, value, rule)
}

/** False when the text is absent or empty, which is noted. */
export function checkRequired(errors: Errors, field: string, value: unknown, detail = ''): boolean {
  if (value !== undefined && value !== null && value !== '') return true
  errors.push(fieldErrors.required(field, detail))
  return false
}

export function checkEnum(errors: Errors, field: string, value: string | undefined, supported: readonly string[]): void {
  if (value === undefined || value === '') errors.push(fieldErrors.required(field))
  else if (!supported.includes(value)) errors.push(fieldErrors.notSupported(field, value, supported))
}

export function checkOptionalEnum(errors: Errors, field: string, value: string | undefined, supported: readonly string[]): void {
  if (value !== undefined && !supported.includes(value)) errors.push(fieldErrors.notSupported(field, value, supported))
}

export function checkNonNegative(errors: Errors, field: string, value: number | undefined): void {
  if (value !== undefined && value < 0) errors.push(fieldErrors.invalid(field, value, notNegative))
}

export function checkRange(errors: Errors, field: string, value: number | undefined, low: number, high: number): void {
  if (value !== undefined && (value < low || value > high)) errors.push(fieldErrors.invalid(field, value, inclusiveRange(low, high)))
}

/** A port that must be given: 0 and absent count as missing. */
export function checkRequiredPort(errors: Errors, field: string, value: number | undefined): void {
  if (!value) errors.push(fieldErrors.required(field))
  else checkPort(errors, field, value)
}

export function checkPort(errors: Errors, field: string, value: number): void {
  if (value >= 1 && value <= 65535) return
  for (const message of portNumber(value)) errors.push(fieldErrors.invalid(field, value, message))
}

export function checkPortOrName(errors: Errors, field: string, value: string | number | undefined): void {
  if (typeof value === 'string') for (const message of portName(value)) errors.push(fieldErrors.invalid(field, value, message))
  else checkPort(errors, field, value ?? 0)
}

/** User and group ids. */
export function checkId(errors: Errors, field: string, value: number | undefined): void {
  checkRange(errors, field, value, 0, 2147483647)
}

export function checkFileMode(errors: Errors, field: string, value: number | undefined): void {
  if (value !== undefined && (value < 0 || value > 0o777))
    errors.push(fieldErrors.invalid(field, value, 'must be a number between 0 and 0777 (octal), both inclusive'))
}

/** A path below its root: relative and without `..`. */
export function checkDescendingPath(errors: Errors, field: string, value: string): void {
  if (value.startsWith('/')) errors.push(fieldErrors.invalid(field, value, 'must be a relative path'))
  checkNoBacksteps(errors, field, value)
}

export function checkNoBacksteps(errors: Errors, field: string, value: string): void {
  if (hasBacksteps(value)) errors.push(fieldErrors.invalid(field, value, "must not contain '..'"))
}

export function hasBacksteps(path: string): boolean {
  return path.includes('..') && path.split('/').includes('..')
}

/** A file inside a volume that the kubelet writes: names that begin with `..` are its own. */
export function checkVolumeFilePath(errors: Errors, field: string, value: string): void {
  checkDescendingPath(errors, field, value)
  if (value.startsWith('..') && !value.startsWith('../') && value !== '..')
    errors.push(fieldErrors.invalid(field, value, "must not start with '..'"))
}

export function checkQualifiedName(errors: Errors, field: string, value: string | undefined): void {
  const messages = qualifiedName(value ?? '')
  for (let i = 0; i < messages.length; i++) errors.push(fieldErrors.invalid(field, value ?? '', messages[i]!))
}

/** False for text that is no quantity, which is noted. */
export function checkQuantity(errors: Errors, field: string, value: string | number): boolean {
  if (isQuantity(value)) return true
  errors.push(
    fieldErrors.invalid(field, value, "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"),
  )
  return false
}

export function checkNonNegativeQuantity(errors: Errors, field: string, value: string | number): boolean {
  if (!checkQuantity(errors, field, value)) return false
  if (quantityMilli(value) < 0) errors.push(fieldErrors.invalid(field, String(value), notNegative))
  return true
}
