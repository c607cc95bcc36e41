import { pathSegmentName } from '../../machinery/names.ts'
import { defineKind } from '../define-kind.ts'
import type { RoleBinding } from '../generated/types/rbac-v1.ts'
import { applyBindingDefaults, bindingColumns, rbacGroup, validateBinding, validateBindingUpdate } from './rules.ts'

export const roleBindings = defineKind<RoleBinding>({
  group: rbacGroup,
  version: 'v1',
  kind: 'RoleBinding',
  validateName: pathSegmentName,
  applyDefaults: applyBindingDefaults,
  validate: (binding) => validateBinding(binding, ['Role', 'ClusterRole']),
  validateUpdate: validateBindingUpdate,
  columns: bindingColumns,
  allowCreateOnUpdate: true,
})
