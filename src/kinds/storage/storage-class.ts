import { defineKind } from '../define-kind.ts'
import type { StorageClass } from '../generated/types/storage-v1.ts'

export const storageClasses = defineKind<StorageClass>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  shortNames: ['sc'],
})
