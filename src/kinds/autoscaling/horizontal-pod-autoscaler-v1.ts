import { defineKind } from '../define-kind.ts'
import type { HorizontalPodAutoscaler } from '../generated/types/autoscaling-v1.ts'

export const horizontalPodAutoscalersV1 = defineKind<HorizontalPodAutoscaler>({
  group: 'autoscaling',
  version: 'v1',
  kind: 'HorizontalPodAutoscaler',
  shortNames: ['hpa'],
  categories: ['all'],
})
