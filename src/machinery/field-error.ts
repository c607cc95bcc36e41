/** One thing wrong with one field, worded as upstream's field.Error: the message is the part after `path: `. */
export type FieldError = { readonly field: string; readonly reason: FieldErrorReason; readonly message: string }

export type FieldErrorReason =
  | 'FieldValueRequired'
  | 'FieldValueDuplicate'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueForbidden'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'FieldValueNotFound'
  | 'FieldValueTypeInvalid'
  | 'InternalError'

/** Builders with upstream's wording (k8s.io/apimachinery/pkg/util/validation/field). `detail` may be empty. */
export const fieldErrors = {
  required: (field: string, detail = ''): FieldError => ({ field, reason: 'FieldValueRequired', message: join('Required value', detail) }),
  duplicate: (field: string, value: unknown): FieldError => ({
    field,
    reason: 'FieldValueDuplicate',
    message: `Duplicate value: ${show(value)}`,
  }),
  invalid: (field: string, value: unknown, detail: string): FieldError => ({
    field,
    reason: 'FieldValueInvalid',
    message: join(`Invalid value: ${show(value)}`, detail),
  }),
  /** Where upstream leaves the value out of its message. */
  invalidOmitted: (field: string, detail: string): FieldError => ({
    field,
    reason: 'FieldValueInvalid',
    message: `Invalid value: ${detail}`,
  }),
  typeInvalid: (field: string, value: unknown, detail: string): FieldError => ({
    field,
    reason: 'FieldValueTypeInvalid',
    message: join(`Invalid value: ${show(value)}`, detail),
  }),
  notSupported: (field: string, value: unknown, supported: readonly string[]): FieldError => ({
    field,
    reason: 'FieldValueNotSupported',
    message: join(
      `Unsupported value: ${show(value)}`,
      supported.length ? `supported values: ${supported.map((s) => JSON.stringify(s)).join(', ')}` : '',
    ),
  }),
  forbidden: (field: string, detail: string): FieldError => ({ field, reason: 'FieldValueForbidden', message: join('Forbidden', detail) }),
  tooLong: (field: string, _value: unknown, maxLength: number): FieldError => ({
    field,
    reason: 'FieldValueTooLong',
    message: `Too long: may not be more than ${maxLength} ${maxLength === 1 ? 'byte' : 'bytes'}`,
  }),
  tooMany: (field: string, actual: number, max: number): FieldError => ({
    field,
    reason: 'FieldValueTooMany',
    message: `Too many: ${actual}: must have at most ${max} ${max === 1 ? 'item' : 'items'}`,
  }),
  internal: (field: string, detail: string): FieldError => ({ field, reason: 'InternalError', message: `Internal error: ${detail}` }),
  notFound: (field: string, value: unknown): FieldError => ({ field, reason: 'FieldValueNotFound', message: `Not found: ${show(value)}` }),
} as const

const join = (head: string, detail: string) => (detail ? `${head}: ${detail}` : head)
const show = (value: unknown) => (value === undefined ? 'null' : JSON.stringify(value))

/** Several errors in one text, as upstream's aggregates are written. */
export function describeFieldErrors(errors: readonly FieldError[]): string {
  const all = [...new Set(errors.map(({ field, message }) => `${field}: ${message}`))]
  return all.length === 1 ? all[0]! : `[${all.join(', ')}]`
}
