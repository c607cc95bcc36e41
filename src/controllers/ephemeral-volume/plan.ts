import { kindRefs } from '../../client/generated/kind-refs.ts'
import { controllerReference } from '../../control/ownership.ts'
import type { PersistentVolumeClaim, Pod } from '../../kinds/generated/types/core-v1.ts'
import { claimNameOf } from '../../kinds/storage/volume-binding.ts'
import { deepClone } from '../../machinery/deep-clone.ts'
import { controllerOf } from '../../machinery/object.ts'

export type EphemeralPlan = { readonly create: readonly PersistentVolumeClaim[]; readonly conflicts: readonly string[] }

/** The claims of a pod's generic ephemeral volumes: each named POD-VOLUME and the pod's own. */
export function planEphemeralClaims(pod: Pod, claimOf: (name: string) => PersistentVolumeClaim | undefined): EphemeralPlan {
  const create: PersistentVolumeClaim[] = []
  const conflicts: string[] = []
  if (pod.metadata.deletionTimestamp) return { create, conflicts }
  for (const volume of pod.spec?.volumes ?? []) {
    const template = volume.ephemeral?.volumeClaimTemplate
    if (!template) continue
    const name = claimNameOf(pod, volume) ?? ''
    const existing = claimOf(name)
    if (existing) {
      if (controllerOf(existing)?.uid !== pod.metadata.uid)
        conflicts.push(
          `ephemeral volume ${volume.name}: PVC ${pod.metadata.namespace}/${name} was not created for pod ${pod.metadata.namespace}/${pod.metadata.name} (pod is not owner)`,
        )
      continue
    }
    const { labels, annotations } = template.metadata ?? {}
    const metadata = {
      name,
      namespace: pod.metadata.namespace ?? '',
      ...(labels ? { labels: { ...labels } } : {}),
      ...(annotations ? { annotations: { ...annotations } } : {}),
      ownerReferences: [controllerReference(kindRefs.coreV1.pods, pod)],
    }
    create.push({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata, spec: deepClone(template.spec) })
  }
  return { create, conflicts }
}
