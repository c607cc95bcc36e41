import { goKind } from '../go-text.ts'
import { faults } from './strategic-faults.ts'

/**
 * Puts a merged list into its final order: the items that the patch names keep the patch's order, the others keep the
 * order they had, and the two are woven together by their old places wherever both have one.
 */
export function arrange({
  merged,
  order,
  original,
  keyOf,
  isLast,
}: {
  readonly merged: readonly unknown[]
  readonly order: readonly unknown[]
  readonly original: readonly unknown[]
  readonly keyOf: (item: unknown) => unknown
  /** Whether an item comes behind those of its kind: it is but a directive that nobody followed. */
  readonly isLast?: ((item: unknown) => boolean) | undefined
}): unknown[] {
  const orderKeys = order.map(keyOf)
  const oldKeys = original.map(keyOf)
  const keys = merged.map(keyOf)
  const last = isLast && merged.some(isLast) ? merged.filter(isLast) : []
  if (last.length === 0 && isArranged(keys, orderKeys, oldKeys)) return merged as unknown[]
  const orderRank = ranks(orderKeys)
  const oldRank = ranks(oldKeys)
  const places = keys.map((key, i) => ({ item: merged[i], orderRank: orderRank(key), oldRank: oldRank(key) }))
  const lastBehind = (sorted: readonly Place[]) => [...sorted].sort((a, b) => +last.includes(a.item) - +last.includes(b.item))
  const named = lastBehind(places.filter((place) => place.orderRank >= 0).sort((a, b) => a.orderRank - b.orderRank))
  const others = lastBehind(sortByOldRank(places.filter((place) => place.orderRank < 0)))
  const result: unknown[] = []
  let next = 0
  for (const { item, oldRank: rank } of named) {
    while (next < others.length && rank >= 0 && others[next]!.oldRank >= 0 && others[next]!.oldRank < rank)
      result.push(others[next++]!.item)
    result.push(item)
  }
  return [...result, ...others.slice(next).map(({ item }) => item)]
}

type Place = { readonly item: unknown; readonly orderRank: number; readonly oldRank: number }

/** What has no place of old comes before what is before it, and what follows comes before that: so does upstream's sort by insertion. */
function sortByOldRank(places: readonly Place[]): readonly Place[] {
  if (places.every((place) => place.oldRank >= 0)) return [...places].sort((a, b) => a.oldRank - b.oldRank)
  const sorted: Place[] = []
  for (const place of places) {
    let at = sorted.length
    while (at > 0 && (place.oldRank < 0 || sorted[at - 1]!.oldRank < 0 || place.oldRank < sorted[at - 1]!.oldRank)) at--
    sorted.splice(at, 0, place)
  }
  return sorted
}

/**
 * Whether a merged list is in its final order already, as a status is that is told again and again: each key once, those of the patch in
 * its order, and all of them named by it or where they have been.
 */
function isArranged(keys: readonly unknown[], order: readonly unknown[], old: readonly unknown[]): boolean {
  if (keys.length > shortMax || !(areSame(keys, order) || areSame(keys, old))) return false
  for (let i = 0; i < keys.length; i++) if (typeof keys[i] === 'object' || keys.indexOf(keys[i]) !== i) return false
  let named = 0
  for (let i = 0; i < keys.length && named < order.length; i++) if (keys[i] === order[named]) named++
  return named === order.length
}

/** Beyond it, looking for each key among all takes longer than a map of them. */
const shortMax = 32

const areSame = (a: readonly unknown[], b: readonly unknown[]) => a.length === b.length && a.every((key, i) => key === b[i])

/** The place of a key in a list, −1 where it has none. Keys are scalars but for malformed objects. */
function ranks(keys: readonly unknown[]): (key: unknown) => number {
  const places = new Map<unknown, number>()
  for (const [i, key] of keys.entries()) if (!places.has(key)) places.set(key, i)
  return (key) => (typeof key === 'object' ? keys.findIndex((other) => isSameKey(other, key)) : (places.get(key) ?? -1))
}

/** Whether it is the same scalar. Throws for two objects or two lists. */
export function isSameKey(a: unknown, b: unknown): boolean {
  if (typeof a === 'object' && a !== null && goKind(a) === goKind(b)) throw faults.notComparable()
  return a === b
}
