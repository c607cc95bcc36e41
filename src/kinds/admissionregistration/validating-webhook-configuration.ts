import { defineKind } from '../define-kind.ts'
import type { ValidatingWebhookConfiguration } from '../generated/types/admissionregistration-v1.ts'

export const validatingWebhookConfigurations = defineKind<ValidatingWebhookConfiguration>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingWebhookConfiguration',
  categories: ['api-extensions'],
})
