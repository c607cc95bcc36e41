import { ageColumn, nameColumn } from '../columns.ts'
import { defineKind } from '../define-kind.ts'
import type { ServiceAccount } from '../generated/types/core-v1.ts'

const mountableSecrets = 'kubernetes.io/enforce-mountable-secrets'

export const serviceAccounts = defineKind<ServiceAccount>({
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  shortNames: ['sa'],
  warnings: ({ metadata }) =>
    Object.hasOwn(metadata.annotations ?? {}, mountableSecrets)
      ? [`metadata.annotations[${mountableSecrets}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`]
      : [],
  columns: [nameColumn, ageColumn],
})
