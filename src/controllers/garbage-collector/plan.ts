/**
 * What becomes of one object because of its owners and dependents (https://kubernetes.io/docs/concepts/architecture/garbage-collection/).
 *  1. An object goes when it has owners and none of them exists.
 *  2. An owner that is deleted in the foreground goes after the dependents that block it.
 *  3. An owner that is deleted as an orphan-maker goes after its dependents have forgotten it.
 */
import type { KubeObject, OwnerReference } from '../../machinery/object.ts'

export const foregroundFinalizer = 'foregroundDeletion'
export const orphanFinalizer = 'orphan'

/** `waiting`: it exists but only waits for its dependents to go. `unknown`: nobody can say (its kind is not served here). */
export type OwnerState = 'exists' | 'waiting' | 'absent' | 'unknown'

export type Observed = {
  readonly object: KubeObject
  readonly owners: readonly { readonly reference: OwnerReference; readonly state: OwnerState }[]
  /** Objects that name this one as an owner. */
  readonly dependents: readonly KubeObject[]
}

export type Action =
  | { readonly type: 'remove-finalizer'; readonly finalizer: string }
  /** Dependents forget this owner. */
  | { readonly type: 'orphan'; readonly dependents: readonly KubeObject[] }
  /** The object keeps these owners only. */
  | { readonly type: 'keep-owners'; readonly owners: readonly OwnerReference[] }
  | { readonly type: 'delete'; readonly propagation: 'Background' | 'Foreground' | 'Orphan' }

export function planCollection({ object, owners, dependents }: Observed): Action[] {
  const { deletionTimestamp, finalizers = [], uid = '' } = object.metadata
  if (deletionTimestamp) {
    if (finalizers.includes(orphanFinalizer)) return planOrphaning(dependents)
    return finalizers.includes(foregroundFinalizer) ? planForeground(uid, dependents) : []
  }
  const solid = owners.filter(({ state }) => state === 'exists' || state === 'unknown')
  const waiting = owners.filter(({ state }) => state === 'waiting')
  if (solid.length === owners.length) return []
  if (solid.length > 0) return [{ type: 'keep-owners', owners: solid.map(({ reference }) => reference) }]
  if (waiting.length > 0 && dependents.length > 0) {
    // Two that wait for each other would wait for ever: the owners no longer wait for this one.
    const isCycle = dependents.some((dependent) => isWaitingForDependents(dependent))
    const unblocked = owners.map(({ reference }) => ({ ...reference, blockOwnerDeletion: false }))
    return [...(isCycle ? [{ type: 'keep-owners' as const, owners: unblocked }] : []), { type: 'delete', propagation: 'Foreground' }]
  }
  const propagation = finalizers.includes(orphanFinalizer)
    ? 'Orphan'
    : finalizers.includes(foregroundFinalizer)
      ? 'Foreground'
      : 'Background'
  return [{ type: 'delete', propagation }]
}

export function isWaitingForDependents(object: KubeObject): boolean {
  return object.metadata.deletionTimestamp !== undefined && (object.metadata.finalizers ?? []).includes(foregroundFinalizer)
}

function planOrphaning(dependents: readonly KubeObject[]): Action[] {
  const remove: Action = { type: 'remove-finalizer', finalizer: orphanFinalizer }
  return dependents.length > 0 ? [{ type: 'orphan', dependents }, remove] : [remove]
}

function planForeground(uid: string, dependents: readonly KubeObject[]): Action[] {
  const isBlocking = (dependent: KubeObject) =>
    dependent.metadata.ownerReferences?.some((o) => o.uid === uid && o.blockOwnerDeletion) ?? false
  // While one blocks there is nothing to do: dependents are looked at by themselves, and their end brings this one back.
  return dependents.some(isBlocking) ? [] : [{ type: 'remove-finalizer', finalizer: foregroundFinalizer }]
}
