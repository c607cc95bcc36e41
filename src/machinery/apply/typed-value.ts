import { deepEqual } from '../deep-equal.ts'
import { keyDefault } from '../schema/key-default.ts'
import type { SchemaNode } from '../schema/schema-node.ts'
import { isPart } from '../schema/zero-values.ts'
import { compose, emptySet, type FieldSet, isEmptySet, isMember, leaf } from './field-set.ts'

/**
 * The walks over objects that server-side apply is made of: which fields an object has, what changed between two, the merge
 * of one into another, and the removal of fields. They follow the schema: structs, maps and keyed lists item by item,
 * atomic ones whole. What no schema describes is walked as an open map, lists in it whole.
 */

type JsonObject = Record<string, unknown>
type Draft = { [element: string]: FieldSet }

export type Comparison = { readonly added: FieldSet; readonly modified: FieldSet; readonly removed: FieldSet }

/** The fields that an applied configuration names: leaves, and the items of maps and lists. */
export function fieldsOf(node: SchemaNode | undefined, value: unknown): FieldSet {
  return childSet(node, value, false)
}

function childSet(node: SchemaNode | undefined, value: unknown, ownsContainers: boolean): FieldSet {
  const result: Draft = {}
  if (Array.isArray(value)) {
    const keys = itemKeys(node, value)
    for (const [i, key] of (keys ?? []).entries()) {
      // Items with equal keys are owned as one, whatever is in them.
      result[key] = key in result ? leaf : compose(true, belowOf(node?.element, value[i], ownsContainers))
    }
    return result
  }
  for (const key of Object.keys(value as JsonObject)) {
    const field = (value as JsonObject)[key]
    const child = node?.child(key)
    const below = belowOf(child, field, ownsContainers)
    const isSelf = ownsContainers || !node?.fields.has(key) || !(isGranular(child, field) || isEmptyList(child, field))
    if (!isSelf && isEmptySet(below)) continue
    result[elementOf(key)] = compose(isSelf, below)
  }
  return result
}

/** The set below a value; empty for what is owned whole. */
function belowOf(node: SchemaNode | undefined, value: unknown, ownsContainers: boolean): FieldSet {
  return isGranular(node, value) ? childSet(node, value, ownsContainers) : emptySet
}

/** What differs between two objects. Equal references cost nothing, so objects that share structure compare fast. */
export function compareValues(node: SchemaNode | undefined, old: unknown, next: unknown): Comparison {
  const result = compareContainers(node, old, next)
  return { added: result?.added ?? emptySet, modified: result?.modified ?? emptySet, removed: result?.removed ?? emptySet }
}

/** What changed below an element, and the same while it is being collected. */
type Change = { readonly added?: FieldSet; readonly modified?: FieldSet; readonly removed?: FieldSet }
type ChangeDraft = { added?: Draft; modified?: Draft; removed?: Draft }
const modifiedLeaf: Change = { modified: leaf }

function compareNodes(node: SchemaNode | undefined, old: unknown, next: unknown): Change | undefined {
  if (old === next) return undefined
  if (old === undefined) return { added: compose(true, belowOf(node, next, true)) }
  if (next === undefined) return { removed: compose(true, belowOf(node, old, true)) }
  // Most lists did not change; finding the keys of their items costs far more than this look.
  if (Array.isArray(old) && deepEqual(old, next)) return undefined
  // What was emptied has become null, and says no more than that.
  if ((next === null && isGranular(node, old)) || (old === null && isGranular(node, next))) return compareContainers(node, old, next)
  if (isGranular(node, old) && isGranular(node, next) && Array.isArray(old) === Array.isArray(next)) {
    return isHollow(old) && isHollow(next) ? undefined : compareContainers(node, old, next)
  }
  if (isHollow(old) && isGranular(node, next) && Array.isArray(old) === Array.isArray(next)) return compareContainers(node, old, next)
  if (isHollow(next) && isGranular(node, old) && Array.isArray(old) === Array.isArray(next)) return compareContainers(node, old, next)
  if (deepEqual(old, next)) return undefined
  return shapeOf(old) === shapeOf(next) ? modifiedLeaf : becameOther(node, old, next)
}

/** A map that became a scalar or a list, or the other way round: what was in it went, and what is in it came. */
function becameOther(node: SchemaNode | undefined, old: unknown, next: unknown): Change {
  const [removed, added] = [belowOf(node, old, true), belowOf(node, next, true)]
  return { modified: leaf, ...(isEmptySet(removed) ? {} : { removed }), ...(isEmptySet(added) ? {} : { added }) }
}

const shapeOf = (value: unknown) => (Array.isArray(value) ? 'list' : typeof value)

function compareContainers(node: SchemaNode | undefined, old: unknown, next: unknown): Change | undefined {
  if (old === next) return undefined
  const change: ChangeDraft = {}
  if (Array.isArray(old) || Array.isArray(next)) {
    compareLists(node, (old ?? []) as unknown[], (next ?? []) as unknown[], change)
  } else compareObjects(node, (old ?? {}) as JsonObject, (next ?? {}) as JsonObject, change)
  return change.added || change.modified || change.removed ? change : undefined
}

function compareObjects(node: SchemaNode | undefined, old: JsonObject, next: JsonObject, change: ChangeDraft): void {
  // By keys, not by `for … in`: see objectDecoder in machinery/schema/decode.ts.
  for (const key of Object.keys(next)) {
    const before = old[key]
    const after = next[key]
    if (before === after) continue
    const child = node?.child(key)
    note(change, elementOf(key), compareNodes(child, before === undefined ? zeroOf(node, key) : before, after))
  }
  for (const key of Object.keys(old)) {
    if (next[key] !== undefined || old[key] === undefined) continue
    const child = node?.child(key)
    note(change, elementOf(key), compareNodes(child, old[key], zeroOf(node, key)))
  }
}

const emptyPart = Object.freeze({})
const emptyList: readonly unknown[] = Object.freeze([])

/**
 * What stands for a field that is not there: what upstream's Go structs hold then, so that nobody comes to own it by being the first. A
 * part that is held by value is an empty one, a time is null, a list that must be there is empty; undefined for what really is absent.
 */
export function zeroOf(parent: SchemaNode | undefined, key: string): unknown {
  // Only named types are Go's: a custom kind's spec is a map like any other.
  if (parent?.name === undefined) return undefined
  const zero = parent.zeros?.[key]
  if (zero !== undefined) return isPart(zero) ? emptyPart : zero
  if (key === 'metadata') return parent.child(key)?.name === undefined ? undefined : emptyPart
  return parent.required.includes(key) && parent.child(key)?.shape === 'list' ? emptyList : undefined
}

function compareLists(node: SchemaNode | undefined, old: readonly unknown[], next: readonly unknown[], change: ChangeDraft): void {
  const oldKeys = itemKeys(node, old) ?? []
  const nextKeys = itemKeys(node, next) ?? []
  if (beginsWithOnce(nextKeys, oldKeys)) {
    for (let i = 0; i < nextKeys.length; i++) note(change, nextKeys[i]!, compareNodes(node?.element, old[i], next[i]))
    return
  }
  const before = groupByKey(oldKeys, old)
  const after = groupByKey(nextKeys, next)
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    const left = before.get(key) ?? []
    const right = after.get(key) ?? []
    if (left.length <= 1 && right.length <= 1) note(change, key, compareNodes(node?.element, left[0], right[0]))
    else if (left.length > 1 && right.length > 1) note(change, key, deepEqual(left, right) ? undefined : modifiedLeaf)
    else if (left.length > 1) note(change, key, { removed: leaf, ...compareNodes(node?.element, undefined, right[0]) })
    else note(change, key, { ...compareNodes(node?.element, left[0], undefined), added: leaf })
  }
}

/** Whether a list has the other's items in their order, and then perhaps others, as nearly all have, none of them twice. */
function beginsWithOnce(list: readonly string[], first: readonly string[]): boolean {
  if (list.length < first.length) return false
  for (let i = 0; i < first.length; i++) if (list[i] !== first[i]) return false
  return list.length <= 1 || new Set(list).size === list.length
}

function note(change: ChangeDraft, element: string, below: Change | undefined): void {
  if (!below) return
  if (below.added) (change.added ??= {})[element] = below.added
  if (below.modified) (change.modified ??= {})[element] = below.modified
  if (below.removed) (change.removed ??= {})[element] = below.removed
}

/** Merges an applied configuration into the live value: the configuration wins, keyed lists keep its order. */
export function mergeValues(node: SchemaNode | undefined, live: unknown, config: unknown): unknown {
  // An empty part, and null for one, name nothing below them, so they take nothing away.
  if (config === null && isGranular(node, live)) return live
  if (isHollow(config) && !node?.isAtomic && Array.isArray(config) === Array.isArray(live) && isGranular(node, live)) return live
  if (live === undefined || !isGranular(node, config)) return config
  if (Array.isArray(config)) return Array.isArray(live) ? mergeLists(node, live, config) : config
  if (typeof live !== 'object' || live === null || Array.isArray(live)) return config
  const result: JsonObject = { ...live }
  for (const [key, field] of Object.entries(config as JsonObject)) setField(result, key, mergeValues(node?.child(key), result[key], field))
  return result
}

/** Weaves two keyed lists: the configuration's order for what both have, the live order for the rest. */
function mergeLists(node: SchemaNode | undefined, live: readonly unknown[], config: readonly unknown[]): unknown[] {
  const liveKeys = itemKeys(node, live)
  const configKeys = itemKeys(node, config)
  if (!liveKeys || !configKeys) return [...config]
  const liveGroups = groupByKey(liveKeys, live)
  const inConfig = new Set(configKeys)
  const shared = configKeys.filter((key) => liveGroups.has(key))
  const done = new Set<string>()
  const result: unknown[] = []
  let l = 0
  let c = 0
  const takeFromConfig = () => {
    const key = configKeys[c]!
    const group = liveGroups.get(key)
    result.push(mergeValues(node?.element, group?.length === 1 ? group[0] : undefined, config[c]))
    done.add(key)
    if (shared[0] === key) shared.shift()
    c++
  }
  while (l < live.length || c < config.length) {
    const key = liveKeys[l]
    if (key === undefined) takeFromConfig()
    else if (!inConfig.has(key)) result.push(live[l++])
    else if (done.has(key)) l++
    else if (key !== configKeys[c] && shared[0] !== undefined && shared[0] !== key) l++
    else takeFromConfig()
  }
  return result
}

/** The value without the members of a set. A container that has nothing left, or is owned whole, becomes null, as upstream's does. */
export function removeFields(node: SchemaNode | undefined, value: unknown, set: FieldSet): unknown {
  if (isEmptySet(set) || typeof value !== 'object') return value
  if (!isGranular(node, value)) return null
  if (Array.isArray(value)) {
    const kept: unknown[] = []
    for (const [i, key] of (itemKeys(node, value) ?? []).entries()) {
      const below = set[key]
      if (below === undefined) kept.push(value[i])
      else if (!isMember(below)) kept.push(removeFields(node?.element, value[i], below))
    }
    return kept.length > 0 ? kept : null
  }
  const result: JsonObject = {}
  for (const [key, field] of Object.entries(value as JsonObject)) {
    const below = set[elementOf(key)]
    if (below === undefined) setField(result, key, field)
    else if (!isMember(below)) setField(result, key, removeFields(node?.child(key), field, below))
  }
  return isHollow(result) ? null : result
}

/** The set with every struct field on the way to a member as a member itself. */
export function withNamedFields(node: SchemaNode | undefined, set: FieldSet): FieldSet {
  const result: Draft = {}
  for (const element in set) {
    if (element === '.') continue
    const below = set[element]!
    const isField = element.startsWith('f:')
    const isNamed = isField && node?.fields.has(element.slice(2)) === true
    const child = isField ? node?.child(element.slice(2)) : node?.element
    const { '.': _, ...children } = below
    result[element] = compose(isNamed || isMember(below), withNamedFields(child, children))
  }
  return result
}

/** `[name="a"]`: how messages show the item that a path element names. */
export function describeKey(element: string): string {
  if (element.startsWith('v:')) return `[=${element.slice(2)}]`
  const fields = Object.entries(JSON.parse(element.slice(2)) as JsonObject)
  return `[${fields.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`
}

/** Whether a value is owned part by part: it is a container with something in it, and its type is not atomic. */
function isGranular(node: SchemaNode | undefined, value: unknown): boolean {
  if (typeof value !== 'object' || value === null || node?.isAtomic) return false
  if (isHollow(value)) return false
  // A named type that may hold anything is one value to upstream.
  if (!Array.isArray(value))
    return node === undefined || node.shape === 'object' || node.shape === 'map' || (node.shape === 'any' && node.name === undefined)
  if (node?.listKeys === undefined) return false
  for (const item of value) if (!isKeyable(node, item)) return false
  return true
}

/** A list of items that are owned one by one, and that has none: nobody owns it. */
const isEmptyList = (node: SchemaNode | undefined, value: unknown) =>
  Array.isArray(value) && value.length === 0 && node?.listKeys !== undefined && !node.isAtomic

function isHollow(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  for (const _ in value) return false
  return true
}

/** Whether an item can be told from its siblings; cheaper than making its key. */
function isKeyable(node: SchemaNode, item: unknown): boolean {
  const keys = node.listKeys!
  if (keys.length === 0) return typeof item !== 'object'
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return false
  for (const key of keys) if ((item as JsonObject)[key] !== undefined || keyDefault(node.element, key) !== undefined) return true
  return false
}

/** The path elements of a merging list's items; undefined when an item has none of the keys, or the list does not merge. */
function itemKeys(node: SchemaNode | undefined, list: readonly unknown[]): string[] | undefined {
  const keys = node?.listKeys
  if (!keys) return undefined
  const elements: string[] = []
  for (const item of list) {
    const element = itemKey(node, item)
    if (element === undefined) return undefined
    elements.push(element)
  }
  return elements
}

/** The path element of one item; undefined when it has none of the keys, or the list does not merge. */
export function itemKey(node: SchemaNode, item: unknown): string | undefined {
  const keys = node.listKeys
  if (!keys) return undefined
  return keys.length === 0 ? valueElement(item) : keyElement(node, keys, item)
}

function valueElement(item: unknown): string | undefined {
  return typeof item === 'object' ? undefined : `v:${JSON.stringify(item)}`
}

function keyElement(node: SchemaNode, keys: readonly string[], item: unknown): string | undefined {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return undefined
  const [only = ''] = keys
  const name = keys.length === 1 ? (item as JsonObject)[only] : undefined
  return typeof name === 'string' ? namedElement(only, name) : madeElement(node, keys, item)
}

const namedElements = new Map<string, Map<string, string>>()

/** `k:{"name":"NAME"}`; names of containers, types of conditions and the like are few and kept, up to a bound. */
function namedElement(key: string, name: string): string {
  let known = namedElements.get(key)
  if (!known || known.size >= 2_048) namedElements.set(key, (known = new Map()))
  let element = known.get(name)
  if (element === undefined) known.set(name, (element = `k:{${JSON.stringify(key)}:${JSON.stringify(name)}}`))
  return element
}

function madeElement(node: SchemaNode, keys: readonly string[], item: object): string | undefined {
  let text = ''
  for (const key of keys.length > 1 ? [...keys].sort() : keys) {
    const value = (item as JsonObject)[key] ?? keyDefault(node.element, key)
    if (value !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${JSON.stringify(value)}`
  }
  return text === '' ? undefined : `k:{${text}}`
}

function groupByKey(keys: readonly string[], list: readonly unknown[]): Map<string, unknown[]> {
  const groups = new Map<string, unknown[]>()
  for (const [i, key] of keys.entries()) {
    const group = groups.get(key)
    if (group) group.push(list[i])
    else groups.set(key, [list[i]])
  }
  return groups
}

const elements = new Map<string, string>()

/** `f:NAME`; the names of an API are few, so their elements are kept (up to a bound). */
function elementOf(field: string): string {
  let element = elements.get(field)
  if (element === undefined) {
    element = `f:${field}`
    if (elements.size < 8192) elements.set(field, element)
  }
  return element
}

function setField(object: JsonObject, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
  else object[key] = value
}
