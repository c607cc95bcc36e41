import { defineKind } from '../define-kind.ts'
import type { PersistentVolume } from '../generated/types/core-v1.ts'

export const persistentVolumes = defineKind<PersistentVolume>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolume',
  shortNames: ['pv'],
})
