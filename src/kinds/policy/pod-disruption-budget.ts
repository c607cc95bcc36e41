import { defineKind } from '../define-kind.ts'
import type { PodDisruptionBudget } from '../generated/types/policy-v1.ts'

export const podDisruptionBudgets = defineKind<PodDisruptionBudget>({
  group: 'policy',
  version: 'v1',
  kind: 'PodDisruptionBudget',
  shortNames: ['pdb'],
})
