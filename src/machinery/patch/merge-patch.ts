type JsonObject = Record<string, unknown>

/**
 * JSON merge patch (RFC 7386): null removes a field, objects merge, everything else replaces. Pure: neither argument is
 * changed; the result shares structure with both. Iterative depth is the depth of the patch, which the body's parser bounds.
 */
export function applyMergePatch<T>(object: T, patch: unknown): T {
  return merge(Array.isArray(patch) ? undefined : object, patch) as T
}

function merge(target: unknown, patch: unknown): unknown {
  // Nulls of objects in a list go as well, but where it replaces an object: the RFC keeps them all, upstream's library does not.
  if (Array.isArray(patch) && !isObject(target)) return patch.map((item) => merge(undefined, item))
  if (!isObject(patch)) return patch
  const result: JsonObject = isObject(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else {
      const merged = merge(Object.hasOwn(result, key) ? result[key] : undefined, value)
      if (key === '__proto__') Object.defineProperty(result, key, { value: merged, writable: true, enumerable: true, configurable: true })
      else result[key] = merged
    }
  }
  return result
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
