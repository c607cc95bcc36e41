/**
 * Claims of devices: made from the templates that pods name, kept for the pods that use them, given back after the last of them.
 * Allocation is the scheduler's. https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/
 */
import { kindRefs } from '../../client/generated/kind-refs.ts'
import { controllerReference } from '../../control/ownership.ts'
import type { Pod, PodResourceClaimStatus } from '../../kinds/generated/types/core-v1.ts'
import type { ResourceClaim, ResourceClaimConsumerReference, ResourceClaimTemplate } from '../../kinds/generated/types/resource-v1.ts'
import { isPodTerminal } from '../../kinds/pod-status.ts'
import { deepClone } from '../../machinery/deep-clone.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { controllerOf, type OwnerReference } from '../../machinery/object.ts'

/** Which of a pod's claims an object was made for. */
export const podClaimAnnotation = 'resource.kubernetes.io/pod-claim-name'
/** Set by whoever allocates; as long as it is there, the devices are taken. */
export const allocationFinalizer = 'resource.kubernetes.io/delete-protection'
const reservedMax = 256
const baseNameMax = 253 - 5 - 1

/** It uses its claims no more: ended, or deleted before it had a node. */
export function isPodDone(pod: Pod): boolean {
  return isPodTerminal(pod) || (pod.metadata.deletionTimestamp !== undefined && !pod.spec?.nodeName)
}

export type PodObserved = {
  readonly pod: Pod
  readonly templateOf: (name: string) => ResourceClaimTemplate | undefined
  /** Claims that the pod owns. */
  readonly owned: readonly ResourceClaim[]
  readonly claimOf: (name: string) => ResourceClaim | undefined
}

export type PodPlan = {
  readonly create: readonly { readonly podClaim: string; readonly claim: ResourceClaim }[]
  /** What the pod's status is to say beside what it says. */
  readonly statuses: readonly PodResourceClaimStatus[]
  /** Allocated claims of a pod that has its node already and was never reserved for. */
  readonly reserve: readonly ResourceClaim[]
  readonly errors: readonly string[]
}

export function planPod({ pod, templateOf, owned, claimOf }: PodObserved): PodPlan {
  const plan = {
    create: [] as { podClaim: string; claim: ResourceClaim }[],
    statuses: [] as PodResourceClaimStatus[],
    reserve: [] as ResourceClaim[],
    errors: [] as string[],
  }
  if (pod.metadata.deletionTimestamp || isPodDone(pod)) return plan
  for (const { name, resourceClaimName, resourceClaimTemplateName } of pod.spec?.resourceClaims ?? []) {
    let claim = resourceClaimName ? claimOf(resourceClaimName) : undefined
    if (resourceClaimTemplateName) {
      claim = owned.find(({ metadata }) => metadata.annotations?.[podClaimAnnotation] === name && !metadata.deletionTimestamp)
      const told = pod.status?.resourceClaimStatuses?.find((status) => status.name === name)
      if (claim) {
        const claimName = claim.metadata.name ?? ''
        if (told?.resourceClaimName !== claimName) plan.statuses.push({ name, resourceClaimName: claimName })
      } else {
        const template = templateOf(resourceClaimTemplateName)
        if (template) plan.create.push({ podClaim: name, claim: claimFromTemplate(pod, name, template) })
        else
          plan.errors.push(
            `PodResourceClaim ${name}: resource claim template ${JSON.stringify(resourceClaimTemplateName)}: resourceclaimtemplate.resource.k8s.io ${JSON.stringify(resourceClaimTemplateName)} not found`,
          )
      }
    }
    if (claim && pod.spec?.nodeName && mayReserve(claim, pod)) plan.reserve.push(claim)
  }
  return plan
}

function mayReserve({ metadata, status }: ResourceClaim, pod: Pod): boolean {
  const reserved = status?.reservedFor ?? []
  if (!status?.allocation || metadata.deletionTimestamp) return false
  return reserved.length < reservedMax && !reserved.some(({ uid }) => uid === pod.metadata.uid)
}

export function withReservation(claim: ResourceClaim, pod: Pod): ResourceClaim {
  const reference = { resource: 'pods', name: pod.metadata.name ?? '', uid: pod.metadata.uid ?? '' }
  return { ...claim, status: { ...claim.status, reservedFor: [...(claim.status?.reservedFor ?? []), reference] } }
}

function claimFromTemplate(pod: Pod, podClaim: string, { spec }: ResourceClaimTemplate): ResourceClaim {
  const { labels, annotations } = spec.metadata ?? {}
  return {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceClaim',
    metadata: {
      generateName: `${`${pod.metadata.name}-${podClaim}`.slice(0, baseNameMax)}-`,
      namespace: pod.metadata.namespace ?? '',
      ...(labels ? { labels: { ...labels } } : {}),
      annotations: { ...annotations, [podClaimAnnotation]: podClaim },
      // Not one that keeps the pod: its claims may go after it.
      ownerReferences: [ownerOf(pod)],
    },
    spec: deepClone(spec.spec),
  }
}

export type ClaimPlan =
  | { readonly type: 'none' }
  /** The status first. `finalizers`: then these, for the devices are free; not reached, they stay until the next allocation or deletion. */
  | { readonly type: 'write'; readonly status?: ResourceClaim['status']; readonly finalizers?: readonly string[] }
  | { readonly type: 'delete' }

/** What to write of a claim. `podOf` gives the pod that a reference means, uid included. */
export function planClaim(claim: ResourceClaim, podOf: (reference: ResourceClaimConsumerReference) => Pod | undefined): ClaimPlan {
  const { metadata, status } = claim
  const reserved = status?.reservedFor ?? []
  const valid = reserved.filter((reference) => {
    // Who else may use claims is not ours to judge.
    if (reference.resource !== 'pods' || reference.apiGroup) return true
    const pod = podOf(reference)
    return pod !== undefined && !isPodDone(pod)
  })
  const isHeld = metadata.finalizers?.includes(allocationFinalizer) ?? false
  const isDeleted = metadata.deletionTimestamp !== undefined
  // A finalizer without an allocation may be the scheduler's, about to allocate: it goes only with the last user or with the claim.
  const isFreed = isHeld && valid.length === 0 && (reserved.length > 0 || isDeleted)
  if (valid.length < reserved.length || isFreed) {
    const { reservedFor: _r, ...kept } = status ?? {}
    const next: NonNullable<ResourceClaim['status']> = { ...kept, ...(valid.length > 0 ? { reservedFor: valid } : {}) }
    if (isFreed) {
      delete next.allocation
      delete next.devices
    }
    const finalizers = isFreed ? { finalizers: metadata.finalizers!.filter((f) => f !== allocationFinalizer) } : {}
    return { type: 'write', ...(deepEqual(next, status ?? {}) ? {} : { status: next }), ...finalizers }
  }
  return isLeftOver(claim, valid.length, podOf) ? { type: 'delete' } : { type: 'none' }
}

/** Made for a pod that needs it no more. */
function isLeftOver(claim: ResourceClaim, users: number, podOf: (reference: ResourceClaimConsumerReference) => Pod | undefined): boolean {
  const owner = controllerOf(claim)
  if (owner?.kind !== 'Pod' || claim.metadata.deletionTimestamp || users > 0) return false
  const pod = podOf({ resource: 'pods', name: owner.name, uid: owner.uid })
  return pod !== undefined && isPodDone(pod)
}

function ownerOf(pod: Pod): OwnerReference {
  const { blockOwnerDeletion: _, ...owner } = controllerReference(kindRefs.coreV1.pods, pod)
  return owner
}
