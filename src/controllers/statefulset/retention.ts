import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { StatefulSet } from '../../kinds/generated/types/apps-v1.ts'
import type { PersistentVolumeClaim, Pod } from '../../kinds/generated/types/core-v1.ts'
import { apiVersionOf, type KubeObject, type OwnerReference } from '../../machinery/object.ts'
import type { KindRef } from '../../kinds/kind.ts'

/**
 * Whose dependents a claim should be, by persistentVolumeClaimRetentionPolicy: the set's when claims go with it, the pod's when
 * they go with a scale-down, nobody's otherwise. Undefined: it is right already.
 */
export function retainedOwners(
  set: StatefulSet,
  claim: PersistentVolumeClaim,
  condemned: Pod | undefined,
): readonly OwnerReference[] | undefined {
  const { whenDeleted = 'Retain', whenScaled = 'Retain' } = set.spec?.persistentVolumeClaimRetentionPolicy ?? {}
  const current = claim.metadata.ownerReferences ?? []
  const isOurs = (reference: OwnerReference) =>
    reference.uid === set.metadata.uid || (reference.kind === 'Pod' && reference.name.startsWith(`${set.metadata.name}-`))
  const wanted: OwnerReference[] = []
  if (condemned && whenScaled === 'Delete') wanted.push(referenceTo(kindRefs.coreV1.pods, condemned))
  else if (whenDeleted === 'Delete') wanted.push(referenceTo(kindRefs.appsV1.statefulSets, set))
  const ours = current.filter(isOurs)
  const isRight = ours.length === wanted.length && wanted.every(({ uid }) => ours.some((reference) => reference.uid === uid))
  return isRight ? undefined : [...current.filter((reference) => !isOurs(reference)), ...wanted]
}

function referenceTo(kind: KindRef, { metadata }: KubeObject): OwnerReference {
  return { apiVersion: apiVersionOf(kind), kind: kind.kind, name: metadata.name ?? '', uid: metadata.uid ?? '' }
}
