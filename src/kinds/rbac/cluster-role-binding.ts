import { pathSegmentName } from '../../machinery/names.ts'
import { defineKind } from '../define-kind.ts'
import type { ClusterRoleBinding } from '../generated/types/rbac-v1.ts'
import { applyBindingDefaults, bindingColumns, rbacGroup, validateBinding, validateBindingUpdate } from './rules.ts'

export const clusterRoleBindings = defineKind<ClusterRoleBinding>({
  group: rbacGroup,
  version: 'v1',
  kind: 'ClusterRoleBinding',
  validateName: pathSegmentName,
  applyDefaults: applyBindingDefaults,
  validate: (binding) => validateBinding(binding, ['ClusterRole']),
  validateUpdate: validateBindingUpdate,
  columns: bindingColumns,
  allowCreateOnUpdate: true,
})
