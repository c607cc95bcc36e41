import { defineKind } from '../define-kind.ts'
import type { ClusterRoleBinding } from '../generated/types/rbac-v1.ts'

export const clusterRoleBindings = defineKind<ClusterRoleBinding>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'ClusterRoleBinding',
})
