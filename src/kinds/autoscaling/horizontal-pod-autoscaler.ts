import { defineKind } from '../define-kind.ts'
import type { HorizontalPodAutoscaler } from '../generated/types/autoscaling-v2.ts'

export const horizontalPodAutoscalers = defineKind<HorizontalPodAutoscaler>({
  group: 'autoscaling',
  version: 'v2',
  kind: 'HorizontalPodAutoscaler',
  shortNames: ['hpa'],
  categories: ['all'],
})
