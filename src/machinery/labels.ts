import { type FieldError, fieldErrors } from './field-error.ts'
import { labelValue, qualifiedName } from './names.ts'

/** What is wrong with a map of labels; every error names the whole map, as upstream's do. */
export function validateLabels(labels: Readonly<Record<string, string>> | undefined | null, path: string): FieldError[] {
  const errors: FieldError[] = []
  for (const key in labels) {
    const value = labels[key]!
    for (const message of qualifiedName(key)) errors.push(fieldErrors.invalid(path, key, message))
    for (const message of labelValue(value)) errors.push(fieldErrors.invalid(path, value, message))
  }
  return errors
}
