import type { KubeObject } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import type { Operation, Revision, StoreKey } from '../../store/contract.ts'
import type { ObjectStorage, PutResult } from '../objects/object-storage.ts'

type Put = {
  readonly key: StoreKey
  readonly object: KubeObject
  readonly expected: Revision | 'absent'
  readonly claims: readonly Operation[] | undefined
  /** By server-side apply, who owns what is the point: such an object is refused. */
  readonly keepsManagedFields: boolean
}

/** Stores an object; where only who owns its fields makes it too large, without that. Throws 413. */
export async function putObject(storage: ObjectStorage, { key, object, expected, claims, keepsManagedFields }: Put): Promise<PutResult> {
  try {
    return await storage.put(key, object, expected, claims)
  } catch (error) {
    const { managedFields, ...metadata } = object.metadata
    if (keepsManagedFields || !managedFields || !isStatus(error, 'RequestEntityTooLarge')) throw error
    return storage.put(key, { ...object, metadata }, expected, claims)
  }
}
