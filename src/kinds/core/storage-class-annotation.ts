import type { ObjectMeta } from '../generated/types/meta-v1.ts'

const annotation = 'volume.beta.kubernetes.io/storage-class'

/** Of volumes and claims that name their class as was done before there was a field. */
export function storageClassAnnotationWarnings({ annotations }: ObjectMeta): string[] {
  if (!Object.hasOwn(annotations ?? {}, annotation)) return []
  return [`metadata.annotations[${annotation}]: deprecated since v1.8; use "storageClassName" attribute instead`]
}
