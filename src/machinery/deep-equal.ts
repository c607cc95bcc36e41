/**
 * Whether two JSON values are the same. The order of an object's fields does not matter; a field that is undefined counts
 * as absent. Not upstream's semantic equality: empty and absent differ, so prune both sides first where that matters.
 */
export function deepEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a)) return Array.isArray(b) && arraysEqual(a, b)
  if (Array.isArray(b)) return false
  return objectsEqual(a as Record<string, unknown>, b as Record<string, unknown>)
}

function arraysEqual(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (!deepEqual(a[i], b[i])) return false
  return true
}

function objectsEqual(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): boolean {
  let fields = 0
  for (const key in a) {
    const value = a[key]
    if (value === undefined) continue
    fields++
    if (!Object.hasOwn(b, key) || !deepEqual(value, b[key])) return false
  }
  for (const key in b) if (b[key] !== undefined) fields--
  return fields === 0
}
