import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'

/** Every condition has a type, and each type is there once. */
export function conditionTypeErrors(conditions: readonly { readonly type?: string }[] | undefined): FieldError[] {
  const errors: FieldError[] = []
  const types = new Set<string>()
  conditions?.forEach(({ type = '' }, i) => {
    const path = `status.conditions[${i}].type`
    if (types.has(type)) errors.push(fieldErrors.duplicate(path, type))
    types.add(type)
    if (type === '') errors.push(fieldErrors.required(path))
  })
  return errors
}
