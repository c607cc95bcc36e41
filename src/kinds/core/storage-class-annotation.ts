import type { ObjectMeta } from '../generated/types/meta-v1.ts'

export const classAnnotation = 'volume.beta.kubernetes.io/storage-class'

/** Of volumes and claims that name their class as was done before there was a field. */
export function storageClassAnnotationWarnings({ annotations }: ObjectMeta): string[] {
  if (!Object.hasOwn(annotations ?? {}, classAnnotation)) return []
  return [`metadata.annotations[${classAnnotation}]: deprecated since v1.8; use "storageClassName" attribute instead`]
}
