import { goType, structName } from '../schema/go-errors.ts'
import type { SchemaNode } from '../schema/schema-node.ts'
import { faults } from './strategic-faults.ts'
import {
  arrangeList,
  checkOrder,
  deleteScalars,
  elementKind,
  isObject,
  type JsonObject,
  type ListRules,
  mergeList,
  refuseKeyless,
} from './strategic-list.ts'

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

const directive = '$patch'
const retainKeys = '$retainKeys'
const deletions = '$deleteFromPrimitiveList'
const elementOrder = '$setElementOrder'

/** Throws StatusError: 400 for a malformed patch, 422 for one that does not fit the object. */
export function applyStrategicPatch<T>(object: T, patch: unknown, schema: SchemaNode | undefined): T {
  if (patch === null) return object
  if (!isObject(patch)) throw faults.noObject(patch)
  return mergeObject(isObject(object) ? object : {}, patch, schema) as T
}

function mergeObject(original: JsonObject, patch: JsonObject, schema: SchemaNode | undefined): JsonObject {
  const mode = patch[directive]
  if (mode === 'replace') return without(patch, directive)
  if (mode === 'delete') return {}
  if (mode !== undefined) throw faults.unknownDirective(mode, patch)
  const result: JsonObject = { ...original }
  const done = hasDirectives(patch) ? followDirectives(result, patch, schema) : undefined
  for (const key in patch) if (!done?.has(key)) mergeField(result, key, patch[key], schema)
  return result
}

function hasDirectives(patch: JsonObject): boolean {
  for (const key in patch) if (key.startsWith('$')) return true
  return false
}

/** Gives what need not be looked at any more. */
function followDirectives(result: JsonObject, patch: JsonObject, schema: SchemaNode | undefined): ReadonlySet<string> {
  const done = new Set<string>()
  if (patch[retainKeys] !== undefined) {
    retain(result, patch)
    done.add(retainKeys)
  }
  for (const key in patch) {
    if (!key.startsWith(elementOrder)) continue
    if (!Array.isArray(patch[key])) throw faults.noList(patch[key])
    const field = fieldOf(key, elementOrder)
    done.add(key)
    if (mergeOrdered(result, field, { patch, order: patch[key] as unknown[], schema })) done.add(field)
  }
  for (const key in patch) {
    if (!key.startsWith(deletions) || done.has(key)) continue
    const field = fieldOf(key, deletions) || key
    done.add(key)
    const change = done.has(field) ? undefined : patch[field]
    if (deleteFromList(result, field, { values: patch[key], change, schema })) done.add(field)
  }
  return done
}

function retain(result: JsonObject, patch: JsonObject): void {
  const keys = patch[retainKeys]
  if (!Array.isArray(keys) || keys.some((key) => typeof key === 'object' && key !== null)) throw faults.badRetainKeys()
  for (const [key, value] of Object.entries(patch)) {
    if (value === null || key === retainKeys || key.startsWith(deletions) || key.startsWith(elementOrder)) continue
    if (!keys.includes(key)) throw faults.badRetainKeys()
  }
  for (const key of Object.keys(result)) if (!keys.includes(key)) delete result[key]
}

type Ordered = { readonly patch: JsonObject; readonly order: readonly unknown[]; readonly schema: SchemaNode | undefined }

/** Merges a list whose final order the patch states. False where neither side has the list. */
function mergeOrdered(result: JsonObject, field: string, { patch, order, schema }: Ordered): boolean {
  const original = result[field]
  const change = patch[field]
  if (original !== undefined && !Array.isArray(original)) throw faults.noList(original)
  if (change !== undefined && !Array.isArray(change)) throw faults.noList(change)
  const node = childOf(schema, field)
  const rules = listRules(node)
  if (!original && !change) return false
  if (change) checkOrder(change, order, rules)
  const { items, places } = original ? mergeLists(original, change, node) : { items: bare(change) as unknown[], places: [] }
  if (rules.mergeKey === undefined) refuseKeyless(items, order, places)
  if (items.length === 0) elementKind(places, change ?? [])
  const arranged = arrangeList({ merged: items, order, places }, rules)
  elementKind(places, change ?? [])
  setField(result, field, arranged)
  return true
}

function mergeLists(original: readonly unknown[], patch: readonly unknown[] | undefined, node: SchemaNode) {
  if (!patch) return { items: original, places: original }
  return node.patchStrategies.includes('merge') ? mergeList(original, patch, listRules(node)) : { items: patch, places: original }
}

type Deletion = { readonly values: unknown; readonly change: unknown; readonly schema: SchemaNode | undefined }

/**
 * Deletes from a list, and then merges the patch's own into it (upstream may do it the other way round, as it happens): true if it has
 * done so. What is no list, or meant for none, is passed over, as upstream does.
 */
function deleteFromList(result: JsonObject, field: string, { values, change, schema }: Deletion): boolean {
  const original = result[field]
  if (values === null) delete result[field]
  else if (isObject(original) && isObject(values)) mergeField(result, field, values, schema)
  else if (Array.isArray(original) && Array.isArray(values)) {
    const node = childOf(schema, field)
    const left = deleteScalars(original, values, listRules(node))
    const merges = Array.isArray(change) && node.patchStrategies.includes('merge')
    setField(result, field, merges ? mergeList(left, change, listRules(node), original.length).items : left)
    return merges
  } else if (typeof original === typeof values && typeof original !== 'object' && original !== undefined) setField(result, field, values)
  return false
}

function mergeField(result: JsonObject, key: string, patch: unknown, schema: SchemaNode | undefined): void {
  const merged = patch === null ? undefined : mergeValue(result, key, patch, schema)
  if (merged !== undefined) setField(result, key, merged)
  else if (Object.hasOwn(result, key)) delete result[key]
}

function mergeValue(result: JsonObject, key: string, patch: unknown, schema: SchemaNode | undefined): unknown {
  if (typeof patch !== 'object') return patch
  const original = Object.hasOwn(result, key) ? result[key] : undefined
  if (isObject(original) && isObject(patch)) {
    const node = childOf(schema, key)
    return node.patchStrategies.includes('replace') ? patch : mergeObject(original, patch, node)
  }
  if (Array.isArray(original) && Array.isArray(patch)) return mergeLists(original, patch, childOf(schema, key)).items
  return alone(patch)
}

/** What a patch's value is where there is nothing to merge it with: nulls go, and what has a directive is left out (undefined). */
function alone(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(alone).filter((item) => item !== undefined)
  if (!isObject(value)) return value
  if ((value[directive] ?? undefined) !== undefined) return undefined
  const result: JsonObject = {}
  for (const key in value) {
    const kept = value[key] === null ? undefined : alone(value[key])
    if (kept !== undefined) setField(result, key, kept)
  }
  return result
}

/** As `alone`, of a list whose order is stated: nulls stay. */
function bare(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bare).filter((item) => item !== undefined)
  if (!isObject(value)) return value
  if (value[directive] !== undefined) return undefined
  const result: JsonObject = {}
  for (const key in value) {
    const kept = bare(value[key])
    if (kept !== undefined) setField(result, key, kept)
  }
  return result
}

function listRules(node: SchemaNode): ListRules {
  return {
    mergeKey: node.patchMergeKey,
    itemType: () => (node.element ? structName(node.element) || goType(node.element) : ''),
    mergeItem: (original, patch) => mergeObject(original, patch, node.element),
  }
}

function childOf(schema: SchemaNode | undefined, field: string): SchemaNode {
  if (schema?.shape === 'map') throw faults.noStruct()
  const child = schema?.child(field)
  if (!child) throw faults.unknownField(field, schema ? structName(schema) : '')
  return child
}

/** A directive about a list names the list after a slash. */
function fieldOf(key: string, prefix: string): string {
  if (key.startsWith(`${prefix}/`)) return key.slice(prefix.length + 1)
  throw prefix === deletions ? faults.badDeletions() : faults.badElementOrder()
}

function without(object: JsonObject, key: string): JsonObject {
  const { [key]: _, ...rest } = object
  return rest
}

function setField(object: JsonObject, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
  else object[key] = value
}
