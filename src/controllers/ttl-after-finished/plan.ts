import type { Job } from '../../kinds/generated/types/batch-v1.ts'

/** When a Job expires (wall clock, ms); undefined: it has no limit or has not finished. */
export function expiryMs(job: Job): number | undefined {
  const ttlSeconds = job.spec?.ttlSecondsAfterFinished
  const finished = job.status?.conditions?.find(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True')
  const finishedMs = Date.parse(finished?.lastTransitionTime ?? '')
  return ttlSeconds === undefined || Number.isNaN(finishedMs) ? undefined : finishedMs + ttlSeconds * 1000
}
