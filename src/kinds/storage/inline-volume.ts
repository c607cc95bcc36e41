import { fieldErrors } from '../../machinery/field-error.ts'
import type { Errors } from '../checks.ts'
import { validateAccessModes } from '../core/access-modes.ts'
import { validateVolumeSources } from '../core/persistent-volume-sources.ts'
import type { PersistentVolumeSpec } from '../generated/types/core-v1.ts'

const context = 'in the context of inline volumes'

/** A volume that an attachment describes itself: one of a CSI driver, without what only a PersistentVolume has. */
export function validateInlineVolume(errors: Errors, spec: PersistentVolumeSpec, path: string): void {
  const refuse = (field: string, why = 'may not be specified') =>
    errors.push(fieldErrors.forbidden(`${path}.${field}`, `${why} ${context}`))
  if (spec.claimRef) refuse('claimRef')
  if (Object.keys(spec.capacity ?? {}).length > 0) refuse('capacity')
  if (!spec.csi) errors.push(fieldErrors.required(`${path}.csi`, `has to be specified ${context}`))
  if (!spec.accessModes?.length) errors.push(fieldErrors.required(`${path}.accessModes`))
  else validateAccessModes(errors, spec.accessModes, `${path}.accessModes`)
  const policy = spec.persistentVolumeReclaimPolicy
  if (policy && policy !== 'Retain') refuse('persistentVolumeReclaimPolicy', 'may only be Retain')
  if (spec.nodeAffinity) refuse('nodeAffinity')
  validateVolumeSources(errors, spec, path, '')
  if (spec.storageClassName) refuse('storageClassName')
  if (spec.volumeMode !== undefined && spec.volumeMode !== 'Filesystem')
    refuse('volumeMode', 'may not specify volumeMode other than Filesystem')
}
