import type { PersistentVolumeClaim } from '../../kinds/generated/types/core-v1.ts'
import type { ObjectMeta } from '../../kinds/generated/types/meta-v1.ts'
import { storageClasses } from '../../kinds/storage/storage-class.ts'
import type { AdmissionPlugin } from '../contract.ts'
import type { ObjectReader } from '../object-reader.ts'

const defaultAnnotations = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class']
const classAnnotation = 'volume.beta.kubernetes.io/storage-class'

/** A claim that names no class gets the default one; of several the newest. */
export function defaultStorageClass(reader: ObjectReader): AdmissionPlugin {
  return {
    name: 'DefaultStorageClass',
    handles: (operation, kind, subresource) =>
      operation === 'CREATE' && subresource === '' && kind.group === '' && kind.kind === 'PersistentVolumeClaim',
    admit: ({ object }) => {
      const { metadata, spec } = object as PersistentVolumeClaim
      if (!spec || spec.storageClassName !== undefined || metadata.annotations?.[classAnnotation] !== undefined) return
      const found = newest(
        reader.list(storageClasses, '').filter((c) => defaultAnnotations.some((a) => c.metadata.annotations?.[a] === 'true')),
      )
      if (found) spec.storageClassName = found.metadata.name!
    },
  }
}

/** The youngest by creation, then the first by name. */
export function newest<T extends { readonly metadata: ObjectMeta }>(objects: readonly T[]): T | undefined {
  const created = ({ metadata }: T) => metadata.creationTimestamp ?? ''
  return objects.toSorted((a, b) => {
    if (created(a) !== created(b)) return created(a) > created(b) ? -1 : 1
    return (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1
  })[0]
}
