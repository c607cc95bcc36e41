import { attributesClassProtection, claimProtection, volumeProtection } from '../../kinds/storage/volume-binding.ts'
import type { AdmissionPlugin } from '../contract.ts'

const finalizers: Readonly<Record<string, string>> = {
  PersistentVolumeClaim: claimProtection,
  PersistentVolume: volumeProtection,
  VolumeAttributesClass: attributesClassProtection,
}

/** Volumes, claims and classes of attributes outlive their deletion while something uses them: the protection controllers take the finalizers away. */
export const storageObjectInUseProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  handles: (operation, kind, subresource) =>
    operation === 'CREATE' &&
    subresource === '' &&
    (kind.group === '' || kind.group === 'storage.k8s.io') &&
    finalizers[kind.kind] !== undefined,
  admit: ({ object, kind }) => {
    const { metadata } = object!
    const finalizer = finalizers[kind.kind]!
    if (!metadata.finalizers?.includes(finalizer)) metadata.finalizers = [...(metadata.finalizers ?? []), finalizer]
  },
}
