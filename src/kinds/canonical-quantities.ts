import { canonicalQuantity, isQuantity } from '../machinery/quantity.ts'

/** Quantities repeat endlessly in a cluster; the cache is dropped whole when full. */
const canonical = new Map<string, string>()
const cacheEntriesMax = 4096

/** Writes every quantity of a resource list in its one canonical way, as the API returns them. Text that is none stays for validation. */
export function canonicalizeQuantities(list: Record<string, string | number> | undefined): void {
  if (!list) return
  for (const name in list) {
    const text = canonicalText(list[name]!)
    // Parts of the stored object may hang in the new one: what is canonical already is not written to.
    if (text !== list[name]) list[name] = text
  }
}

function canonicalText(quantity: string | number): string | number {
  const text = String(quantity)
  const known = canonical.get(text)
  if (known !== undefined) return known
  if (!isQuantity(quantity)) return quantity
  if (canonical.size >= cacheEntriesMax) canonical.clear()
  const result = canonicalQuantity(quantity)
  canonical.set(text, result)
  return result
}
