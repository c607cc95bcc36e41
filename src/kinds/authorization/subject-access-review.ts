import { defineKind } from '../define-kind.ts'
import type { SubjectAccessReview } from '../generated/types/authorization-v1.ts'
import { validateAccessAttributes, validateSubjectGiven } from './access-attributes.ts'

export const subjectAccessReviews = defineKind<SubjectAccessReview>({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SubjectAccessReview',
  persisted: false,
  validate: ({ spec }) => [...validateAccessAttributes(spec), ...validateSubjectGiven(spec)],
})
