import { type ListMerge } from './cel-type.ts'
import { EvaluationError, spendSteps } from './evaluation-error.ts'
import { equalJsonStructs, JsonList, JsonStruct } from './json-value.ts'
import type { CelBytes, CelList, CelMap, CelStruct, CelTimestamp, Value } from './value.ts'

/** Whether two values are equal: numbers across their types, everything else within one type. Never throws but for its cost. */
export function equals(a: Value, b: Value): boolean {
  if (a === b) return typeof a !== 'number' || !Number.isNaN(a)
  if (typeof a === 'string' || typeof a === 'boolean' || a === null || b === null) return false
  if (isNumeric(a)) return isNumeric(b) && compareNumbers(a, b) === 0
  if (typeof a !== 'object' || typeof b !== 'object') return false
  spendSteps(1)
  if (a.kind === 'list') return b.kind === 'list' && equalLists(a, b)
  if (a.kind === 'map') return b.kind === 'map' && equalMaps(a, b)
  return equalObjects(a, b)
}

function equalObjects(a: Exclude<Value, null | string | bigint | number | boolean>, b: typeof a): boolean {
  switch (a.kind) {
    case 'struct':
      return b.kind === 'struct' && equalStructs(a, b)
    case 'bytes':
      return b.kind === 'bytes' && compareBytes(a, b) === 0
    case 'timestamp':
      return b.kind === 'timestamp' && compareTimes(a, b) === 0
    case 'duration':
      return b.kind === 'duration' && a.nanos === b.nanos
    case 'type':
      return b.kind === 'type' && a.name === b.name
    case 'optional':
      if (b.kind !== 'optional') return false
      return a.value === undefined || b.value === undefined ? a.value === b.value : equals(a.value, b.value)
    case 'opaque':
      return b.kind === 'opaque' && a.type === b.type && a.type.equals(a.content, b.content)
    default:
      return false
  }
}

function equalLists(a: CelList, b: CelList): boolean {
  if (a.size !== b.size) return false
  const merge = a instanceof JsonList ? a.merge : undefined
  if (merge) return equalWithoutOrder(a, b, merge)
  spendSteps(a.size)
  for (let i = 0; i < a.size; i++) if (!equals(a.at(i), b.at(i))) return false
  return true
}

/** Lists that are sets or maps: order does not count. Duplicates make no difference that their schema would allow. */
function equalWithoutOrder(a: CelList, b: CelList, merge: ListMerge): boolean {
  const known = new Map<string, Value>()
  for (let i = 0; i < a.size; i++) known.set(itemKey(a.at(i), merge), a.at(i))
  for (let i = 0; i < b.size; i++) {
    const item = b.at(i)
    const other = known.get(itemKey(item, merge))
    if (other === undefined || !equals(other, item)) return false
  }
  return true
}

/** What tells an item of a set or map from the others. */
export function itemKey(item: Value, merge: ListMerge): string {
  if (merge.type === 'set') return keyText(item)
  const field = (name: string) => (item !== null && typeof item === 'object' && item.kind === 'struct' ? item.get(name) : undefined)
  return merge.keys.map((name) => keyText(field(name) ?? null)).join('\u0000')
}

function keyText(value: Value): string {
  if (typeof value === 'object' && value !== null) return value.kind === 'list' || value.kind === 'map' ? value.kind : '{}'
  return `${typeof value}:${String(value)}`
}

function equalMaps(a: CelMap, b: CelMap): boolean {
  if (a.size !== b.size) return false
  spendSteps(a.size)
  for (const key of a.keys()) {
    const [x, y] = [a.get(key), b.get(key)]
    if (x === undefined || y === undefined || !equals(x, y)) return false
  }
  return true
}

function equalStructs(a: CelStruct, b: CelStruct): boolean {
  if (a.type.name !== b.type.name) return false
  if (a instanceof JsonStruct && b instanceof JsonStruct) return equalJsonStructs(a, b, equals)
  const fields = a.fields()
  if (fields.length !== b.fields().length) return false
  spendSteps(fields.length)
  return fields.every((field) => {
    const [x, y] = [a.get(field), b.get(field)]
    return x !== undefined && y !== undefined && equals(x, y)
  })
}

export type Numeric = bigint | number | { readonly kind: 'uint'; readonly value: bigint }

export function isNumeric(value: Value): value is Extract<Value, Numeric> {
  return typeof value === 'bigint' || typeof value === 'number' || (typeof value === 'object' && value !== null && value.kind === 'uint')
}

/** Negative, zero or positive; NaN when one of them is. Beside a double, an integer is rounded to one, as in cel-go. */
export function compareNumbers(a: Numeric, b: Numeric): number {
  let x = typeof a === 'object' ? a.value : a
  let y = typeof b === 'object' ? b.value : b
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.NaN
  if (typeof x === 'number') y = Number(y)
  else if (typeof y === 'number') x = Number(x)
  return x < y ? -1 : x > y ? 1 : 0
}

export function compareBytes(a: CelBytes, b: CelBytes): number {
  return Buffer.compare(a.bytes, b.bytes)
}

export function compareTimes(a: CelTimestamp, b: CelTimestamp): number {
  return a.seconds - b.seconds || a.nanos - b.nanos
}

/** By code points, as bytes of UTF-8 compare; JavaScript's own order differs for what needs two units. */
export function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)]
    if (x === y) continue
    const [high, low] = [x >= 0xd800 && x <= 0xdfff, y >= 0xd800 && y <= 0xdfff]
    return high === low ? x - y : high ? 1 : -1
  }
  return a.length - b.length
}

/** The order of two values of one ordered type; throws EvaluationError for any others. */
export function compareValues(a: Value, b: Value): number {
  if (isNumeric(a) && isNumeric(b)) return compareNumbers(a, b)
  if (typeof a === 'string' && typeof b === 'string') return compareTexts(a, b)
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b)
  if (typeof a === 'object' && typeof b === 'object' && a !== null && b !== null) {
    if (a.kind === 'timestamp' && b.kind === 'timestamp') return compareTimes(a, b)
    if (a.kind === 'duration' && b.kind === 'duration') return a.nanos < b.nanos ? -1 : a.nanos > b.nanos ? 1 : 0
    if (a.kind === 'bytes' && b.kind === 'bytes') return compareBytes(a, b)
  }
  throw new EvaluationError('no such overload')
}
