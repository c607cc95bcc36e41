import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext, ReconcileResult } from '../../control/contract.ts'
import { isNamespaceTerminating } from '../../control/namespace-terminating.ts'
import { controlledBy } from '../../control/ownership.ts'
import { keysOfController, watchKind } from '../../control/watch-declaration.ts'
import type { CronJob, CronJobStatus, Job } from '../../kinds/generated/types/batch-v1.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { controllerOf } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { later, planCronJob, type Plan, referenceTo } from './plan.ts'
import { toZonedTime } from './next-time.ts'

const { cronJobs, jobs } = kindRefs.batchV1

/** The schedule of a CronJob as last seen, and when it was changed while we watched. */
type Seen = { readonly uid: string; readonly text: string; readonly changedMs: number | undefined }

/** Creates Jobs by the clock. Remembers schedules, so that a changed one begins when it is changed. */
export function cronJobController(): ControllerDefinition {
  const seen = new Map<string, Seen>()
  return {
    name: 'cronjob',
    watches: [watchKind(cronJobs), watchKind(jobs, keysOfController(cronJobs))],
    writes: [cronJobs, jobs],
    minIntervalMs: 10,
    reconcile: (context, key) => reconcile(context, key, seen),
  }
}

async function reconcile(context: LoopContext, key: string, seen: Map<string, Seen>): Promise<ReconcileResult> {
  const cronJob = context.informer(cronJobs).get(key)
  if (!cronJob) {
    seen.delete(key)
    return
  }
  const changedMs = noteSchedule(seen, key, cronJob, context.clock.now())
  const missing = await missingOf(context, cronJob)
  const owned = controlledBy(context.informer(jobs), cronJob.metadata.uid)
  const plan = planCronJob({ cronJob, jobs: owned, missing, changedMs }, context.clock.now())
  const resource = context.client.resource(cronJobs, cronJob.metadata.namespace)
  const written = async (before: CronJob, after: CronJobStatus) =>
    deepEqual(after, before.status ?? {}) ? before : resource.updateStatus({ ...before, status: after })
  const tracked = plan.expired.length > 0 ? await written(cronJob, plan.status) : cronJob
  for (const { metadata } of plan.expired) await deleteJob(context, cronJob, metadata.name ?? '', metadata.uid ?? '')
  for (const event of plan.events) context.event(cronJob, event)
  let { status } = plan
  for (const { name = '', uid = '' } of plan.replace) {
    await deleteJob(context, cronJob, name, uid)
    status = withoutActive(status, uid)
  }
  const { job, error } = plan.start ? await startJob(context, cronJob, plan.start) : {}
  if (job && plan.start) status = withStarted(status, job, plan.start.scheduledMs)
  await written(tracked, status)
  if (error !== undefined) throw error
  return plan.requeueAfterMs === undefined ? undefined : { requeueAfterMs: plan.requeueAfterMs }
}

function noteSchedule(seen: Map<string, Seen>, key: string, { metadata, spec }: CronJob, nowMs: number): number | undefined {
  const before = seen.get(key)
  const [uid = '', text] = [metadata.uid, `${spec.schedule}\n${spec.timeZone ?? ''}`]
  if (before?.uid === uid && before.text === text) return before.changedMs
  const changedMs = before?.uid === uid ? nowMs : undefined
  seen.set(key, { uid, text, changedMs })
  return changedMs
}

/** Active Jobs that the informer does not show are asked for: it may be late. */
async function missingOf(context: LoopContext, { metadata, status }: CronJob): Promise<ReadonlySet<string>> {
  const informer = context.informer(jobs)
  const missing = new Set<string>()
  for (const { name = '', uid = '' } of status?.active ?? []) {
    if (informer.get(`${metadata.namespace}/${name}`)?.metadata.uid === uid) continue
    try {
      const live = await context.client.resource(jobs, metadata.namespace).get(name)
      if (live.metadata.uid !== uid) missing.add(uid)
    } catch (error) {
      if (!isStatus(error, 'NotFound')) throw error
      missing.add(uid)
    }
  }
  return missing
}

type Started = { readonly job?: Job; readonly error?: unknown }

/** A Job of that name that is ours already is the one that we wanted to create. */
async function startJob(context: LoopContext, cronJob: CronJob, { job }: NonNullable<Plan['start']>): Promise<Started> {
  const resource = context.client.resource(jobs, cronJob.metadata.namespace)
  try {
    const created = await resource.create(job)
    context.event(cronJob, { type: 'Normal', reason: 'SuccessfulCreate', message: `Created job ${created.metadata.name}` })
    return { job: created }
  } catch (error) {
    if (isNamespaceTerminating(error)) return {}
    if (!isStatus(error, 'AlreadyExists')) {
      const message = `Error creating job: ${error instanceof Error ? error.message : String(error)}`
      context.event(cronJob, { type: 'Warning', reason: 'FailedCreate', message })
      return { error }
    }
    const existing = await resource.get(job.metadata.name ?? '')
    return controllerOf(existing)?.uid === cronJob.metadata.uid ? { job: existing } : {}
  }
}

function withoutActive(status: CronJobStatus, uid: string): CronJobStatus {
  const { active = [], ...rest } = status
  const left = active.filter((reference) => reference.uid !== uid)
  return { ...rest, ...(left.length > 0 ? { active: left } : {}) }
}

function withStarted(status: CronJobStatus, job: Job, scheduledMs: number): CronJobStatus {
  const others = withoutActive(status, job.metadata.uid ?? '').active ?? []
  const lastScheduleTime = later(status.lastScheduleTime, toZonedTime(scheduledMs, undefined))
  return { ...status, active: [...others, referenceTo(job)], lastScheduleTime }
}

async function deleteJob(context: LoopContext, cronJob: CronJob, name: string, uid: string): Promise<void> {
  try {
    const preconditions = uid ? { uid } : {}
    await context.client.resource(jobs, cronJob.metadata.namespace).delete(name, { propagationPolicy: 'Background', preconditions })
    context.event(cronJob, { type: 'Normal', reason: 'SuccessfulDelete', message: `Deleted job ${name}` })
  } catch (error) {
    if (isStatus(error, 'NotFound')) return
    const message = `Deleted job: ${error instanceof Error ? error.message : String(error)}`
    context.event(cronJob, { type: 'Warning', reason: 'FailedDelete', message })
    throw error
  }
}
