import { fieldErrors } from '../../machinery/field-error.ts'
import { defineKind } from '../define-kind.ts'
import type { LocalSubjectAccessReview } from '../generated/types/authorization-v1.ts'
import { validateAccessAttributes, validateSubjectGiven } from './access-attributes.ts'

export const localSubjectAccessReviews = defineKind<LocalSubjectAccessReview>({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'LocalSubjectAccessReview',
  persisted: false,
  validate: ({ metadata, spec }) => {
    const errors = [...validateAccessAttributes(spec), ...validateSubjectGiven(spec)]
    const namespace = spec?.resourceAttributes?.namespace
    if (spec?.resourceAttributes && namespace !== metadata.namespace)
      errors.push(fieldErrors.invalid('spec.resourceAttributes.namespace', namespace ?? '', 'must match metadata.namespace'))
    if (spec?.nonResourceAttributes)
      errors.push(fieldErrors.invalid('spec.nonResourceAttributes', spec.nonResourceAttributes, 'disallowed on this kind of request'))
    return errors
  },
})
