import { kindRefs } from '../../client/generated/kind-refs.ts'
import { controllerReference } from '../../control/ownership.ts'
import type { StatefulSet } from '../../kinds/generated/types/apps-v1.ts'
import type { PersistentVolumeClaim, Pod } from '../../kinds/generated/types/core-v1.ts'
import type { OwnerReference } from '../../machinery/object.ts'

/** A pod of the set, there or to come. `isCondemned`: beyond the set's range, so that it goes. */
export type ClaimUser = { readonly name: string; readonly pod: Pod | undefined; readonly isCondemned: boolean }

/** The owners to write, or undefined: they are right, or not the set's to touch. */
export type Retention = { readonly owners: readonly OwnerReference[] | undefined; readonly isContested: boolean }

/**
 * Whose dependents a claim should be, by persistentVolumeClaimRetentionPolicy: the set's when claims go with it, the pod's when
 * they go with a scale-down, nobody's otherwise. A claim of an earlier set or pod of the name is left alone; one that another
 * controller has is given up.
 */
export function planRetention(set: StatefulSet, claim: PersistentVolumeClaim, user: ClaimUser): Retention {
  const current = claim.metadata.ownerReferences ?? []
  const isSet = ({ kind, name }: OwnerReference) => kind === 'StatefulSet' && name === set.metadata.name
  const isUser = ({ kind, name }: OwnerReference) => kind === 'Pod' && name === user.name
  const isOurs = (reference: OwnerReference) => isSet(reference) || isUser(reference)
  const isStale = (r: OwnerReference) => (isSet(r) && r.uid !== set.metadata.uid) || (isUser(r) && r.uid !== user.pod?.metadata.uid)
  if (current.some(isStale)) return { owners: undefined, isContested: false }
  const ours = current.filter(isOurs)
  const others = current.filter((reference) => !isOurs(reference))
  if (others.some(({ controller }) => controller)) return { owners: ours.length > 0 ? others : undefined, isContested: true }
  const wanted = wantedOwner(set, user)
  const isRight = ours.length === (wanted ? 1 : 0) && ours.every(({ uid, controller }) => uid === wanted?.uid && controller)
  return { owners: isRight ? undefined : [...others, ...(wanted ? [wanted] : [])], isContested: false }
}

function wantedOwner(set: StatefulSet, { pod, isCondemned }: ClaimUser): OwnerReference | undefined {
  const { whenDeleted = 'Retain', whenScaled = 'Retain' } = set.spec?.persistentVolumeClaimRetentionPolicy ?? {}
  if (pod && isCondemned && whenScaled === 'Delete') return controllerReference(kindRefs.coreV1.pods, pod)
  return whenDeleted === 'Delete' ? controllerReference(kindRefs.appsV1.statefulSets, set) : undefined
}

/** Whether the claim goes with an earlier pod of the name: a new one must not be given what is about to be deleted. */
export function isStaleClaim(set: StatefulSet, claim: PersistentVolumeClaim, podName: string): boolean {
  if (set.spec?.persistentVolumeClaimRetentionPolicy?.whenScaled !== 'Delete') return false
  return claim.metadata.ownerReferences?.some(({ kind, name }) => kind === 'Pod' && name === podName) ?? false
}
