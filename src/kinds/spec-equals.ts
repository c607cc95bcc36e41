import { deepEqual } from '../machinery/deep-equal.ts'
import type { KubeObject } from '../machinery/object.ts'

/** Whether two objects agree in everything but metadata and status: the test for a new generation. */
export function specEquals(a: KubeObject, b: KubeObject): boolean {
  const left = a as Record<string, unknown>
  const right = b as Record<string, unknown>
  for (const key in left) if (isSpecField(key) && !deepEqual(left[key], right[key])) return false
  for (const key in right) if (isSpecField(key) && left[key] === undefined && right[key] !== undefined) return false
  return true
}

function isSpecField(key: string): boolean {
  return key !== 'metadata' && key !== 'status' && key !== 'kind' && key !== 'apiVersion'
}
