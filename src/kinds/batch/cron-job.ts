import { defineKind } from '../define-kind.ts'
import type { CronJob } from '../generated/types/batch-v1.ts'

export const cronJobs = defineKind<CronJob>({
  group: 'batch',
  version: 'v1',
  kind: 'CronJob',
  shortNames: ['cj'],
  categories: ['all'],
})
