import { type FieldError, fieldErrors } from '../field-error.ts'
import { canonicalJson } from './canonical-json.ts'
import { fieldPath, isObject, type JsonSchema, schemaOfField } from './json-schema.ts'
import { leadsTo } from './leads-to.ts'

/** Items that stand twice in lists that are sets or maps: of each the second, however often it stands there. */
export function listTypeErrors(schema: JsonSchema, value: unknown, path = ''): FieldError[] {
  if (!leadsToListType(schema)) return []
  const errors: FieldError[] = []
  if (Array.isArray(value)) {
    errors.push(...duplicateItems(schema, value, path))
    if (schema.items) for (const [i, item] of value.entries()) errors.push(...listTypeErrors(schema.items, item, `${path}[${i}]`))
  } else if (isObject(value)) {
    for (const field in value) {
      const child = schemaOfField(schema, field)
      if (!child) continue
      const isDeclared = child !== schema.additionalProperties
      errors.push(...listTypeErrors(child, value[field], isDeclared ? fieldPath(path, field) : `${path}[${field}]`))
    }
  }
  return errors
}

/** Whether a schema, or anything below it, is of a list that is a set or a map. */
const leadsToListType = leadsTo(({ 'x-kubernetes-list-type': type }) => type === 'set' || type === 'map')

function duplicateItems(schema: JsonSchema, list: readonly unknown[], path: string): FieldError[] {
  const type = schema['x-kubernetes-list-type']
  if (type !== 'set' && type !== 'map') return []
  const keys = type === 'map' ? (schema['x-kubernetes-list-map-keys'] ?? []) : undefined
  const stranger = keys ? list.findIndex((item) => item !== null && !isObject(item)) : -1
  if (stranger >= 0) return [fieldErrors.invalid(`${path}[${stranger}]`, list[stranger], 'must be an object for an array of list-type map')]
  const seen = new Map<string, number>()
  return list.flatMap((item, i) => {
    const identity = keys ? keysOf(keys, item) : item
    const text = canonicalJson(identity)
    const times = seen.get(text) ?? 0
    seen.set(text, times + 1)
    return times === 1 ? [fieldErrors.duplicate(`${path}[${i}]`, identity)] : []
  })
}

function keysOf(keys: readonly string[], item: unknown): unknown {
  return isObject(item) ? Object.fromEntries(keys.filter((key) => item[key] !== undefined).map((key) => [key, item[key]])) : {}
}
