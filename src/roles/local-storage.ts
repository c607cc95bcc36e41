import type { Client } from '../client/contract.ts'
import type { KindRef } from '../kinds/kind.ts'
import { csiDrivers } from '../kinds/storage/csi-driver.ts'
import { storageClasses } from '../kinds/storage/storage-class.ts'
import { localVolumeDriver, volumeAnnotations } from '../kinds/storage/volume-binding.ts'
import type { KubeObject } from '../machinery/object.ts'
import { isStatus } from '../machinery/status-error.ts'

export const localStorageClass = 'local'

/**
 * The class that claims get which name none, and its driver: directories on the node of the first consumer. Made once, and changed
 * never again, so that an administrator's changes (another default, another policy) stay.
 */
export async function ensureLocalStorage(client: Client): Promise<void> {
  await ensure(client, csiDrivers, {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'CSIDriver',
    metadata: { name: localVolumeDriver },
    spec: { attachRequired: false, podInfoOnMount: false, volumeLifecycleModes: ['Persistent'] },
  })
  await ensure(client, storageClasses, {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: localStorageClass, annotations: { [volumeAnnotations.isDefaultClass]: 'true' } },
    provisioner: localVolumeDriver,
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'WaitForFirstConsumer',
    allowVolumeExpansion: true,
  })
}

async function ensure<T extends KubeObject>(client: Client, kind: KindRef<T>, object: T): Promise<void> {
  const resource = client.resource(kind)
  try {
    await resource.get(object.metadata.name ?? '')
    return
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw error
  }
  try {
    await resource.create(object)
  } catch (error) {
    // Another server of this store was first.
    if (!isStatus(error, 'AlreadyExists')) throw error
  }
}
