import { defineKind } from '../define-kind.ts'
import type { MutatingAdmissionPolicyBinding } from '../generated/types/admissionregistration-v1.ts'

export const mutatingAdmissionPolicyBindings = defineKind<MutatingAdmissionPolicyBinding>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'MutatingAdmissionPolicyBinding',
  categories: ['api-extensions'],
})
