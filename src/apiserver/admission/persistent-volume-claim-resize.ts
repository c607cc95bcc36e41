import type { PersistentVolumeClaim } from '../../kinds/generated/types/core-v1.ts'
import { storageClasses } from '../../kinds/storage/storage-class.ts'
import { compareQuantity } from '../../machinery/quantity.ts'
import type { AdmissionPlugin } from '../contract.ts'
import type { ObjectReader } from '../objects/object-reader.ts'
import { refusal } from './refusal.ts'

const classAnnotation = 'volume.beta.kubernetes.io/storage-class'

/** A claim may grow when it is bound and its StorageClass says that its volumes can be expanded. */
export function persistentVolumeClaimResize(reader: ObjectReader): AdmissionPlugin {
  return {
    name: 'PersistentVolumeClaimResize',
    handles: (operation, kind, subresource) =>
      operation === 'UPDATE' && subresource === '' && kind.group === '' && kind.kind === 'PersistentVolumeClaim',
    validate: (request) => {
      const [next, before] = [request.object as PersistentVolumeClaim, request.old as PersistentVolumeClaim]
      if (compareQuantity(sizeOf(next), sizeOf(before)) <= 0) return
      if (before.status?.phase !== 'Bound') throw refusal(request, 'Only bound persistent volume claims can be expanded')
      const className = classOf(next)
      const isSame = className !== '' && className === classOf(before)
      if (!isSame || !reader.get(storageClasses, '', className)?.allowVolumeExpansion)
        throw refusal(
          request,
          'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
        )
    },
  }
}

const sizeOf = ({ spec }: PersistentVolumeClaim) => spec?.resources?.requests?.storage ?? '0'
const classOf = ({ metadata, spec }: PersistentVolumeClaim) => metadata.annotations?.[classAnnotation] ?? spec?.storageClassName ?? ''
