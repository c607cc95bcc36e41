/** What claims and volumes say about each other, read by whoever binds, provisions, schedules or mounts them. Pure. */
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '../generated/types/core-v1.ts'
import type { StorageClass } from '../generated/types/storage-v1.ts'
import { matches, selectorFrom } from '../../machinery/label-selector.ts'
import { newest } from '../../machinery/newest.ts'
import { compareQuantity } from '../../machinery/quantity.ts'
import { matchesTerm } from '../node-selection.ts'

export const volumeAnnotations = {
  /** On a claim whose binding is complete, whatever its spec says. */
  bindCompleted: 'pv.kubernetes.io/bind-completed',
  /** On the side of a binding that the controller wrote, so that it may undo it. */
  boundByController: 'pv.kubernetes.io/bound-by-controller',
  provisionedBy: 'pv.kubernetes.io/provisioned-by',
  provisioner: 'volume.kubernetes.io/storage-provisioner',
  provisionerBeta: 'volume.beta.kubernetes.io/storage-provisioner',
  /** The node that the scheduler chose for the claim's first consumer. */
  selectedNode: 'volume.kubernetes.io/selected-node',
  classBeta: 'volume.beta.kubernetes.io/storage-class',
  isDefaultClass: 'storageclass.kubernetes.io/is-default-class',
  isDefaultClassBeta: 'storageclass.beta.kubernetes.io/is-default-class',
} as const

export const volumeProtection = 'kubernetes.io/pv-protection'
export const claimProtection = 'kubernetes.io/pvc-protection'
export const attributesClassProtection = 'kubernetes.io/vac-protection'

/** Provisioner and driver of directories on a node's own disk, served by the platform itself. */
export const localVolumeDriver = 'local.keelson.dev'
/** On a volume whose directory some node has made: that node removes both. */
export const localVolumeFinalizer = 'local.keelson.dev/directory'

/** The class's name, by annotation first as upstream reads it; undefined: the claim leaves it to the cluster's default. */
export function classNameOfClaim({ metadata, spec }: PersistentVolumeClaim): string | undefined {
  return metadata.annotations?.[volumeAnnotations.classBeta] ?? spec?.storageClassName
}

export function classNameOfVolume({ metadata, spec }: PersistentVolume): string {
  return metadata.annotations?.[volumeAnnotations.classBeta] ?? spec?.storageClassName ?? ''
}

/** The default class: the newest of those that say so, as upstream chooses. */
export function defaultStorageClass(classes: readonly StorageClass[]): StorageClass | undefined {
  return newest(
    classes.filter(
      ({ metadata }) =>
        metadata.annotations?.[volumeAnnotations.isDefaultClass] === 'true' ||
        metadata.annotations?.[volumeAnnotations.isDefaultClassBeta] === 'true',
    ),
  )
}

/** Whether the volume is reserved for this very claim; a reservation without a uid is for whoever bears the name. */
export function isVolumeReservedFor(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const reference = volume.spec?.claimRef
  return (
    reference !== undefined &&
    reference.namespace === claim.metadata.namespace &&
    reference.name === claim.metadata.name &&
    (!reference.uid || reference.uid === claim.metadata.uid)
  )
}

/** Why the volume cannot serve the claim, in upstream's words; undefined: it can. */
export function volumeMismatch(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  const { spec = {} } = volume
  if (isSmaller(volume, claim)) return 'requested PV is too small'
  if (classNameOfVolume(volume) !== (classNameOfClaim(claim) ?? '')) return 'storageClassName does not match'
  if ((spec.volumeAttributesClassName ?? '') !== (claim.spec?.volumeAttributesClassName ?? ''))
    return 'VolumeAttributesClassName does not match'
  if ((spec.volumeMode ?? 'Filesystem') !== (claim.spec?.volumeMode ?? 'Filesystem')) return 'incompatible volumeMode'
  return hasModesOf(volume, claim) ? undefined : 'incompatible accessMode'
}

function hasModesOf({ spec }: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (claim.spec?.accessModes ?? []).every((mode) => spec?.accessModes?.includes(mode))
}

/** The node may mount the volume as far as its node affinity says. */
export function volumeReachableFrom({ spec }: PersistentVolume, node: Node): boolean {
  const terms = spec?.nodeAffinity?.required?.nodeSelectorTerms
  return !terms || terms.some((term) => matchesTerm(term, node))
}

export type MatchOptions = {
  /** Only volumes that this node reaches: it is the scheduler who asks. */
  readonly node?: Node
  /** The choice is the scheduler's: only a volume that is reserved for the claim already. */
  readonly reservedOnly?: boolean
}

/**
 * The volume for an unbound claim: one that is reserved for it, and no other even if the node does not reach it; else among those free that
 * satisfy it the smallest, then the first by name. Where no node is given, one with fewer access modes beyond need goes before that.
 */
export function findVolumeForClaim(
  claim: PersistentVolumeClaim,
  volumes: readonly PersistentVolume[],
  { node, reservedOnly = false }: MatchOptions = {},
): PersistentVolume | undefined {
  const reserved = volumes.find(
    (volume) =>
      isVolumeReservedFor(volume, claim) && !volume.metadata.deletionTimestamp && volumeMismatchOfReserved(volume, claim) === undefined,
  )
  if (reserved) return node && !volumeReachableFrom(reserved, node) ? undefined : reserved
  if (reservedOnly) return undefined
  const selector = claim.spec?.selector ? selectorFrom(claim.spec.selector) : undefined
  let best: PersistentVolume | undefined
  for (const volume of volumes) {
    if (volume.spec?.claimRef || volume.metadata.deletionTimestamp || volume.status?.phase !== 'Available') continue
    if (selector && !matches(selector, volume.metadata.labels)) continue
    if (volumeMismatch(volume, claim) !== undefined || (node && !volumeReachableFrom(volume, node))) continue
    if (!best || ((node ? 0 : modesBeyond(volume, best)) || sizeBeyond(volume, best)) < 0) best = volume
  }
  return best
}

/** A reserved volume is taken whatever its class; only what could never be mounted is refused, and what has other attributes. */
function volumeMismatchOfReserved(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  if ((volume.spec?.volumeAttributesClassName ?? '') !== (claim.spec?.volumeAttributesClassName ?? ''))
    return 'VolumeAttributesClassName does not match'
  if (isSmaller(volume, claim)) return 'requested PV is too small'
  if ((volume.spec?.volumeMode ?? 'Filesystem') !== (claim.spec?.volumeMode ?? 'Filesystem')) return 'incompatible volumeMode'
  return hasModesOf(volume, claim) ? undefined : 'incompatible accessMode'
}

function isSmaller({ spec }: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return compareQuantity(spec?.capacity?.storage ?? 0, claim.spec?.resources?.requests?.storage ?? 0) < 0
}

const modesBeyond = (a: PersistentVolume, b: PersistentVolume) => (a.spec?.accessModes?.length ?? 0) - (b.spec?.accessModes?.length ?? 0)

function sizeBeyond(a: PersistentVolume, b: PersistentVolume): number {
  const size = compareQuantity(a.spec?.capacity?.storage ?? 0, b.spec?.capacity?.storage ?? 0)
  return size || ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1)
}

/** The name of the claim behind a pod's volume, its own ephemeral claims included; undefined: there is none. */
export function claimNameOf(pod: Pod, volume: Volume): string | undefined {
  if (volume.persistentVolumeClaim) return volume.persistentVolumeClaim.claimName
  return volume.ephemeral ? `${pod.metadata.name}-${volume.name}` : undefined
}

const noClaims: readonly never[] = []

/** `namespace/name` of every claim that the pod uses, each once. Most pods use none, and every change of a pod asks. */
export function claimKeysOf(pod: Pod): readonly string[] {
  const volumes = pod.spec?.volumes
  if (!volumes?.some((volume) => claimNameOf(pod, volume) !== undefined)) return noClaims
  const names = volumes.map((volume) => claimNameOf(pod, volume)).filter((name) => name !== undefined)
  return [...new Set(names)].map((name) => `${pod.metadata.namespace}/${name}`)
}
