import { defineKind } from '../define-kind.ts'
import type { CSIDriver } from '../generated/types/storage-v1.ts'

export const csiDrivers = defineKind<CSIDriver>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIDriver',
})
