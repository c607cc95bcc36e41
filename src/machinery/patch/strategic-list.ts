import { goKind } from '../go-text.ts'
import { arrange, isSameKey } from './element-order.ts'
import { faults } from './strategic-faults.ts'

/**
 * Lists of a strategic merge patch: of scalars, which are sets, and of objects, which have a key.
 *
 * Upstream changes the list that is there in place while it merges, and takes old places from what is then left of it. `places` is that
 * list; it matters where items are taken away and others come in one patch.
 */

export type JsonObject = Record<string, unknown>

const directive = '$patch'

export type ListRules = {
  /** Undefined: the items are no objects, or have no key. */
  readonly mergeKey: string | undefined
  /** What Go calls the items, for an error. */
  readonly itemType: () => string
  readonly mergeItem: (original: JsonObject, patch: JsonObject) => JsonObject
}

export type MergedList = { readonly items: readonly unknown[]; readonly places: readonly unknown[] }

/** Merges lists and puts the items into the order of the patch, as upstream does when no order is given. */
export function mergeList(original: readonly unknown[], patch: readonly unknown[], rules: ListRules, room = roomOf(original)): MergedList {
  if (original.length === 0 && patch.length === 0) return { items: original, places: original }
  if (elementKind(original, patch) === 'map') return mergeItems(original as JsonObject[], patch as JsonObject[], rules)
  const { items, places } = mergeScalars(original, patch, room)
  return { items: arrangeList({ merged: items, order: patch, places }, rules), places }
}

/** What a list is without the scalars that a patch takes away. Where it holds objects, they are merged instead. */
export function deleteScalars(original: readonly unknown[], values: readonly unknown[], rules: ListRules): readonly unknown[] {
  if (original.length === 0 && values.length === 0) return original
  if (elementKind(original, values) === 'map') return mergeItems(original as JsonObject[], values as JsonObject[], rules).items
  return original.filter((item) => !values.includes(item))
}

/** Objects without a key cannot be told apart: upstream's server falls over them where it has to. */
export function refuseKeyless(items: readonly unknown[], order: readonly unknown[], places: readonly unknown[]): void {
  if ([...items, ...order].some((item) => typeof item === 'object' && item !== null)) throw faults.notComparable()
  if (isObject(places[0])) throw faults.noMergeKey(places[0], '')
}

/** Puts a merged list into a stated order; `places` are of old. */
export function arrangeList(
  {
    merged,
    order,
    places,
  }: { readonly merged: readonly unknown[]; readonly order: readonly unknown[]; readonly places: readonly unknown[] },
  { mergeKey }: ListRules,
): readonly unknown[] {
  if (mergeKey !== undefined) refuseOddOrder(merged, order, mergeKey)
  const keyOf = mergeKey === undefined ? (item: unknown) => item : keyReader(mergeKey)
  return arrange({ merged, order, original: places, keyOf, isLast: mergeKey === undefined ? undefined : isDeletion })
}

/** What is no item in a stated order is met by the first that is not named before it. */
function refuseOddOrder(merged: readonly unknown[], order: readonly unknown[], mergeKey: string): void {
  const odd = order.findIndex((item) => !isObject(item))
  if (odd < 0) return
  for (const item of merged) order.some((stated, at) => hasKey(mergeKey, readKey(item, mergeKey))(stated, at))
  throw faults.noItem(order[odd])
}

/** The items of the patch must appear in the stated order; those that go, and those of an empty order, need not. */
export function checkOrder(patch: readonly unknown[], order: readonly unknown[], { mergeKey }: ListRules): void {
  if (patch.length === 0 || order.length === 0) return
  const items = mergeKey === undefined ? patch : patch.filter((item) => !isDeletion(item))
  let at = 0
  for (const item of items) {
    // As upstream has it, what follows the last of the order is out of it, also an item that is but a directive.
    if (at < order.length && isObject(item) && item[directive] !== undefined) continue
    while (at < order.length && !isSame(order[at], item, mergeKey)) at++
    if (at++ >= order.length) throw faults.outOfOrder(patch, order)
  }
}

function isSame(stated: unknown, item: unknown, mergeKey: string | undefined): boolean {
  if (mergeKey === undefined) return isSameKey(stated, item)
  if (!isObject(stated)) throw faults.noItem(stated)
  const key = readKey(item, mergeKey)
  return isSameKey(readKey(stated, mergeKey), key)
}

function isDeletion(item: unknown): boolean {
  if (!isObject(item)) throw faults.noItem(item)
  return item[directive] === 'delete'
}

/** Go's name for what all elements are. Throws where they differ, where there are none, and for lists. */
export function elementKind(...lists: readonly (readonly unknown[])[]): string {
  const all = lists.flat(1)
  const [first] = all
  if (all.length === 0) throw faults.emptyLists()
  const kind = goKind(first)
  if (kind === 'slice') throw faults.noListsOfLists()
  if (kind === 'nil') throw faults.notComparable()
  for (const item of all) if (goKind(item) !== kind) throw faults.differentElements(lists)
  return kind
}

function mergeItems(original: readonly JsonObject[], patch: readonly JsonObject[], rules: ListRules): MergedList {
  const { mergeKey } = rules
  if (mergeKey === undefined) throw faults.notMergeable(rules.itemType())
  const { left, rest, isReplaced } = followItemDirectives(original, patch, mergeKey)
  const places = [...left, ...original.slice(left.length)]
  if (isReplaced) return { items: arrangeList({ merged: rest, order: [], places: rest }, rules), places }
  const merged = [...left]
  for (const item of rest) {
    const key = readKey(item, mergeKey)
    const at = merged.findIndex(hasKey(mergeKey, key))
    if (at >= 0) merged[at] = rules.mergeItem(merged[at]!, item)
    else {
      // What is new takes the places of what is gone.
      if (merged.length < places.length) places[merged.length] = item
      merged.push(item)
    }
  }
  return { items: arrangeList({ merged, order: rest, places: left }, rules), places }
}

/** Carries out `$patch` items: removals by key, or the replacement of the whole list by the rest. */
function followItemDirectives(original: readonly JsonObject[], patch: readonly JsonObject[], mergeKey: string) {
  let left = [...original]
  let isReplaced = false
  const rest: JsonObject[] = []
  for (const item of patch) {
    const mode = item[directive]
    if (mode === undefined) rest.push(item)
    else if (mode === 'delete') {
      const isGone = hasKey(mergeKey, readKey(item, mergeKey))
      left = left.filter((other) => !isGone(other))
    } else if (mode === 'replace') isReplaced = true
    else if (mode === 'merge') throw faults.cannotMergeItems()
    else throw faults.unknownDirective(mode, item)
  }
  return { left, rest, isReplaced }
}

/**
 * Each scalar once. The last takes the place of one that was there twice, and where the list had room for the patch, it is changed
 * itself.
 */
function mergeScalars(original: readonly unknown[], patch: readonly unknown[], room: number): MergedList {
  const all = [...original, ...patch]
  let length = all.length
  for (let i = 0; i < length; i++) {
    for (let j = i + 1; j < length; j++) if (all[i] === all[j]) all[j--] = all[--length]
  }
  return { items: all.slice(0, length), places: original.length + patch.length <= room ? all.slice(0, original.length) : original }
}

/** Upstream's lists grow twofold. */
const roomOf = (list: readonly unknown[]) => (list.length === 0 ? 0 : 2 ** Math.ceil(Math.log2(list.length)))

function readKey(item: unknown, mergeKey: string): unknown {
  if (!isObject(item)) throw faults.noItem(item)
  if (item[mergeKey] === undefined) throw faults.noMergeKey(item, mergeKey)
  return item[mergeKey]
}

const keyReader = (mergeKey: string) => (item: unknown) => readKey(item, mergeKey)

function hasKey(mergeKey: string, key: unknown): (item: unknown, at?: number) => boolean {
  return (item, at = 0) => {
    if (!isObject(item)) throw faults.noItemAt(at)
    return item[mergeKey] !== undefined && isSameKey(item[mergeKey], key)
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
