import { defineKind } from '../define-kind.ts'
import type { Lease } from '../generated/types/coordination-v1.ts'

export const leases = defineKind<Lease>({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
})
