import { deepEqual } from '../deep-equal.ts'
import { isObject, type JsonSchema, schemaOfField } from './json-schema.ts'

/**
 * Whether an update left a value as it was, by upstream's comparison: an object whose fields its schema does not all describe never is (so no
 * whole resource is), and items of a list with keys may change places.
 */
export function isUnchanged(schema: JsonSchema | undefined, value: unknown, old: unknown): boolean {
  if (value === null || old === null || value === undefined || old === undefined) return value === null && old === null
  if (Array.isArray(value)) return Array.isArray(old) && isListUnchanged(schema, value, old)
  if (!isObject(value)) return value === old
  if (!isObject(old)) return false
  const fields = Object.keys(value)
  return (
    fields.length === Object.keys(old).length &&
    fields.every((field) => {
      const child = schema && schemaOfField(schema, field)
      return child !== undefined && Object.hasOwn(old, field) && isUnchanged(child, value[field], old[field])
    })
  )
}

function isListUnchanged(schema: JsonSchema | undefined, list: readonly unknown[], old: readonly unknown[]): boolean {
  if (list.length !== old.length) return false
  if (schema?.['x-kubernetes-list-type'] !== 'map' || !schema.items) return deepEqual(list, old)
  const before = itemsByKeys(schema, old)
  return list.every((item) => isUnchanged(schema.items, item, before?.get(keysOf(schema, item))))
}

/** Undefined for a list whose items no keys tell from each other. */
export function itemsByKeys(schema: JsonSchema, list: readonly unknown[]): ReadonlyMap<string, unknown> | undefined {
  if (schema['x-kubernetes-list-type'] !== 'map') return undefined
  return new Map(list.map((item) => [keysOf(schema, item), item]))
}

export function keysOf(schema: JsonSchema, item: unknown): string {
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  return JSON.stringify(keys.map((key) => (isObject(item) ? (item[key] ?? schema.items?.properties?.[key]?.default) : undefined)))
}
