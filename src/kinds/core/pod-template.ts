import { defineKind } from '../define-kind.ts'
import type { PodTemplate } from '../generated/types/core-v1.ts'

export const podTemplates = defineKind<PodTemplate>({
  group: '',
  version: 'v1',
  kind: 'PodTemplate',
})
