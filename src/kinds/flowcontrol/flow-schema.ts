import { defineKind } from '../define-kind.ts'
import type { FlowSchema } from '../generated/types/flowcontrol-v1.ts'

export const flowSchemas = defineKind<FlowSchema>({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'FlowSchema',
})
