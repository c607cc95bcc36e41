/**
 * What a CronJob does next: (CronJob, its Jobs, now) → actions.
 *  1. Its status names the Jobs of its that run; those that ended or are gone leave the list.
 *  2. Of the starts that passed only the most recent is made up for, if not too late and the concurrency policy allows.
 *  3. Of the Jobs that ended it keeps as many as its limits say, the latest.
 * https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/
 */
import { kindRefs } from '../../client/generated/kind-refs.ts'
import { controllerReference } from '../../control/ownership.ts'
import { CronError, type CronSchedule, parseCronSchedule } from '../../kinds/batch/cron-schedule.ts'
import type { CronJob, CronJobStatus, Job } from '../../kinds/generated/types/batch-v1.ts'
import type { ObjectReference } from '../../kinds/generated/types/core-v1.ts'
import { deepClone } from '../../machinery/deep-clone.ts'
import { dueTime, type Next } from './due.ts'
import { nextTime, offsetsOf, toZonedTime } from './next-time.ts'

export type Observed = {
  readonly cronJob: CronJob
  /** Controlled by the CronJob. */
  readonly jobs: readonly Job[]
  /** Uids of active Jobs that are not there any more. */
  readonly missing: ReadonlySet<string>
  /** When the schedule was changed (wall clock, ms), if it is known: starts before are not missed. */
  readonly changedMs: number | undefined
}

export type Said = { readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly message: string }

export type Plan = {
  /** With rule 1 done. Written before what has expired goes: what of it is told nowhere else must not be lost. */
  readonly status: CronJobStatus
  /** Active Jobs that make way, before the new one is created. */
  readonly replace: readonly ObjectReference[]
  readonly start: { readonly job: Job; readonly scheduledMs: number } | undefined
  readonly expired: readonly Job[]
  /** Told when those have gone. */
  readonly events: readonly Said[]
  readonly requeueAfterMs: number | undefined
}

export const scheduledAnnotation = 'batch.kubernetes.io/cronjob-scheduled-timestamp'
/** After a scheduled time by so much it has surely passed. */
const lateMs = 100

export function planCronJob(observed: Observed, nowMs: number): Plan {
  const events: Said[] = []
  const expired = planCleanup(observed)
  const status = trackActive(observed, expired, events)
  const rest = { status, replace: [], start: undefined, expired, events, requeueAfterMs: undefined }
  const { cronJob } = observed
  if (cronJob.metadata.deletionTimestamp || cronJob.spec.suspend) return rest
  const next = nextOf(cronJob, events)
  if (!next) return rest
  const start = planStart(observed, status, { next, nowMs }, events)
  const replace = start && cronJob.spec.concurrencyPolicy === 'Replace' ? (status.active ?? []) : []
  return { ...rest, start, replace, requeueAfterMs: untilNextMs(observed, start?.scheduledMs, next, nowMs) }
}

export const isFailed = (job: Job): boolean => hasEnded(job, 'Failed')
export const isSucceeded = (job: Job): boolean => hasEnded(job, 'Complete')
const isFinished = (job: Job): boolean => isFailed(job) || isSucceeded(job)

function hasEnded({ status }: Job, type: 'Failed' | 'Complete'): boolean {
  return status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false
}

/** How a status refers to a Job. */
export function referenceTo({ metadata }: Job): ObjectReference {
  const { name = '', namespace = '', uid = '', resourceVersion = '' } = metadata
  return { kind: 'Job', apiVersion: 'batch/v1', namespace, name, uid, resourceVersion }
}

/** Rule 1. Of a Job that goes at once nobody is told that it was seen to have ended. */
function trackActive({ cronJob, jobs, missing }: Observed, expired: readonly Job[], events: Said[]): CronJobStatus {
  let active = [...(cronJob.status?.active ?? [])]
  let { lastSuccessfulTime, lastScheduleTime } = cronJob.status ?? {}
  const leave = (uid: string | undefined) => (active = active.filter((reference) => reference.uid !== uid))
  for (const job of jobs) {
    const { name = '', uid } = job.metadata
    const isActive = active.some((reference) => reference.uid === uid)
    if (isActive && isFinished(job)) {
      leave(uid)
      const condition = isSucceeded(job) ? 'Complete' : 'Failed'
      const message = `Saw completed job: ${name}, condition: ${condition}`
      if (!expired.includes(job)) events.push({ type: 'Normal', reason: 'SawCompletedJob', message })
    } else if (!isActive && !isFinished(job)) {
      const scheduled = job.metadata.annotations?.[scheduledAnnotation]
      if (scheduled !== undefined && name === jobName(cronJob, Date.parse(scheduled))) {
        // Ours, made just before a crash: only the status does not say so.
        active.push(referenceTo(job))
        lastScheduleTime = later(lastScheduleTime, scheduled)
      } else {
        const message = `Saw a job that the controller did not create or forgot: ${name}`
        events.push({ type: 'Warning', reason: 'UnexpectedJob', message })
      }
    }
    if (isSucceeded(job) && job.status?.completionTime) lastSuccessfulTime = later(lastSuccessfulTime, job.status.completionTime)
  }
  for (const { name, uid = '' } of [...active]) {
    if (!missing.has(uid)) continue
    leave(uid)
    events.push({ type: 'Normal', reason: 'MissingJob', message: `Active job went missing: ${name}` })
  }
  return {
    ...(active.length > 0 ? { active } : {}),
    ...(lastScheduleTime ? { lastScheduleTime } : {}),
    ...(lastSuccessfulTime ? { lastSuccessfulTime } : {}),
  }
}

/** The later of two times, written in UTC. */
export function later(a: string | undefined, b: string): string {
  const ms = Math.max(Date.parse(a ?? '') || 0, Date.parse(b))
  return toZonedTime(ms, undefined)
}

function nextOf({ spec }: CronJob, events: Said[]): Next | undefined {
  try {
    offsetsOf(spec.timeZone)
  } catch (error) {
    const message = `invalid timeZone: "${spec.timeZone}": ${error instanceof Error ? error.message : String(error)}`
    events.push({ type: 'Warning', reason: 'UnknownTimeZone', message })
    return undefined
  }
  let schedule: CronSchedule
  try {
    schedule = parseCronSchedule(spec.schedule)
  } catch (error) {
    if (!(error instanceof CronError)) throw error
    const message = `unparseable schedule: "${spec.schedule}" : ${error.message}`
    events.push({ type: 'Warning', reason: 'UnparseableSchedule', message })
    return undefined
  }
  return (afterMs) => nextTime(schedule, afterMs, spec.timeZone)
}

function sinceMs({ cronJob, changedMs = 0 }: Observed, status: CronJobStatus | undefined): number {
  const last = status?.lastScheduleTime ?? cronJob.metadata.creationTimestamp ?? ''
  return Math.max(Date.parse(last) || 0, changedMs)
}

/** Rule 2. */
function planStart(
  observed: Observed,
  status: CronJobStatus,
  { next, nowMs }: { readonly next: Next; readonly nowMs: number },
  events: Said[],
): Plan['start'] {
  const { cronJob } = observed
  const { startingDeadlineSeconds, schedule, concurrencyPolicy } = cronJob.spec
  const deadlineMs = startingDeadlineSeconds === undefined ? undefined : startingDeadlineSeconds * 1000
  const from = sinceMs(observed, status)
  const due = dueTime(next, deadlineMs === undefined ? from : Math.max(from, nowMs - deadlineMs), nowMs)
  if (due.isInvalid) {
    const message = `invalid schedule: ${schedule} : time difference between two schedules is less than 1 second`
    events.push({ type: 'Warning', reason: 'InvalidSchedule', message })
    return undefined
  }
  if (due.isManyMissed) {
    const message = 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew'
    events.push({ type: 'Warning', reason: 'TooManyMissedTimes', message })
  }
  if (due.atMs === undefined) return undefined
  if (deadlineMs !== undefined && due.atMs + deadlineMs < nowMs) {
    const time = new Date(due.atMs).toUTCString().replace('GMT', '+0000')
    events.push({ type: 'Warning', reason: 'MissSchedule', message: `Missed scheduled time to start a job: ${time}` })
    return undefined
  }
  const name = jobName(cronJob, due.atMs)
  if (status.active?.some((reference) => reference.name === name) || Date.parse(status.lastScheduleTime ?? '') === due.atMs)
    return undefined
  if (concurrencyPolicy === 'Forbid' && status.active?.length) {
    const message = 'Not starting job because prior execution is running and concurrency policy is Forbid'
    events.push({ type: 'Normal', reason: 'JobAlreadyActive', message })
    return undefined
  }
  return { job: jobAt(cronJob, due.atMs), scheduledMs: due.atMs }
}

/** One time has one name: what was created twice would be refused. */
function jobName({ metadata }: CronJob, scheduledMs: number): string {
  return `${metadata.name}-${Math.floor(scheduledMs / 60_000)}`
}

function jobAt(cronJob: CronJob, scheduledMs: number): Job {
  const { jobTemplate, timeZone } = cronJob.spec
  const { labels, annotations } = jobTemplate.metadata ?? {}
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: jobName(cronJob, scheduledMs),
      namespace: cronJob.metadata.namespace ?? '',
      ...(labels ? { labels: { ...labels } } : {}),
      annotations: { ...annotations, [scheduledAnnotation]: toZonedTime(scheduledMs, timeZone) },
      ownerReferences: [controllerReference(kindRefs.batchV1.cronJobs, cronJob)],
    },
    ...(jobTemplate.spec ? { spec: deepClone(jobTemplate.spec) } : {}),
  }
}

/** A start that has to wait (Forbid, too late) is looked at again with the next scheduled time. */
function untilNextMs(observed: Observed, startedMs: number | undefined, next: Next, nowMs: number): number | undefined {
  const last = startedMs ?? dueTime(next, sinceMs(observed, observed.cronJob.status), nowMs).atMs
  const nextMs = next(last ?? Math.max(sinceMs(observed, observed.cronJob.status), nowMs))
  return nextMs === undefined ? undefined : Math.max(0, nextMs - nowMs) + lateMs
}

/** Rule 3. */
function planCleanup({ cronJob, jobs }: Observed): readonly Job[] {
  const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = cronJob.spec
  const oldest = (chosen: Job[], limit: number | undefined) => {
    if (limit === undefined) return []
    chosen.sort((a, b) => startedMsOf(a) - startedMsOf(b) || ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1))
    return chosen.slice(0, Math.max(0, chosen.length - limit))
  }
  const left = jobs.filter(({ metadata }) => !metadata.deletionTimestamp)
  return [...oldest(left.filter(isSucceeded), successfulJobsHistoryLimit), ...oldest(left.filter(isFailed), failedJobsHistoryLimit)]
}

const startedMsOf = ({ metadata, status }: Job): number => Date.parse(status?.startTime ?? metadata.creationTimestamp ?? '') || 0
