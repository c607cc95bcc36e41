import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { ResourceClaim } from '../../kinds/generated/types/resource-v1.ts'
import { keyOf } from '../../machinery/object.ts'

/** Upstream's ResourceClaimReservedForMaxSize. */
const usersMax = 256

export type PodClaims =
  | { readonly claims: readonly ResourceClaim[] }
  | { readonly problem: string; readonly remedy?: string; readonly isInUse?: true }

/** The claims that a pod uses, each of them there, its own, and free for it; or upstream's sentence about the first that is not. */
export function podClaims(pod: Pod, claimOf: (key: string) => ResourceClaim | undefined): PodClaims {
  const { namespace = '', name = '', uid } = pod.metadata
  const claims: ResourceClaim[] = []
  for (const entry of pod.spec?.resourceClaims ?? []) {
    const made = pod.status?.resourceClaimStatuses?.find((status) => status.name === entry.name)
    const isMade = entry.resourceClaimName === undefined
    if (isMade && !made)
      return {
        problem: `pod "${namespace}/${name}": ResourceClaim not created yet`,
        remedy: `see that there is a ResourceClaimTemplate ${entry.resourceClaimTemplateName ?? ''}: its claim is made for the pod`,
      }
    const claimName = entry.resourceClaimName ?? made?.resourceClaimName
    // Whoever made the others may say that this one is not needed.
    if (claimName === undefined) continue
    const claim = claimOf(`${namespace}/${claimName}`)
    if (!claim)
      return {
        problem: `resourceclaim.resource.k8s.io ${JSON.stringify(claimName)} not found`,
        remedy: `create the ResourceClaim ${claimName}`,
      }
    if (claim.metadata.deletionTimestamp)
      return {
        problem: `resourceclaim ${JSON.stringify(claimName)} is being deleted`,
        remedy: `make the ResourceClaim ${claimName} anew: it goes when no pod uses it any more`,
      }
    if (isMade && !claim.metadata.ownerReferences?.some((o) => o.controller && o.uid === uid))
      return { problem: `ResourceClaim ${keyOf(claim)} was not created for pod ${namespace}/${name} (pod is not owner)` }
    if (claim.status?.allocation && !isReservedFor(claim, pod) && (claim.status.reservedFor?.length ?? 0) >= usersMax)
      return { problem: 'resourceclaim in use', isInUse: true }
    if (!claims.includes(claim)) claims.push(claim)
  }
  return { claims }
}

export function isReservedFor({ status }: ResourceClaim, { metadata }: Pod): boolean {
  return status?.reservedFor?.some((reference) => reference.uid === metadata.uid) ?? false
}
