import { defineKind } from '../define-kind.ts'
import type { Ingress } from '../generated/types/networking-v1.ts'

export const ingresses = defineKind<Ingress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  shortNames: ['ing'],
})
