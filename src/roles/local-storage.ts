import type { Client } from '../client/contract.ts'
import { csiDrivers } from '../kinds/storage/csi-driver.ts'
import { storageClasses } from '../kinds/storage/storage-class.ts'
import { localVolumeDriver, volumeAnnotations } from '../kinds/storage/volume-binding.ts'
import { ensureObject } from './ensure-object.ts'

export const localStorageClass = 'local'

/**
 * The class that claims get which name none, and its driver: directories on the node of the first consumer. Made once, and changed
 * never again, so that an administrator's changes (another default, another policy) stay.
 */
export async function ensureLocalStorage(client: Client): Promise<void> {
  await ensureObject(client, csiDrivers, {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'CSIDriver',
    metadata: { name: localVolumeDriver },
    spec: { attachRequired: false, podInfoOnMount: false, volumeLifecycleModes: ['Persistent'] },
  })
  await ensureObject(client, storageClasses, {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: localStorageClass, annotations: { [volumeAnnotations.isDefaultClass]: 'true' } },
    provisioner: localVolumeDriver,
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'WaitForFirstConsumer',
    allowVolumeExpansion: true,
  })
}
