import { defineKind } from '../define-kind.ts'
import type { NetworkPolicy } from '../generated/types/networking-v1.ts'

export const networkPolicies = defineKind<NetworkPolicy>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'NetworkPolicy',
  shortNames: ['netpol'],
})
