import { deepEqual } from '../deep-equal.ts'
import type { SchemaNode } from '../schema/schema-node.ts'
import { StatusError, statusErrors } from '../status-error.ts'
import { arrange } from './element-order.ts'

/**
 * Strategic merge patch: a merge patch that knows from the schema which lists merge by key
 * (https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/).
 *
 * Directives: `$patch: replace|delete|merge` in an object or an item of a list, `$retainKeys` in an object,
 * `$deleteFromPrimitiveList/FIELD` and `$setElementOrder/FIELD` beside a list.
 *
 * Invariants:
 * 1. Pure: neither argument is changed; the result shares structure with both.
 * 2. No directive survives into the result.
 * 3. A failure is a StatusError; nothing is half applied.
 */

type JsonObject = Record<string, unknown>

const directive = '$patch'
const retainKeys = '$retainKeys'
const deletePrefix = '$deleteFromPrimitiveList/'
const orderPrefix = '$setElementOrder/'

/** Throws StatusError: 400 for a malformed patch, 422 for one that does not fit the object. `schema` undefined: every list is replaced. */
export function applyStrategicPatch<T>(object: T, patch: unknown, schema: SchemaNode | undefined): T {
  if (!isObject(patch)) throw statusErrors.badRequest('invalid JSON document')
  return mergeObject(isObject(object) ? object : {}, patch, schema) as T
}

function mergeObject(original: JsonObject, patch: JsonObject, schema: SchemaNode | undefined): JsonObject {
  const mode = patch[directive]
  if (mode === 'replace') return cleaned(without(patch, directive)) as JsonObject
  if (mode === 'delete') return {}
  if (mode !== undefined && mode !== 'merge') throw unknownDirective(patch)
  const result: JsonObject = { ...original }
  retain(result, patch)
  for (const key of Object.keys(patch))
    if (key.startsWith(deletePrefix)) deletePrimitives(result, key.slice(deletePrefix.length), patch[key])
  const ordered = orderedFields(patch)
  for (const field of ordered) {
    const merged = mergeOrdered(result[field], patch[field], patch[orderPrefix + field], schema?.child(field))
    if (merged === undefined) delete result[field]
    else setField(result, field, merged)
  }
  for (const [key, value] of Object.entries(patch)) {
    if (isDirective(key) || ordered.has(key)) continue
    if (value === null) delete result[key]
    else setField(result, key, mergeValue(Object.hasOwn(result, key) ? result[key] : undefined, value, schema?.child(key)))
  }
  return result
}

function mergeValue(original: unknown, patch: unknown, schema: SchemaNode | undefined): unknown {
  const strategies = schema?.patchStrategies ?? []
  if (isObject(original) && isObject(patch)) return strategies.includes('replace') ? cleaned(patch) : mergeObject(original, patch, schema)
  if (Array.isArray(original) && Array.isArray(patch) && strategies.includes('merge')) return mergeList(original, patch, schema!)
  return cleaned(patch)
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
    if (at < 0) merged.push(cleaned(item) as JsonObject)
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
    else if (mode === 'merge') throw unprocessable('merging list cannot yet be specified in the list')
    else throw unknownDirective(item)
  }
  return { items, rest: isReplaced ? (rest.map(cleaned) as JsonObject[]) : rest, isReplaced }
}

/** A list whose final order the patch states; undefined where neither side has the list. */
function mergeOrdered(original: unknown, patch: unknown, order: unknown, schema: SchemaNode | undefined): unknown {
  if (!Array.isArray(order)) throw statusErrors.badRequest('invalid patch format of setElementOrder list')
  if (patch === null) return undefined
  if (patch !== undefined && !Array.isArray(patch)) throw statusErrors.badRequest('invalid patch format of setElementOrder list')
  const mergeKey = schema?.patchMergeKey
  const readKey = order.some(isObject) ? keyReader(mergeKey ?? requireMergeKey(schema)) : (item: unknown) => item
  if (patch) checkOrder(patch, order, readKey)
  if (!Array.isArray(original)) return patch === undefined ? original : cleaned(patch)
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
      throw statusErrors.badRequest(
        `The order in patch list:\n${JSON.stringify(patch)}\n doesn't match $setElementOrder list:\n${JSON.stringify(order)}\n`,
      )
  }
}

function retain(result: JsonObject, patch: JsonObject): void {
  const keys = patch[retainKeys]
  if (keys === undefined) return
  if (!Array.isArray(keys)) throw statusErrors.badRequest('invalid patch format of retainKeys')
  for (const [key, value] of Object.entries(patch))
    if (!isDirective(key) && value !== null && !keys.includes(key))
      throw statusErrors.badRequest("patch content doesn't match retainKeys list")
  for (const key of Object.keys(result)) if (!keys.includes(key)) delete result[key]
}

function deletePrimitives(result: JsonObject, field: string, values: unknown): void {
  if (!Array.isArray(values)) throw statusErrors.badRequest('invalid patch format of primitive list')
  const list = result[field]
  if (Array.isArray(list)) result[field] = list.filter((item) => !values.includes(item))
}

/** What a patch's value is once nothing is left to merge it with: directives gone, items that delete gone. */
function cleaned(value: unknown): unknown {
  if (Array.isArray(value))
    return value.filter((item) => !isObject(item) || (item[directive] !== 'delete' && !isOnlyDirective(item))).map(cleaned)
  if (!isObject(value)) return value
  if (value[directive] === 'delete') return {}
  const result: JsonObject = {}
  for (const [key, field] of Object.entries(value)) if (!isDirective(key) && field !== null) setField(result, key, cleaned(field))
  return result
}

function isOnlyDirective(item: JsonObject): boolean {
  return item[directive] !== undefined && Object.keys(item).length === 1
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
  if (objects !== 0 && objects !== original.length + patch.length) throw unprocessable('list element types are not identical')
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
  return unprocessable(`map: ${JSON.stringify(item)} does not contain declared merge key: ${mergeKey}`)
}

function unknownDirective(patch: JsonObject): StatusError {
  return statusErrors.badRequest(`unknown patch type found: ${String(patch[directive])} in map: ${JSON.stringify(patch)}`)
}

function unprocessable(message: string): StatusError {
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: 'Invalid',
    details: {},
    code: 422,
  })
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
