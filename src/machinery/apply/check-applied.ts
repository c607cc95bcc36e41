import { goText } from '../go-text.ts'
import type { SchemaNode } from '../schema/schema-node.ts'
import { describeKey, itemKey } from './typed-value.ts'

/**
 * What keeps a configuration from being applied, in upstream's words: fields that its type does not have, values of another type, items
 * that cannot be told apart. Undefined: nothing. Lists of several faults are a text of several lines.
 */
export function appliedFault(node: SchemaNode | undefined, value: unknown): string | undefined {
  const faults: Fault[] = []
  check(node, value, '', faults)
  const lines = faults.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
  if (lines.length <= 1) return lines[0]
  return ['errors:', ...lines.map((line) => `  ${line}`)].join('\n')
}

type Fault = { readonly path: string; readonly message: string }
type JsonObject = Record<string, unknown>

const scalars: ReadonlySet<unknown> = new Set(['string', 'number', 'boolean'])

function check(node: SchemaNode | undefined, value: unknown, path: string, faults: Fault[]): void {
  if (node === undefined || node.shape === 'any' || value === null || value === undefined) return
  const refuse = (message: string) => void faults.push({ path, message })
  switch (node.shape) {
    case 'object':
    case 'map':
      if (typeof value !== 'object' || Array.isArray(value)) return refuse(`expected map, got ${shown(value)}`)
      return checkFields(node, value as JsonObject, path, faults)
    case 'list':
      if (!Array.isArray(value)) return refuse(`expected list, got ${shown(value)}`)
      return checkItems(node, value, path, faults)
    case 'string':
      return typeof value === 'string' ? undefined : refuse(`expected string, got &value.valueUnstructured{Value:${goSyntax(value)}}`)
    case 'integer':
    case 'number':
      return typeof value === 'number' ? undefined : refuse(`expected numeric (int or float), got ${goType(value)}`)
    case 'boolean':
      return typeof value === 'boolean' ? undefined : refuse(`expected boolean, got ${shown(value)}`)
    default:
      return scalars.has(typeof value) ? undefined : refuse(`expected any scalar, got ${shown(value)}`)
  }
}

/** The first field that the type does not have ends the look, as upstream's does. */
function checkFields(node: SchemaNode, object: JsonObject, path: string, faults: Fault[]): void {
  for (const [key, field] of Object.entries(object)) {
    const child = node.child(key)
    const at = `${path}.${key}`
    if (child === undefined && node.shape === 'object' && !node.preservesUnknown) {
      faults.push({ path: at, message: 'field not declared in schema' })
      return
    }
    check(child, field, at, faults)
  }
}

function checkItems(node: SchemaNode, items: readonly unknown[], path: string, faults: Fault[]): void {
  if (node.listKeys === undefined) return items.forEach((item, i) => check(node.element, item, `${path}[${i}]`, faults))
  const seen = new Set<string>()
  for (const [i, item] of items.entries()) {
    const key = itemKey(node, item)
    if (key === undefined) return void faults.push({ path, message: `element ${i}: ${keyless(node.listKeys, item)}` })
    const name = describeKey(key)
    if (seen.has(key)) faults.push({ path, message: `duplicate entries for key ${name}` })
    seen.add(key)
    check(node.element, item, `${path}${name}`, faults)
  }
}

function keyless(keys: readonly string[], item: unknown): string {
  if (keys.length === 0) {
    if (Array.isArray(item)) return 'not supported: associative list with lists as elements'
    return `associative list without keys has an element that's ${item === null ? 'an explicit null' : 'a map type'}`
  }
  if (item === null) return 'associative list with keys may not have a null element'
  if (typeof item !== 'object' || Array.isArray(item)) return 'associative list with keys may not have non-map elements'
  const names = `[${keys.map((key) => JSON.stringify(key)).join(' ')}]`
  return `associative list with keys has an element that omits all key fields ${names} (and doesn't have default values for any key fields)`
}

const shown = (value: unknown) => `&{${goText(value)}}`

function goType(value: unknown): string {
  if (Array.isArray(value)) return '[]interface {}'
  return typeof value === 'object' ? 'map[string]interface {}' : typeof value === 'boolean' ? 'bool' : typeof value
}

/** As Go's `%#v`. */
function goSyntax(value: unknown): string {
  if (typeof value !== 'object' || value === null) return value === null ? 'interface {}(nil)' : JSON.stringify(value)
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(', ')}}`
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `map[string]interface {}{${fields.map(([key, field]) => `${JSON.stringify(key)}:${goSyntax(field)}`).join(', ')}}`
}
