import type { PersistentVolume, PersistentVolumeClaim } from '../../kinds/generated/types/core-v1.ts'
import { localVolumeDriver } from '../../kinds/storage/volume-binding.ts'
import { compareQuantity } from '../../machinery/quantity.ts'

/** What is said of a bound claim that asks for more than it has and whose volume somebody else has to grow. Undefined: nothing. */
export function planExpansionEvent(
  claim: PersistentVolumeClaim,
  volume: PersistentVolume,
): { reason: string; message: string } | undefined {
  const wanted = claim.spec?.resources?.requests?.storage ?? '0'
  if (claim.status?.phase !== 'Bound' || compareQuantity(wanted, claim.status.capacity?.storage ?? '0') <= 0) return undefined
  if (volume.spec?.csi?.driver === localVolumeDriver) return undefined
  return { reason: 'ExternalExpanding', message: 'waiting for an external controller to expand this PVC' }
}
