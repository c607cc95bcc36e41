import { deepClone } from '../deep-clone.ts'
import { isObject, type JsonSchema, schemaOfField } from './json-schema.ts'
import { set } from './prune.ts'

/**
 * The value with the schema's defaults filled in
 * (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#defaulting-and-nullable): a null where
 * none may be gives way to the default, too. Shares what stays with the argument, and is the argument itself when nothing changes.
 */
export function defaulted(schema: JsonSchema, value: unknown): unknown {
  if (Array.isArray(value)) return defaultedList(schema, value)
  if (!isObject(value)) return value
  let result = value
  const copy = () => (result === value ? (result = { ...value }) : result)
  for (const field of fieldsWithDefault(schema)) {
    const child = schema.properties![field]!
    const current = Object.hasOwn(value, field) ? value[field] : undefined
    if (current === undefined || (current === null && !child.nullable)) set(copy(), field, deepClone(child.default))
  }
  for (const key of Object.keys(result)) {
    const child = schemaOfField(schema, key)
    if (!child) continue
    const field = result[key]
    const isReplaced = field === null && !child.nullable && child.default !== undefined
    const filled = isReplaced ? deepClone(child.default) : defaulted(child, field)
    if (filled !== field) set(copy(), key, filled)
  }
  return result
}

function defaultedList({ items }: JsonSchema, list: readonly unknown[]): unknown {
  if (!items) return list
  let result: unknown[] | undefined
  for (const [i, item] of list.entries()) {
    const isReplaced = item === null && !items.nullable && items.default !== undefined
    const filled = isReplaced ? deepClone(items.default) : defaulted(items, item)
    if (filled === item) continue
    result ??= [...list]
    result[i] = filled
  }
  return result ?? list
}

/** The value without the nulls of fields that may not be null and have no default. Shares what stays, as `defaulted` does. */
export function withoutNulls(schema: JsonSchema, value: unknown): unknown {
  if (Array.isArray(value)) {
    const { items } = schema
    if (!items) return value
    const kept = value.map((item) => withoutNulls(items, item))
    return kept.some((item, i) => item !== value[i]) ? kept : value
  }
  if (!isObject(value)) return value
  let result = value
  const copy = () => (result === value ? (result = { ...value }) : result)
  for (const key of Object.keys(value)) {
    const child = schemaOfField(schema, key)
    if (!child) continue
    const field = value[key]
    if (field === null && !child.nullable && child.default === undefined) {
      delete copy()[key]
      continue
    }
    const kept = withoutNulls(child, field)
    if (kept !== field) set(copy(), key, kept)
  }
  return result
}

const known = new WeakMap<JsonSchema, readonly string[]>()

function fieldsWithDefault(schema: JsonSchema): readonly string[] {
  let fields = known.get(schema)
  if (!fields) {
    fields = Object.keys(schema.properties ?? {}).filter((field) => schema.properties![field]!.default !== undefined)
    known.set(schema, fields)
  }
  return fields
}
