import { defineKind } from '../define-kind.ts'
import type { LocalSubjectAccessReview } from '../generated/types/authorization-v1.ts'

export const localSubjectAccessReviews = defineKind<LocalSubjectAccessReview>({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'LocalSubjectAccessReview',
  persisted: false,
})
