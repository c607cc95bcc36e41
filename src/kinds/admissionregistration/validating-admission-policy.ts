import { defineKind } from '../define-kind.ts'
import type { ValidatingAdmissionPolicy } from '../generated/types/admissionregistration-v1.ts'

export const validatingAdmissionPolicies = defineKind<ValidatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicy',
  categories: ['api-extensions'],
})
