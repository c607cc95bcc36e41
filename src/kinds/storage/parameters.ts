import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'

const entriesMax = 512
const bytesMax = 256 * 1024

/** Opaque parameters for a driver: bounded in number and size, without empty keys. */
export function validateParameters(parameters: Readonly<Record<string, string>> | undefined, path: string): FieldError[] {
  const entries = Object.entries(parameters ?? {})
  const errors: FieldError[] = []
  if (entries.length > entriesMax) return [fieldErrors.tooLong(path, '', entriesMax)]
  let bytes = 0
  for (const [key, value] of entries) {
    if (key === '') errors.push(fieldErrors.invalid(path, key, 'field can not be empty.'))
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value)
  }
  if (bytes > bytesMax) errors.push(fieldErrors.tooLong(path, '', bytesMax))
  return errors
}
