import { matches, selectorFrom } from '../machinery/label-selector.ts'
import { compareQuantity } from '../machinery/quantity.ts'
import type { Node, PersistentVolume, PersistentVolumeClaim } from './generated/types/core-v1.ts'
import { matchesTerm } from './node-selection.ts'

/** Whether a node may reach the volume: it matches one term of the volume's required node affinity, or there is none. */
export function isReachable(volume: PersistentVolume, node: Node): boolean {
  const required = volume.spec?.nodeAffinity?.required
  return required === undefined || required.nodeSelectorTerms.some((term) => matchesTerm(term, node))
}

/** The bytes that a claim asks for; '0' where it names none. */
export function requestedStorage(claim: PersistentVolumeClaim): string {
  return String(claim.spec?.resources?.requests?.storage ?? '0')
}

/**
 * Whether an unclaimed volume could serve the claim: class, mode, access modes, attributes class, selector and size. A volume that is
 * reserved for this very claim by its `claimRef` skips the selector and the size's preference, not the size.
 */
export function couldServe(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const [of, wants] = [volume.spec, claim.spec]
  if (!of || !wants || volume.metadata.deletionTimestamp !== undefined) return false
  if ((of.volumeMode ?? 'Filesystem') !== (wants.volumeMode ?? 'Filesystem')) return false
  if ((of.storageClassName ?? '') !== (wants.storageClassName ?? '')) return false
  if ((of.volumeAttributesClassName ?? '') !== (wants.volumeAttributesClassName ?? '')) return false
  if (!(wants.accessModes ?? []).every((mode) => of.accessModes?.includes(mode))) return false
  if (compareQuantity(of.capacity?.storage ?? '0', requestedStorage(claim)) < 0) return false
  if (isReservedFor(volume, claim)) return true
  if (of.claimRef !== undefined || volume.status?.phase !== 'Available') return false
  return wants.selector === undefined || matches(selectorFrom(wants.selector), volume.metadata.labels)
}

/** Whether the volume's claimRef names the claim (and its uid, where it has one). */
export function isReservedFor(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const ref = volume.spec?.claimRef
  if (!ref || ref.name !== claim.metadata.name || ref.namespace !== claim.metadata.namespace) return false
  return ref.uid === undefined || ref.uid === '' || ref.uid === claim.metadata.uid
}

/** The volume to take: one that is reserved for the claim, else the smallest that could serve it; by name among equals. */
export function bestVolume(volumes: Iterable<PersistentVolume>, claim: PersistentVolumeClaim): PersistentVolume | undefined {
  let best: PersistentVolume | undefined
  for (const volume of volumes) {
    if (!couldServe(volume, claim)) continue
    if (isReservedFor(volume, claim)) return volume
    if (!best || isSmaller(volume, best)) best = volume
  }
  return best
}

function isSmaller(a: PersistentVolume, b: PersistentVolume): boolean {
  const order = compareQuantity(a.spec?.capacity?.storage ?? '0', b.spec?.capacity?.storage ?? '0')
  return order < 0 || (order === 0 && a.metadata.name! < b.metadata.name!)
}
