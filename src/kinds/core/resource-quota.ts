import { defineKind } from '../define-kind.ts'
import type { ResourceQuota } from '../generated/types/core-v1.ts'

export const resourceQuotas = defineKind<ResourceQuota>({
  group: '',
  version: 'v1',
  kind: 'ResourceQuota',
  shortNames: ['quota'],
})
