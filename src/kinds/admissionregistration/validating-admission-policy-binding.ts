import { defineKind } from '../define-kind.ts'
import type { ValidatingAdmissionPolicyBinding } from '../generated/types/admissionregistration-v1.ts'

export const validatingAdmissionPolicyBindings = defineKind<ValidatingAdmissionPolicyBinding>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicyBinding',
  categories: ['api-extensions'],
})
