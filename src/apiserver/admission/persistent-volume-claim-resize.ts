import type { PersistentVolumeClaim } from '../../kinds/generated/types/core-v1.ts'
import { storageClasses } from '../../kinds/storage/storage-class.ts'
import { compareQuantity } from '../../machinery/quantity.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import type { AdmissionPlugin } from '../contract.ts'
import type { ObjectReader } from '../object-reader.ts'

const classAnnotation = 'volume.beta.kubernetes.io/storage-class'

/** A claim may grow when it is bound and its StorageClass says that its volumes can be expanded. */
export function persistentVolumeClaimResize(reader: ObjectReader): AdmissionPlugin {
  return {
    name: 'PersistentVolumeClaimResize',
    handles: (operation, kind, subresource) =>
      operation === 'UPDATE' && subresource === '' && kind.group === '' && kind.kind === 'PersistentVolumeClaim',
    validate: ({ object, old, name }) => {
      const [next, before] = [object as PersistentVolumeClaim, old as PersistentVolumeClaim]
      if (compareQuantity(sizeOf(next), sizeOf(before)) <= 0) return
      const refuse = (why: string) => statusErrors.forbidden({ group: '', resource: 'persistentvolumeclaims' }, name, why)
      if (before.status?.phase !== 'Bound') throw refuse('Only bound persistent volume claims can be expanded')
      const className = classOf(next)
      const isSame = className !== '' && className === classOf(before)
      if (!isSame || !reader.get(storageClasses, '', className)?.allowVolumeExpansion)
        throw refuse('only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize')
    },
  }
}

const sizeOf = ({ spec }: PersistentVolumeClaim) => spec?.resources?.requests?.storage ?? '0'
const classOf = ({ metadata, spec }: PersistentVolumeClaim) => metadata.annotations?.[classAnnotation] ?? spec?.storageClassName ?? ''
