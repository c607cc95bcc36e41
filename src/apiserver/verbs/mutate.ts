import { settled } from '../../base/settled.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import { CachedObject } from '../objects/cached-object.ts'
import type { Core } from '../core.ts'
import type { ObjectWrite } from '../objects/object-storage.ts'
import { shareSpec } from '../objects/share-spec.ts'
import { keyOfObject, type Resource } from '../registry.ts'
import { restoreParts } from './validation.ts'

/** Other writers may come first this often before the caller is told. */
const attemptsMax = 25

/** A change of one stored object. */
export type Mutation<T extends KubeObject> = {
  readonly namespace: string
  readonly name: string
  readonly dryRun?: boolean
  /**
   * Gives what is to be stored in place of what is there: a copy of its own, or an object that shares with it what it does not change. In the
   * storage version; called again after a conflict; what it throws refuses the request.
   */
  readonly change: (object: T, copy: () => T) => T
}

/**
 * A change that the server itself makes to a stored object (binding, eviction's bookkeeping, run actions): no admission and no
 * field managers. `change` gets an own copy. Without a difference nothing is written. Throws 404, 409.
 */
export async function mutateObject<T extends KubeObject>(
  core: Core,
  target: Omit<Mutation<T>, 'change'> & { readonly resource: Resource },
  change: (object: T) => void,
): Promise<CachedObject> {
  const changeCopy = (_: T, copy: () => T): T => {
    const object = copy()
    change(object)
    return object
  }
  const [outcome] = await mutateEach<T>(core, target.resource, [{ ...target, change: changeCopy }])
  if (outcome!.status === 'rejected') throw outcome!.reason
  return outcome!.value
}

type Outcome = PromiseSettledResult<CachedObject>

/** Several such changes in one turn, each committed and answered for itself. Rejects when the server closes. */
export async function mutateEach<T extends KubeObject>(
  core: Core,
  resource: Resource,
  mutations: readonly Mutation<T>[],
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  let open = mutations.map((mutation, i) => ({ mutation, i }))
  for (let attempt = 1; attempt <= attemptsMax && open.length > 0; attempt++) {
    const writes: (ObjectWrite & (typeof open)[number])[] = []
    for (const one of open) {
      const step = settled(() => changed(core, resource, one.mutation))
      if (step.status === 'rejected') outcomes[one.i] = step
      else if (step.value instanceof CachedObject) outcomes[one.i] = { status: 'fulfilled', value: step.value }
      else writes.push({ ...one, ...step.value })
    }
    const results = writes.length > 0 ? await core.storage.putEach(writes) : []
    for (const [n, result] of results.entries()) {
      if (result.status === 'rejected') outcomes[writes[n]!.i] = result
      else if (result.value.type === 'committed') outcomes[writes[n]!.i] = { status: 'fulfilled', value: result.value.value }
    }
    open = writes.filter(({ i }) => outcomes[i] === undefined)
  }
  for (const { mutation, i } of open) outcomes[i] = { status: 'rejected', reason: statusErrors.staleVersion(resource.name, mutation.name) }
  return outcomes
}

/** What is to be written, or what is there when nothing is. */
function changed<T extends KubeObject>(core: Core, resource: Resource, mutation: Mutation<T>): ObjectWrite | CachedObject {
  const { namespace, name, dryRun = false, change } = mutation
  const { storage } = core
  const key = keyOfObject(resource, namespace, name)
  const entry = storage.cache.get(key)
  if (!entry) throw statusErrors.notFound(resource.name, name)
  // The casts: what is stored under a kind's prefix is of that kind.
  const object = change(entry.value.object as T, () => entry.value.copy() as T)
  if (object === entry.value.object) return entry.value
  // Of a pod, who changes it here writes all of a condition.
  if (!resource.kind.sharesSpec) restoreParts(core, resource, object)
  shareSpec(resource.kind, object)
  if (deepEqual(object, entry.value.object)) return entry.value
  return dryRun ? storage.uncommitted(object, entry.revision) : { key, object, expected: entry.revision }
}
