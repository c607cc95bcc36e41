import { defineKind } from '../define-kind.ts'
import type { CSINode } from '../generated/types/storage-v1.ts'

export const csiNodes = defineKind<CSINode>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSINode',
})
