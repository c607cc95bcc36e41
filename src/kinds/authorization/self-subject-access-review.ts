import { defineKind } from '../define-kind.ts'
import type { SelfSubjectAccessReview } from '../generated/types/authorization-v1.ts'
import { validateAccessAttributes } from './access-attributes.ts'

export const selfSubjectAccessReviews = defineKind<SelfSubjectAccessReview>({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectAccessReview',
  persisted: false,
  validate: ({ spec }) => validateAccessAttributes(spec),
})
