import { defineKind } from '../define-kind.ts'
import type { PersistentVolumeClaim } from '../generated/types/core-v1.ts'

export const persistentVolumeClaims = defineKind<PersistentVolumeClaim>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  shortNames: ['pvc'],
})
