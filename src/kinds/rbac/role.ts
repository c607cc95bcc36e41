import { pathSegmentName } from '../../machinery/names.ts'
import { defineKind } from '../define-kind.ts'
import type { Role } from '../generated/types/rbac-v1.ts'
import { rbacGroup, validateRules } from './rules.ts'

export const roles = defineKind<Role>({
  group: rbacGroup,
  version: 'v1',
  kind: 'Role',
  validateName: pathSegmentName,
  validate: ({ rules }) => validateRules(rules, true),
  allowCreateOnUpdate: true,
})
