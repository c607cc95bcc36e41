import { deepEqual } from '../deep-equal.ts'

/**
 * Puts a merged list into its final order: the items that the patch names keep the patch's order, the others keep the
 * order they had, and the two are woven together by their old places wherever both have one.
 */
export function arrange({
  merged,
  order,
  original,
  keyOf,
}: {
  readonly merged: readonly unknown[]
  readonly order: readonly unknown[]
  readonly original: readonly unknown[]
  readonly keyOf: (item: unknown) => unknown
}): unknown[] {
  const orderRanks = ranks(order, keyOf)
  const oldRanks = ranks(original, keyOf)
  const named = merged.filter((item) => orderRanks(item) >= 0).sort((a, b) => orderRanks(a) - orderRanks(b))
  const others = merged.filter((item) => orderRanks(item) < 0).sort((a, b) => oldRanks(a) - oldRanks(b))
  const result: unknown[] = []
  let next = 0
  for (const item of named) {
    const rank = oldRanks(item)
    while (next < others.length && rank >= 0 && oldRanks(others[next]) >= 0 && oldRanks(others[next]) < rank) result.push(others[next++])
    result.push(item)
  }
  return [...result, ...others.slice(next)]
}

/** The place of an item's key in a list, −1 where it has none. Keys are scalars but for malformed objects. */
function ranks(list: readonly unknown[], keyOf: (item: unknown) => unknown): (item: unknown) => number {
  const places = new Map<unknown, number>()
  for (const [i, item] of list.entries()) if (!places.has(keyOf(item))) places.set(keyOf(item), i)
  return (item) => {
    const key = keyOf(item)
    const place = places.get(key)
    if (place !== undefined || typeof key !== 'object') return place ?? -1
    return list.findIndex((other) => deepEqual(keyOf(other), key))
  }
}
