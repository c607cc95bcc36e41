import { defineKind } from '../define-kind.ts'
import type { SelfSubjectReview } from '../generated/types/authentication-v1.ts'

export const selfSubjectReviews = defineKind<SelfSubjectReview>({
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectReview',
  persisted: false,
})
