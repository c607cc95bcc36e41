import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { validateLabelSelector } from '../../machinery/label-selector.ts'
import { pathSegmentName } from '../../machinery/names.ts'
import { defineKind } from '../define-kind.ts'
import type { ClusterRole } from '../generated/types/rbac-v1.ts'
import { rbacGroup, validateRules } from './rules.ts'

export const clusterRoles = defineKind<ClusterRole>({
  group: rbacGroup,
  version: 'v1',
  kind: 'ClusterRole',
  validateName: pathSegmentName,
  validate: ({ rules, aggregationRule }) => [...validateRules(rules, false), ...validateAggregation(aggregationRule)],
  allowCreateOnUpdate: true,
})

function validateAggregation(rule: ClusterRole['aggregationRule']): FieldError[] {
  if (!rule) return []
  const path = 'aggregationRule.clusterRoleSelectors'
  if (!rule.clusterRoleSelectors?.length)
    return [fieldErrors.required(path, 'at least one clusterRoleSelector required if aggregationRule is non-nil')]
  return rule.clusterRoleSelectors.flatMap((selector, i) => {
    const errors = validateLabelSelector(selector, `${path}[${i}]`)
    return errors.length > 0 ? [...errors, fieldErrors.invalid(`${path}[${i}]`, null, 'invalid label selector.')] : errors
  })
}
