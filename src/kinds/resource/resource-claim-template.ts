import { defineKind } from '../define-kind.ts'
import type { ResourceClaimTemplate } from '../generated/types/resource-v1.ts'

export const resourceClaimTemplates = defineKind<ResourceClaimTemplate>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaimTemplate',
})
