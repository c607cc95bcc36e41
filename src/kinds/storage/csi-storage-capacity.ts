import { defineKind } from '../define-kind.ts'
import type { CSIStorageCapacity } from '../generated/types/storage-v1.ts'

export const csiStorageCapacities = defineKind<CSIStorageCapacity>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIStorageCapacity',
})
