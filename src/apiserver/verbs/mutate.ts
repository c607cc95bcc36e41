import { deepEqual } from '../../machinery/deep-equal.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import type { CachedObject } from '../cached-object.ts'
import type { Core } from '../core.ts'
import { shareSpec } from '../share-spec.ts'
import { keyOfObject, type Resource } from '../registry.ts'

/** Other writers may come first this often before the caller is told. */
const attemptsMax = 25

/**
 * A change that the server itself makes to a stored object (binding, eviction's bookkeeping, run actions): no admission and no
 * field managers. `change` gets an own copy in the storage version and is called again after a conflict; what it throws
 * refuses the request. Without a difference nothing is written. Throws 404, 409.
 */
export async function mutateObject<T extends KubeObject>(
  core: Core,
  target: {
    readonly resource: Resource
    readonly namespace: string
    readonly name: string
    readonly dryRun?: boolean
    /** A copy of what `change` changes, where that is less than everything; the rest stays shared. */
    readonly copyOf?: (object: T) => T
  },
  change: (object: T) => void,
): Promise<CachedObject> {
  const { resource, namespace, name, dryRun = false, copyOf } = target
  const { storage } = core
  const key = keyOfObject(resource, namespace, name)
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    const entry = storage.cache.get(key)
    if (!entry) throw statusErrors.notFound(resource.name, name)
    // The casts: what is stored under a kind's prefix is of that kind.
    const object = (copyOf ? copyOf(entry.value.object as T) : entry.value.copy()) as T
    change(object)
    shareSpec(resource.kind, object)
    if (deepEqual(object, entry.value.object)) return entry.value
    if (dryRun) return storage.uncommitted(object, entry.revision)
    const result = await storage.put(key, object, entry.revision)
    if (result.type === 'committed') return result.value
  }
  throw statusErrors.staleVersion(resource.name, name)
}
