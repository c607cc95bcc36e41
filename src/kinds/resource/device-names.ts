import { fieldErrors } from '../../machinery/field-error.ts'
import { cIdentifier, dns1123Label, dns1123Subdomain, labelValue, qualifiedName } from '../../machinery/names.ts'
import { checkName, type Errors } from '../checks.ts'
import { checkCsiDriverName } from '../storage/csi-driver-name.ts'

/** Names of devices and their parts, and the collections that they stand in, as `resource.k8s.io` has them. */

const poolLengthMax = 253
const idLengthMax = 32
/** Of a domain, a slash and a name. */
export const qualifiedNameLengthMax = 63 + 1 + idLengthMax

export function checkPool(errors: Errors, path: string, name = ''): void {
  if (name === '') return void errors.push(fieldErrors.required(path))
  if (name.length > poolLengthMax) errors.push(fieldErrors.tooLong(path, name, poolLengthMax))
  for (const part of name.split('/')) checkName(errors, path, part, dns1123Subdomain)
}

/** Of a request, a device or a counter. */
export const checkLabelName = (errors: Errors, path: string, name: string | undefined): void => checkName(errors, path, name, dns1123Label)

/** `name`, or `domain/name`. */
export function checkAttributeName(errors: Errors, path: string, name: string): void {
  const parts = name.split('/')
  const [domain = '', id = ''] = parts
  if (parts.length === 1) return checkIdentifier(errors, path, domain)
  if (parts.length > 2) return
  if (domain === '') errors.push(fieldErrors.invalid(path, '', 'the domain must not be empty'))
  else checkCsiDriverName(errors, path, domain)
  if (id === '') errors.push(fieldErrors.invalid(path, '', 'the name must not be empty'))
  else checkIdentifier(errors, path, id)
}

export function checkFullAttributeName(errors: Errors, path: string, name: string): void {
  checkAttributeName(errors, path, name)
  if (!name.includes('/'))
    errors.push(fieldErrors.invalid(path, name, 'a fully qualified name must be a domain and a name separated by a slash'))
}

function checkIdentifier(errors: Errors, path: string, id: string): void {
  if (id.length > idLengthMax) errors.push(fieldErrors.tooLong(path, id, idLengthMax))
  checkName(errors, path, id, cIdentifier)
}

export const checkLabelKey = (errors: Errors, path: string, key: string | undefined): void => checkName(errors, path, key, qualifiedName)
export const checkLabelValue = (errors: Errors, path: string, value: string | undefined): void => checkName(errors, path, value, labelValue)

type CheckItem<T> = (errors: Errors, path: string, item: T) => void
type Bounds = { readonly path: string; readonly max?: number }

/** A list that is not too long: of a longer one nothing else is said. Gives whether it was looked at. */
export function checkEach<T>(errors: Errors, items: readonly T[] | undefined, { path, max }: Bounds, check: CheckItem<T>): boolean {
  if (max !== undefined && (items?.length ?? 0) > max) {
    errors.push(fieldErrors.tooMany(path, items!.length, max))
    return false
  }
  items?.forEach((item, i) => check(errors, `${path}[${i}]`, item))
  return true
}

/** A list in which no key is twice. */
export function checkSet<T>(
  errors: Errors,
  items: readonly T[] | undefined,
  { key, ...bounds }: Bounds & { readonly key: (item: T) => unknown },
  check: CheckItem<T>,
): void {
  if (!checkEach(errors, items, bounds, check)) return
  const seen = new Set<string>()
  items?.forEach((item, i) => {
    const value = key(item)
    const text = JSON.stringify(value) ?? ''
    if (seen.has(text)) errors.push(fieldErrors.duplicate(`${bounds.path}[${i}]`, value))
    seen.add(text)
  })
}

/** A map by names; what is wrong with a name is said of the map. */
export function checkMap<T>(
  errors: Errors,
  map: Readonly<Record<string, T>> | undefined,
  { path, max, keyMax, checkKey }: Bounds & { readonly keyMax: number; readonly checkKey: CheckItem<string> },
  check: CheckItem<T>,
): void {
  const entries = Object.entries(map ?? {})
  if (max !== undefined && entries.length > max) return void errors.push(fieldErrors.tooMany(path, entries.length, max))
  for (const [key, item] of entries) {
    checkKey(errors, path, key)
    check(errors, `${path}[${shortened(key, keyMax)}]`, item)
  }
}

function shortened(text: string, max: number): string {
  if (text.length <= max) return text
  const rest = max - 3
  return `${text.slice(0, Math.floor((rest + 1) / 2))}...${text.slice(text.length - Math.floor(rest / 2))}`
}

const uuid = /^(?:urn:uuid:)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const normalUuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

export function checkShareId(errors: Errors, path: string, id: string): void {
  if (normalUuid.test(id)) return
  const problem =
    uuid.test(id) || /^[0-9a-f]{32}$/i.test(id) || /^\{[0-9a-f-]{36}\}$/i.test(id)
      ? 'uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters'
      : `error validating uid: ${[32, 36, 38, 45].includes(id.length) ? 'invalid UUID format' : `invalid UUID length: ${id.length}`}`
  errors.push(fieldErrors.invalid(path, id, problem))
}

/** JSON that is handed on to a driver. */
export function checkObject(errors: Errors, path: string, value: unknown, bytesMax: number): void {
  if (value === undefined || value === null) return void errors.push(fieldErrors.required(path))
  if (Buffer.byteLength(JSON.stringify(value)) > bytesMax) return void errors.push(fieldErrors.tooLong(path, '', bytesMax))
  if (typeof value !== 'object' || Array.isArray(value))
    errors.push(fieldErrors.invalid(path, '<value omitted>', 'must be a valid JSON object'))
}
