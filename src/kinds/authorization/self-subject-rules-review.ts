import { defineKind } from '../define-kind.ts'
import type { SelfSubjectRulesReview } from '../generated/types/authorization-v1.ts'

export const selfSubjectRulesReviews = defineKind<SelfSubjectRulesReview>({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectRulesReview',
  persisted: false,
})
