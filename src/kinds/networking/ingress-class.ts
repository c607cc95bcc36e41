import { defineKind } from '../define-kind.ts'
import type { IngressClass } from '../generated/types/networking-v1.ts'

export const ingressClasses = defineKind<IngressClass>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IngressClass',
})
