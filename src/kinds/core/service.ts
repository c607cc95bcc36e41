import { defineKind } from '../define-kind.ts'
import type { Service } from '../generated/types/core-v1.ts'

export const services = defineKind<Service>({
  group: '',
  version: 'v1',
  kind: 'Service',
  shortNames: ['svc'],
  categories: ['all'],
})
