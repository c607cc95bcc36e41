import { defineKind } from '../define-kind.ts'
import type { ClusterRole } from '../generated/types/rbac-v1.ts'

export const clusterRoles = defineKind<ClusterRole>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'ClusterRole',
})
