import { defineKind } from '../define-kind.ts'
import type { ComponentStatus } from '../generated/types/core-v1.ts'

export const componentStatuses = defineKind<ComponentStatus>({
  group: '',
  version: 'v1',
  kind: 'ComponentStatus',
  shortNames: ['cs'],
  persisted: false,
})
