import { type FieldError, fieldErrors } from './field-error.ts'
import { dns1123Subdomain } from './names.ts'

const pathCharacters = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+"
const wholePath = new RegExp(`^${pathCharacters}$`)

/** What is wrong with a name such as `example.org/foo`, in upstream's words; empty: nothing. */
export function domainPrefixedPathErrors(value: string, field: string): FieldError[] {
  if (value === '') return [fieldErrors.required(field)]
  const slash = value.indexOf('/')
  const [host, path] = [value.slice(0, Math.max(slash, 0)), value.slice(slash + 1)]
  if (host === '' || path === '') return [fieldErrors.invalid(field, value, 'must be a domain-prefixed path (such as "acme.io/foo")')]
  const errors = dns1123Subdomain(host).map((why) => fieldErrors.invalid(field, host, why))
  if (!wholePath.test(path))
    errors.push(fieldErrors.invalid(field, path, `Invalid path (regex used for validation is '${pathCharacters}')`))
  return errors
}
