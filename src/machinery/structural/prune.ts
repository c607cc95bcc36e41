import { fieldPath, isObject, type JsonObject, type JsonSchema, resourceFields, schemaOfField } from './json-schema.ts'

/** Told the path of every field that is dropped. */
export type NoteUnknown = (path: string) => void

/**
 * The value without the fields that its schema does not know
 * (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#field-pruning). Shares all
 * that stays as it is with the argument, and is the argument itself when nothing goes. `isResource`: the value is a resource, whose
 * apiVersion, kind and metadata are left to their own rules.
 */
export function pruned(schema: JsonSchema | undefined, value: unknown, options: { isResource: boolean; note?: NoteUnknown }): unknown {
  return prune(schema, value, { path: '', isResource: options.isResource, note: options.note })
}

type Place = { readonly path: string; readonly isResource: boolean; readonly note: NoteUnknown | undefined }

function prune(schema: JsonSchema | undefined, value: unknown, { path, isResource, note }: Place): unknown {
  if (Array.isArray(value)) return pruneList(schema, value, { path, note })
  if (!isObject(value)) return value
  const isEmbedded = isResource || schema?.['x-kubernetes-embedded-resource'] === true
  const keepsUnknown = schema?.['x-kubernetes-preserve-unknown-fields'] === true
  // Where any key may stand, or none, values are kept (in the second case to be refused), but nothing says which fields they may have.
  const keepsAnyKey = typeof schema?.additionalProperties === 'boolean'
  let result = value
  const copy = () => (result === value ? (result = { ...value }) : result)
  for (const key in value) {
    if (isEmbedded && resourceFields.has(key)) continue
    const child = schema && schemaOfField(schema, key)
    const at = fieldPath(path, key)
    if (!child && !keepsAnyKey) {
      if (keepsUnknown) continue
      note?.(at)
      delete copy()[key]
      continue
    }
    const field = value[key]
    const kept = prune(child, field, { path: at, isResource: false, note })
    if (kept !== field) set(copy(), key, kept)
  }
  return result
}

function pruneList(schema: JsonSchema | undefined, list: readonly unknown[], { path, note }: Omit<Place, 'isResource'>): unknown {
  // What an open list has no schema for is kept in its items, too.
  const isOpen = schema?.['x-kubernetes-preserve-unknown-fields'] === true
  if (isOpen && !schema.items) return list
  const items = isOpen && schema.items ? opened(schema.items) : schema?.items
  let result: unknown[] | undefined
  for (const [i, item] of list.entries()) {
    const kept = prune(items, item, { path: `${path}[${i}]`, isResource: false, note })
    if (kept === item) continue
    result ??= [...list]
    result[i] = kept
  }
  return result ?? list
}

const opens = new WeakMap<JsonSchema, JsonSchema>()

function opened(schema: JsonSchema): JsonSchema {
  const open = opens.get(schema) ?? { ...schema, 'x-kubernetes-preserve-unknown-fields': true }
  opens.set(schema, open)
  return open
}

/** Assigns also what JavaScript would take for something else. */
export function set(object: JsonObject, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
  else object[key] = value
}
