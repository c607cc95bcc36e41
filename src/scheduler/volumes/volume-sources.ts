import { claimNameOf } from '../../kinds/storage/volume-binding.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { Informer } from '../../client/informer-contract.ts'
import type { LoopContext } from '../../control/contract.ts'
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../kinds/generated/types/core-v1.ts'
import type { CSIDriver, CSINode, CSIStorageCapacity, StorageClass } from '../../kinds/generated/types/storage-v1.ts'

/** What the scheduler reads to find out where a pod's volumes can be had. */
export type VolumeSources = {
  readonly claims: Informer<PersistentVolumeClaim>
  readonly volumes: Informer<PersistentVolume>
  readonly storageClasses: Informer<StorageClass>
  readonly csiNodes: Informer<CSINode>
  readonly csiDrivers: Informer<CSIDriver>
  readonly storageCapacities: Informer<CSIStorageCapacity>
}

export function volumeSources(context: LoopContext): VolumeSources {
  const { storageV1, coreV1 } = kindRefs
  return {
    claims: context.informer(coreV1.persistentVolumeClaims),
    volumes: context.informer(coreV1.persistentVolumes),
    storageClasses: context.informer(storageV1.storageClasses),
    csiNodes: context.informer(storageV1.csiNodes),
    csiDrivers: context.informer(storageV1.csiDrivers),
    storageCapacities: context.informer(storageV1.csiStorageCapacities),
  }
}

/** A volume of a pod that stands for a claim. */
export type PodClaim = {
  readonly volume: string
  /** `namespace/name` of the claim. */
  readonly key: string
  readonly name: string
  readonly isEphemeral: boolean
}

/** The claims that a pod's volumes name; those of ephemeral volumes carry the pod's name before the volume's. */
export function claimsOf(pod: Pod): readonly PodClaim[] {
  let found: PodClaim[] | undefined
  for (const volume of pod.spec?.volumes ?? []) {
    const isEphemeral = volume.ephemeral !== undefined
    const name = claimNameOf(pod, volume)
    if (name !== undefined) (found ??= []).push({ volume: volume.name, key: `${pod.metadata.namespace}/${name}`, name, isEphemeral })
  }
  return found ?? noClaims
}

const noClaims: readonly PodClaim[] = []
