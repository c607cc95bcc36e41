import { defineKind } from '../define-kind.ts'
import type { TokenReview } from '../generated/types/authentication-v1.ts'

export const tokenReviews = defineKind<TokenReview>({
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'TokenReview',
  persisted: false,
})
