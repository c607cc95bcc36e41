import { deepClone } from '../deep-clone.ts'
import { isObject, type JsonSchema, schemaOfField } from './json-schema.ts'
import { set } from './prune.ts'

/**
 * The value with the schema's defaults filled in, and without the nulls of fields that may not be null
 * (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#defaulting-and-nullable): such a
 * null gives way to the default where there is one, and is dropped where there is none. Shares what stays with the argument, and is the
 * argument itself when nothing changes.
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
    if (field === null && !child.nullable) {
      if (child.default === undefined) delete copy()[key]
      else set(copy(), key, deepClone(child.default))
      continue
    }
    const filled = defaulted(child, field)
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

const known = new WeakMap<JsonSchema, readonly string[]>()

function fieldsWithDefault(schema: JsonSchema): readonly string[] {
  let fields = known.get(schema)
  if (!fields) {
    fields = Object.keys(schema.properties ?? {}).filter((field) => schema.properties![field]!.default !== undefined)
    known.set(schema, fields)
  }
  return fields
}
