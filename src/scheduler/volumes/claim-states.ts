import type { PersistentVolumeClaim, Pod } from '../../kinds/generated/types/core-v1.ts'
import type { StorageClass } from '../../kinds/generated/types/storage-v1.ts'
import { classNameOfClaim, volumeAnnotations } from '../../kinds/storage/volume-binding.ts'
import { claimsOf, type PodClaim, type VolumeSources } from './volume-sources.ts'

export type UnboundClaim = { readonly claim: PersistentVolumeClaim; readonly storageClass: StorageClass }

/** A pod's claims by what is left to be done for them; or the sentence that says why the pod must wait. */
export type ClaimStates =
  | { readonly kind: 'Waits'; readonly reason: string }
  | {
      readonly kind: 'Known'
      readonly bound: readonly PersistentVolumeClaim[]
      /** Claims whose class waits for their first consumer. */
      readonly unbound: readonly UnboundClaim[]
    }

export function claimStates(pod: Pod, sources: VolumeSources): ClaimStates {
  const bound: PersistentVolumeClaim[] = []
  const unbound: UnboundClaim[] = []
  for (const of of claimsOf(pod)) {
    const claim = sources.claims.get(of.key)
    const problem = problemOf(of, claim, pod)
    if (problem !== undefined) return { kind: 'Waits', reason: problem }
    if (claim!.spec?.volumeName && claim!.metadata.annotations?.[volumeAnnotations.bindCompleted] !== undefined) {
      bound.push(claim!)
      continue
    }
    const storageClass = sources.storageClasses.get(classNameOfClaim(claim!) ?? '')
    const isDelayed = storageClass?.volumeBindingMode === 'WaitForFirstConsumer'
    if (!isDelayed || claim!.spec?.volumeName) return { kind: 'Waits', reason: 'pod has unbound immediate PersistentVolumeClaims' }
    unbound.push({ claim: claim!, storageClass })
  }
  return { kind: 'Known', bound, unbound }
}

function problemOf(of: PodClaim, claim: PersistentVolumeClaim | undefined, pod: Pod): string | undefined {
  if (!claim)
    return of.isEphemeral
      ? `waiting for ephemeral volume controller to create the persistentvolumeclaim ${JSON.stringify(of.name)}`
      : `persistentvolumeclaim ${JSON.stringify(of.name)} not found`
  if (claim.status?.phase === 'Lost')
    return `persistentvolumeclaim ${JSON.stringify(of.name)} bound to non-existent persistentvolume ${JSON.stringify(claim.spec?.volumeName)}`
  if (claim.metadata.deletionTimestamp !== undefined) return `persistentvolumeclaim ${JSON.stringify(of.name)} is being deleted`
  const isOwned = claim.metadata.ownerReferences?.some((o) => o.controller && o.uid === pod.metadata.uid)
  if (of.isEphemeral && !isOwned)
    return `PVC ${of.key} was not created for pod ${pod.metadata.namespace}/${pod.metadata.name} (pod is not owner)`
  return undefined
}
