import { ageColumn, column, nameColumn } from '../columns.ts'
import { defineKind } from '../define-kind.ts'
import type { ServiceAccount } from '../generated/types/core-v1.ts'

export const serviceAccounts = defineKind<ServiceAccount>({
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  shortNames: ['sa'],
  columns: [nameColumn, column.string('Secrets', ({ secrets }) => secrets?.length ?? 0), ageColumn],
})
