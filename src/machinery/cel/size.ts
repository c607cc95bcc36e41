import type { Value } from './value.ts'

/** The size that costs go by: code points, bytes, items, entries; 1 for what has none. */
export function sizeOf(value: Value): number {
  if (typeof value === 'string') return codePoints(value)
  if (typeof value !== 'object' || value === null) return 1
  switch (value.kind) {
    case 'list':
    case 'map':
      return value.size
    case 'bytes':
      return value.bytes.length
    case 'optional':
      return value.value === undefined ? 1 : sizeOf(value.value)
    case 'opaque':
      return value.type.size?.(value.content) ?? 1
    default:
      return 1
  }
}

/** Characters as CEL counts them. */
export function codePoints(text: string): number {
  let count = text.length
  for (let i = 0; i < text.length - 1; i++) {
    if ((text.charCodeAt(i) & 0xfc00) !== 0xd800 || (text.charCodeAt(i + 1) & 0xfc00) !== 0xdc00) continue
    count--
    i++
  }
  return count
}

/** The cost of walking over so much: a tenth, rounded up. */
export const traversal = (size: number) => Math.ceil(size * 0.1)
