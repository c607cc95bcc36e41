import { defineKind } from '../define-kind.ts'
import type { PriorityClass } from '../generated/types/scheduling-v1.ts'

export const priorityClasses = defineKind<PriorityClass>({
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  shortNames: ['pc'],
})
