import { defineKind } from '../define-kind.ts'
import type { Role } from '../generated/types/rbac-v1.ts'

export const roles = defineKind<Role>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'Role',
})
