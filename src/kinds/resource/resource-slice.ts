import { defineKind } from '../define-kind.ts'
import type { ResourceSlice } from '../generated/types/resource-v1.ts'

export const resourceSlices = defineKind<ResourceSlice>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceSlice',
})
