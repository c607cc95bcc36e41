import type { WantedObject } from '../../apiserver/wanted-objects.ts'
import type { CSIDriver, StorageClass } from '../../kinds/generated/types/storage-v1.ts'
import { localVolumeDriver, volumeAnnotations } from '../../kinds/storage/volume-binding.ts'

export const localStorageClass = 'local'

const driver: CSIDriver = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'CSIDriver',
  metadata: { name: localVolumeDriver },
  spec: {
    attachRequired: false,
    podInfoOnMount: false,
    volumeLifecycleModes: ['Persistent'],
    storageCapacity: false,
    fsGroupPolicy: 'ReadWriteOnceWithFSType',
    requiresRepublish: false,
    seLinuxMount: false,
  },
}

const storageClass: StorageClass = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: localStorageClass, annotations: { [volumeAnnotations.isDefaultClass]: 'true' } },
  provisioner: localVolumeDriver,
  reclaimPolicy: 'Delete',
  volumeBindingMode: 'WaitForFirstConsumer',
  allowVolumeExpansion: true,
}

/**
 * The class that claims get which name none, and its driver: directories on the node of the first consumer. Made once, and changed
 * never again, so that an administrator's changes (another default, another policy) stay.
 */
export const localStorageObjects: readonly WantedObject[] = [
  { group: 'storage.k8s.io', plural: 'csidrivers', object: driver },
  { group: 'storage.k8s.io', plural: 'storageclasses', object: storageClass },
]
