import { defineKind } from '../define-kind.ts'
import type { Job } from '../generated/types/batch-v1.ts'

export const jobs = defineKind<Job>({
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  categories: ['all'],
})
