import { defineKind } from '../define-kind.ts'
import type { VolumeAttributesClass } from '../generated/types/storage-v1.ts'

export const volumeAttributesClasses = defineKind<VolumeAttributesClass>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttributesClass',
  shortNames: ['vac'],
})
