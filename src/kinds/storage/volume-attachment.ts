import { defineKind } from '../define-kind.ts'
import type { VolumeAttachment } from '../generated/types/storage-v1.ts'

export const volumeAttachments = defineKind<VolumeAttachment>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttachment',
})
