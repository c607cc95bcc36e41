import { defineKind } from '../define-kind.ts'
import type { ResourceClaim } from '../generated/types/resource-v1.ts'

export const resourceClaims = defineKind<ResourceClaim>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaim',
})
