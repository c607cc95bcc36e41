import type { PersistentVolumeClaim } from '../../kinds/generated/types/core-v1.ts'
import { storageClasses } from '../../kinds/storage/storage-class.ts'
import { defaultStorageClass as defaultClassOf, volumeAnnotations } from '../../kinds/storage/volume-binding.ts'
import type { AdmissionPlugin } from '../contract.ts'
import type { ObjectReader } from '../objects/object-reader.ts'

/** A claim that names no class gets the default one; of several the newest. */
export function defaultStorageClass(reader: ObjectReader): AdmissionPlugin {
  return {
    name: 'DefaultStorageClass',
    handles: (operation, kind, subresource) =>
      operation === 'CREATE' && subresource === '' && kind.group === '' && kind.kind === 'PersistentVolumeClaim',
    admit: ({ object }) => {
      const { metadata, spec } = object as PersistentVolumeClaim
      if (!spec || spec.storageClassName !== undefined || metadata.annotations?.[volumeAnnotations.classBeta] !== undefined) return
      const found = defaultClassOf(reader.list(storageClasses, ''))
      if (found) spec.storageClassName = found.metadata.name!
    },
  }
}
