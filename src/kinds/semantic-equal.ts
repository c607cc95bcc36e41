/** Fields that are maps: an empty one says no more than none. */
const maps: ReadonlySet<string> = new Set([
  'nodeSelector',
  'limits',
  'requests',
  'overhead',
  'labels',
  'annotations',
  'matchLabels',
  'options',
])

/** Whether two JSON values say the same in upstream's sense: beside `deepEqual`, an empty list or map is as good as none. */
export function semanticEqual(a: unknown, b: unknown, field = ''): boolean {
  if (a === b) return true
  if (isNothing(a, field) || isNothing(b, field)) return isNothing(a, field) && isNothing(b, field)
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null || Array.isArray(a) !== Array.isArray(b)) return false
  if (Array.isArray(a)) return a.length === (b as unknown[]).length && a.every((item, i) => semanticEqual(item, (b as unknown[])[i]))
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>]
  for (const key in left) if (!semanticEqual(left[key], right[key], key)) return false
  for (const key in right) if (!(key in left) && !isNothing(right[key], key)) return false
  return true
}

function isNothing(value: unknown, field: string): boolean {
  if (value === undefined || value === null) return true
  if (Array.isArray(value)) return value.length === 0
  return typeof value === 'object' && maps.has(field) && Object.keys(value).length === 0
}
