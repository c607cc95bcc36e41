import type { PersistentVolumeClaim, Pod } from '../../kinds/generated/types/core-v1.ts'
import type { StorageClass } from '../../kinds/generated/types/storage-v1.ts'
import { classNameOfClaim, volumeAnnotations } from '../../kinds/storage/volume-binding.ts'
import type { PodClaim, VolumeSources } from './volume-sources.ts'

export type UnboundClaim = { readonly claim: PersistentVolumeClaim; readonly storageClass: StorageClass }

/** A pod's claims by what is left to be done for them; or the sentence that says why the pod must wait. */
export type ClaimStates =
  | { readonly kind: 'Waits'; readonly reason: string; readonly remedy?: string }
  | {
      readonly kind: 'Known'
      readonly bound: readonly PersistentVolumeClaim[]
      /** Claims whose class waits for their first consumer. */
      readonly unbound: readonly UnboundClaim[]
    }

/** Of the claims that the pod's volumes name. */
export function claimStates(pod: Pod, podClaims: readonly PodClaim[], sources: VolumeSources): ClaimStates {
  const bound: PersistentVolumeClaim[] = []
  const unbound: UnboundClaim[] = []
  const claims = podClaims.map((of) => ({ of, claim: sources.claims.get(of.key) }))
  // Whether they are all there is said first, whatever else one of them waits for.
  for (const { of, claim } of claims) {
    const problem = problemOf(of, claim, pod)
    if (problem) return { kind: 'Waits', ...problem }
  }
  for (const { claim } of claims) {
    if (claim!.spec?.volumeName && claim!.metadata.annotations?.[volumeAnnotations.bindCompleted] !== undefined) {
      bound.push(claim!)
      continue
    }
    const storageClass = sources.storageClasses.get(classNameOfClaim(claim!) ?? '')
    const isDelayed = storageClass?.volumeBindingMode === 'WaitForFirstConsumer'
    if (!isDelayed || claim!.spec?.volumeName)
      return { kind: 'Waits', reason: 'pod has unbound immediate PersistentVolumeClaims', remedy: howToBind(claim!, storageClass) }
    unbound.push({ claim: claim!, storageClass })
  }
  return { kind: 'Known', bound, unbound }
}

function howToBind(claim: PersistentVolumeClaim, storageClass: StorageClass | undefined): string {
  const { name } = claim.metadata
  const className = classNameOfClaim(claim)
  if (claim.spec?.volumeName) return `create the PersistentVolume ${claim.spec.volumeName} that claim ${name} names`
  if (!className) return `create a PersistentVolume that serves claim ${name}: it names no storage class that could make one`
  if (!storageClass) return `create the StorageClass ${className} that claim ${name} names, or a PersistentVolume of it`
  return `get claim ${name} bound: kubectl describe pvc ${name} says what it waits for`
}

type Waiting = { readonly reason: string; readonly remedy?: string }

function problemOf(of: PodClaim, claim: PersistentVolumeClaim | undefined, pod: Pod): Waiting | undefined {
  const quoted = JSON.stringify(of.name)
  if (!claim)
    return of.isEphemeral
      ? { reason: `waiting for ephemeral volume controller to create the persistentvolumeclaim ${quoted}` }
      : { reason: `persistentvolumeclaim ${quoted} not found`, remedy: `create the PersistentVolumeClaim ${of.name}` }
  if (claim.status?.phase === 'Lost')
    return {
      reason: `persistentvolumeclaim ${quoted} bound to non-existent persistentvolume ${JSON.stringify(claim.spec?.volumeName)}`,
      remedy: `make the PersistentVolumeClaim ${of.name} anew: its volume is gone`,
    }
  if (claim.metadata.deletionTimestamp !== undefined)
    return {
      reason: `persistentvolumeclaim ${quoted} is being deleted`,
      remedy: `make the PersistentVolumeClaim ${of.name} anew: it goes when no pod uses it any more`,
    }
  const isOwned = claim.metadata.ownerReferences?.some((o) => o.controller && o.uid === pod.metadata.uid)
  if (of.isEphemeral && !isOwned) {
    const reason = `PVC ${of.key} was not created for pod ${pod.metadata.namespace}/${pod.metadata.name} (pod is not owner)`
    return { reason, remedy: `delete the PersistentVolumeClaim ${of.name}: one is then made for the pod` }
  }
  return undefined
}
