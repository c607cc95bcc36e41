import { deepEqual } from '../deep-equal.ts'
import { goKind, goString, goText } from '../go-text.ts'
import type { SchemaNode } from '../schema/schema-node.ts'
import { type StatusError, statusErrors } from '../status-error.ts'
import { arrange } from './element-order.ts'

/**
 * Strategic merge patch: a merge patch that knows from the schema which lists merge by key
 * (https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/).
 *
 * Directives: `$patch: replace|delete` in an object or an item of a list, `$retainKeys` in an object,
 * `$deleteFromPrimitiveList/FIELD` and `$setElementOrder/FIELD` beside a list.
 *
 * Invariants:
 * 1. Pure: neither argument is changed; the result shares structure with both.
 * 2. Directives stay where upstream does not look at them: the result's decoder then says that there is no such field.
 * 3. A failure is a StatusError; nothing is half applied.
 */

type JsonObject = Record<string, unknown>

const directive = '$patch'
const retainKeys = '$retainKeys'
const deletePrefix = '$deleteFromPrimitiveList/'
const orderPrefix = '$setElementOrder/'

/** Throws StatusError: 400 for a malformed patch, 422 for one that does not fit the object. `schema` undefined: every list is replaced. */
export function applyStrategicPatch<T>(object: T, patch: unknown, schema: SchemaNode | undefined): T {
  if (patch === null) return object
  if (!isObject(patch))
    throw statusErrors.badRequest(
      `json: cannot unmarshal ${Array.isArray(patch) ? 'array' : goKind(patch)} into Go value of type map[string]interface {}`,
    )
  return mergeObject(isObject(object) ? object : {}, patch, schema) as T
}

function mergeObject(original: JsonObject, patch: JsonObject, schema: SchemaNode | undefined): JsonObject {
  const mode = patch[directive]
  if (mode === 'replace') return without(patch, directive)
  if (mode === 'delete') return {}
  if (mode !== undefined) throw unknownDirective(patch)
  const result: JsonObject = { ...original }
  const ordered = hasDirectives(patch) ? followDirectives(result, patch, schema) : undefined
  for (const key in patch) {
    if (ordered && (isDirective(key) || ordered.has(key))) continue
    const value = patch[key]
    const merged = value === null ? undefined : mergeValue(Object.hasOwn(result, key) ? result[key] : undefined, value, schema?.child(key))
    if (merged !== undefined) setField(result, key, merged)
    else if (Object.hasOwn(result, key)) delete result[key]
  }
  return result
}

function hasDirectives(patch: JsonObject): boolean {
  for (const key in patch) if (key.startsWith('$')) return true
  return false
}

/** Gives the fields that are merged in a stated order, and so by now. */
function followDirectives(result: JsonObject, patch: JsonObject, schema: SchemaNode | undefined): ReadonlySet<string> {
  retain(result, patch)
  refuseMalformedPrefixes(patch)
  for (const key of Object.keys(patch))
    if (key.startsWith(deletePrefix)) deletePrimitives(result, key.slice(deletePrefix.length), patch[key])
  const ordered = orderedFields(patch)
  for (const field of ordered) {
    const merged = mergeOrdered(result[field], patch[field], patch[orderPrefix + field], schema?.child(field))
    if (merged === undefined) delete result[field]
    else setField(result, field, merged)
  }
  return ordered
}

function mergeValue(original: unknown, patch: unknown, schema: SchemaNode | undefined): unknown {
  const strategies = schema?.patchStrategies ?? []
  if (isObject(original) && isObject(patch)) return strategies.includes('replace') ? patch : mergeObject(original, patch, schema)
  if (Array.isArray(original) && Array.isArray(patch)) return strategies.includes('merge') ? mergeList(original, patch, schema!) : patch
  return alone(patch)
}

/** Merges a list and puts its items into the order of the patch, as upstream does when no order is given. */
function mergeList(original: readonly unknown[], patch: readonly unknown[], schema: SchemaNode): unknown[] {
  refuseListsOfLists(original, patch)
  if (!isListOfObjects(original, patch)) {
    const merged = [...new Set([...original, ...patch])]
    return arrange({ merged, order: patch, original, keyOf: (item) => item })
  }
  const mergeKey = requireMergeKey(schema)
  const { items, rest, isReplaced } = applySpecialItems(original as JsonObject[], patch as JsonObject[], mergeKey)
  if (isReplaced) return rest
  const merged = mergeItems(items, rest, mergeKey, schema)
  return arrange({ merged, order: rest, original: items, keyOf: keyReader(mergeKey) })
}

function mergeItems(items: readonly JsonObject[], patch: readonly JsonObject[], mergeKey: string, schema: SchemaNode): JsonObject[] {
  const merged = [...items]
  for (const item of patch) {
    const key = item[mergeKey]
    if (key === undefined) throw missingMergeKey(item, mergeKey)
    const at = merged.findIndex((m) => deepEqual(m[mergeKey], key))
    if (at < 0) merged.push(item)
    else merged[at] = mergeObject(merged[at]!, item, schema.element)
  }
  return merged
}

/** Carries out `$patch` items: removals by key, or the replacement of the whole list. */
function applySpecialItems(original: readonly JsonObject[], patch: readonly JsonObject[], mergeKey: string) {
  let items = [...original]
  let isReplaced = false
  const rest: JsonObject[] = []
  for (const item of patch) {
    const mode = item[directive]
    if (mode === undefined) rest.push(item)
    else if (mode === 'delete') {
      const key = item[mergeKey]
      if (key === undefined) throw missingMergeKey(item, mergeKey)
      items = items.filter((o) => !deepEqual(o[mergeKey], key))
    } else if (mode === 'replace') isReplaced = true
    else if (mode === 'merge') throw unprocessable('merging lists cannot yet be specified in the patch')
    else throw unknownDirective(item)
  }
  return { items, rest, isReplaced }
}

/** A list whose final order the patch states; undefined where neither side has the list. */
function mergeOrdered(original: unknown, patch: unknown, order: unknown, schema: SchemaNode | undefined): unknown {
  if (!Array.isArray(order)) throw notAList(order)
  if (patch === null) return undefined
  if (patch !== undefined && !Array.isArray(patch)) throw notAList(patch)
  const mergeKey = schema?.patchMergeKey
  const readKey = order.some(isObject) ? keyReader(mergeKey ?? requireMergeKey(schema)) : (item: unknown) => item
  // An empty order states none.
  if (patch && order.length > 0) checkOrder(patch, order, readKey)
  if (!Array.isArray(original)) return patch === undefined ? original : alone(patch)
  const merged = patch === undefined || !schema ? (patch ?? original) : mergeValue(original, patch, schema)
  return arrange({ merged: merged as unknown[], order, original, keyOf: readKey })
}

/** The items of the patch must appear in the stated order. */
function checkOrder(patch: readonly unknown[], order: readonly unknown[], readKey: (item: unknown) => unknown): void {
  let at = 0
  for (const item of patch) {
    if (isObject(item) && item[directive] !== undefined) continue
    while (at < order.length && !deepEqual(readKey(order[at]), readKey(item))) at++
    if (at === order.length)
      throw statusErrors.badRequest(`The order in patch list:\n${goText(patch)}\n doesn't match $setElementOrder list:\n${goText(order)}\n`)
  }
}

function retain(result: JsonObject, patch: JsonObject): void {
  const keys = patch[retainKeys]
  if (keys === undefined) return
  if (!Array.isArray(keys)) throw statusErrors.badRequest('invalid patch format of retainKeys')
  for (const [key, value] of Object.entries(patch))
    if (!isDirective(key) && value !== null && !keys.includes(key)) throw statusErrors.badRequest('invalid patch format of retainKeys')
  for (const key of Object.keys(result)) if (!keys.includes(key)) delete result[key]
}

function deletePrimitives(result: JsonObject, field: string, values: unknown): void {
  const list = result[field]
  // What is no list, or meant for none, is passed over, as upstream does.
  if (Array.isArray(list) && Array.isArray(values)) result[field] = list.filter((item) => !values.includes(item))
}

/** What a patch's value is where there is nothing to merge it with: nulls go, and what has a directive is left out (undefined). */
function alone(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(alone).filter((item) => item !== undefined)
  if (!isObject(value)) return value
  if (value[directive] !== undefined) return undefined
  const result: JsonObject = {}
  for (const key in value) {
    const field = value[key]
    const kept = field === null ? undefined : alone(field)
    if (kept !== undefined) setField(result, key, kept)
  }
  return result
}

function orderedFields(patch: JsonObject): Set<string> {
  const fields = new Set<string>()
  for (const key of Object.keys(patch)) if (key.startsWith(orderPrefix)) fields.add(key.slice(orderPrefix.length))
  return fields
}

function isDirective(key: string): boolean {
  return key === directive || key === retainKeys || key.startsWith(deletePrefix) || key.startsWith(orderPrefix)
}

function isListOfObjects(original: readonly unknown[], patch: readonly unknown[]): boolean {
  const objects = [...original, ...patch].filter(isObject).length
  if (objects !== 0 && objects !== original.length + patch.length)
    throw unprocessable(`list element types are not identical: ${goText([original, patch])}`)
  return objects > 0
}

function refuseListsOfLists(...lists: readonly (readonly unknown[])[]): void {
  if (lists.some((list) => list.some(Array.isArray))) throw unprocessable('lists of lists are not supported')
}

function keyReader(mergeKey: string): (item: unknown) => unknown {
  return (item) => {
    if (!isObject(item) || item[mergeKey] === undefined) throw missingMergeKey(item, mergeKey)
    return item[mergeKey]
  }
}

function requireMergeKey(schema: SchemaNode | undefined): string {
  if (schema?.patchMergeKey === undefined) throw unprocessable('cannot merge lists without merge key')
  return schema.patchMergeKey
}

function missingMergeKey(item: unknown, mergeKey: string): StatusError {
  return unprocessable(`map: ${goText(item)} does not contain declared merge key: ${mergeKey}`)
}

function unknownDirective(patch: JsonObject): StatusError {
  return statusErrors.badRequest(`unknown patch type: ${goString(patch[directive])} in map: ${goText(patch)}`)
}

const { unprocessable } = statusErrors

function notAList(value: unknown): StatusError {
  const types: Readonly<Record<string, string>> = { map: 'map[string]interface {}' }
  return statusErrors.badRequest(`expected a []interface {}, but received a ${types[goKind(value)] ?? goKind(value)}`)
}

/** A directive about a list names the list after a slash. */
function refuseMalformedPrefixes(patch: JsonObject): void {
  for (const key in patch) {
    if (!key.startsWith('$')) continue
    if (key.startsWith(orderPrefix.slice(0, -1)) && !key.startsWith(orderPrefix))
      throw statusErrors.badRequest('invalid patch format of setElementOrder list')
    if (key.startsWith(deletePrefix.slice(0, -1)) && !key.startsWith(deletePrefix))
      throw statusErrors.badRequest('invalid patch format of primitive list')
  }
}

function without(object: JsonObject, key: string): JsonObject {
  const { [key]: _, ...rest } = object
  return rest
}

function setField(object: JsonObject, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
  else object[key] = value
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
