import type { Client } from '../client/contract.ts'
import type { KindRef } from '../kinds/kind.ts'
import type { KubeObject } from '../machinery/object.ts'
import { isStatus } from '../machinery/status-error.ts'

/** Makes the object where it is not there yet, and gives what was there; undefined when it was made, here or by another server just now. */
export async function ensureObject<T extends KubeObject>(client: Client, kind: KindRef<T>, object: T): Promise<T | undefined> {
  const resource = client.resource(kind, object.metadata.namespace)
  try {
    return await resource.get(object.metadata.name ?? '')
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw error
  }
  try {
    await resource.create(object)
  } catch (error) {
    if (!isStatus(error, 'AlreadyExists')) throw error
  }
  return undefined
}
