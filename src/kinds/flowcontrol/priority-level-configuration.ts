import { defineKind } from '../define-kind.ts'
import type { PriorityLevelConfiguration } from '../generated/types/flowcontrol-v1.ts'

export const priorityLevelConfigurations = defineKind<PriorityLevelConfiguration>({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'PriorityLevelConfiguration',
})
