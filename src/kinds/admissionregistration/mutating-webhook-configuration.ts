import { ageColumn, column, nameColumn } from '../columns.ts'
import { countGeneration, defineKind, startGeneration } from '../define-kind.ts'
import type { MutatingWebhookConfiguration } from '../generated/types/admissionregistration-v1.ts'
import { applyWebhookDefaults, validateWebhooks } from './webhooks.ts'

export const mutatingWebhookConfigurations = defineKind<MutatingWebhookConfiguration>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'MutatingWebhookConfiguration',
  categories: ['api-extensions'],
  applyDefaults: ({ webhooks }) => webhooks?.forEach((webhook) => applyWebhookDefaults(webhook, true)),
  prepareForCreate: startGeneration,
  prepareForUpdate: countGeneration,
  validate: ({ webhooks }, old) => validateWebhooks(webhooks, old?.webhooks),
  columns: [nameColumn, column.integer('Webhooks', ({ webhooks }) => webhooks?.length ?? 0), ageColumn],
  allowUnconditionalUpdate: false,
})
