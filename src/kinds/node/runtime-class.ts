import { defineKind } from '../define-kind.ts'
import type { RuntimeClass } from '../generated/types/node-v1.ts'

export const runtimeClasses = defineKind<RuntimeClass>({
  group: 'node.k8s.io',
  version: 'v1',
  kind: 'RuntimeClass',
})
