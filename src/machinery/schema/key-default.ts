import type { SchemaNode } from './schema-node.ts'

/**
 * What a key of a merging list's item is when it is not given: its default, or the zero of a field that Go always has. Undefined: the
 * item then has no such key.
 */
export function keyDefault(item: SchemaNode | undefined, key: string): unknown {
  const field = item?.child(key)
  if (field?.default !== undefined || item?.name === undefined || !item.required.includes(key)) return field?.default
  return field?.shape === 'integer' ? 0 : field?.shape === 'string' ? '' : undefined
}
