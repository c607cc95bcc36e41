/**
 * How a Job counts the pods that ended, each exactly once, whatever happens between two writes:
 *  1. The status names a pod as uncounted (or its index as completed) while the pod still has the tracking finalizer.
 *  2. The finalizer is taken away.
 *  3. A named pod without finalizer is counted and named no more; when none is left and the Job is over, it says so.
 */
import { toTime } from '../../base/clock.ts'
import type { Job, JobCondition, JobStatus } from '../../kinds/generated/types/batch-v1.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { isPodActive, isPodReady } from '../../kinds/pod-status.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import type { Finish, Verdict } from './judge.ts'
import { IndexSet } from './index-set.ts'
import { hasFailed, indexOf, isEnding, isIndexed, isSuspended, isTracked } from './pod-facts.ts'
import { judgeFailure } from './policies.ts'

export type TrackingInput = {
  readonly job: Job
  /** After creations and deletions. */
  readonly pods: readonly Pod[]
  readonly verdict: Verdict
  /** Undefined too while pods could not be deleted that must go first. */
  readonly finish: Finish | undefined
  readonly nowMs: number
}

export type Said = { readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly message: string }

export type Tracking = {
  readonly status: JobStatus
  /** Pods to take the finalizer from once the status is written. */
  readonly untrack: readonly Pod[]
  /** More ended than one status may name: the rest comes with the next reconcile. */
  readonly hasMore: boolean
  readonly events: readonly Said[]
}

/** The most pods that one status names. */
const uncountedMax = 500

/** Step 1. */
export function planTracking(input: TrackingInput): Tracking {
  const { job, pods, verdict, finish, nowMs } = input
  const counted = countUntracked(job.status ?? {}, pods)
  const { untrack, succeeded, failed, hasMore } = nameEnded(input, counted)
  const events: Said[] = []
  const status: JobStatus = {
    ...counted,
    ...numbersOf(pods),
    uncountedTerminatedPods: { ...(succeeded.length ? { succeeded } : {}), ...(failed.length ? { failed } : {}) },
  }
  if (pods.every((pod) => !isPodActive(pod))) delete status.active
  if (!status.startTime && !isSuspended(job)) status.startTime = toTime(nowMs)
  const { indexes } = verdict
  if (indexes) {
    const ended = untrack.filter((pod) => pod.status?.phase === 'Succeeded').map((pod) => indexOf(job, pod))
    const completed = indexes.known.union(IndexSet.of(ended.filter((index) => index !== undefined)))
    if (completed.size > 0) status.completedIndexes = completed.toString()
    else delete status.completedIndexes
    setCount(status, 'succeeded', completed.size)
    if (indexes.failed) status.failedIndexes = indexes.failed.toString()
  }
  if (finish) status.conditions = withCondition(status.conditions, finish, nowMs)
  else if (!job.metadata.deletionTimestamp) tellSuspension(job, status, events, nowMs)
  return { status, untrack, hasMore, events }
}

/** Step 3. `pods` are what is left with and without finalizer; `finish` as the status before says it. */
export function planCounted(status: JobStatus, pods: readonly Pod[], finish: Finish | undefined, nowMs: number): Omit<Tracking, 'untrack'> {
  const counted = countUntracked(status, pods)
  const { succeeded = [], failed = [] } = counted.uncountedTerminatedPods ?? {}
  if (!finish || succeeded.length + failed.length > 0 || pods.some(isEnding)) return { status: counted, hasMore: false, events: [] }
  const isSuccess = finish.type === 'SuccessCriteriaMet'
  const { reason, message } = finish
  const conditions = withCondition(counted.conditions, { type: isSuccess ? 'Complete' : 'Failed', reason, message }, nowMs)
  const done: JobStatus = { ...counted, conditions, ...(isSuccess ? { completionTime: toTime(nowMs) } : {}) }
  const event: Said = isSuccess ? { type: 'Normal', reason: 'Completed', message: 'Job completed' } : { type: 'Warning', reason, message }
  return { status: done, hasMore: false, events: [event] }
}

export const statusEquals = (a: JobStatus | undefined, b: JobStatus): boolean => deepEqual(a ?? {}, b)

function numbersOf(pods: readonly Pod[]): Pick<JobStatus, 'active' | 'ready' | 'terminating'> {
  const active = pods.filter(isPodActive)
  return { active: active.length, ready: active.filter(isPodReady).length, terminating: pods.filter(isEnding).length }
}

/** Named pods that have no finalizer any more, or are gone, become numbers. */
function countUntracked(status: JobStatus, pods: readonly Pod[]): JobStatus {
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {}
  if (succeeded.length + failed.length === 0) return status
  const tracked = new Set(pods.filter(isTracked).map(({ metadata }) => metadata.uid))
  const stillSucceeded = succeeded.filter((uid) => tracked.has(uid))
  const stillFailed = failed.filter((uid) => tracked.has(uid))
  const counted: JobStatus = {
    ...status,
    uncountedTerminatedPods: {
      ...(stillSucceeded.length ? { succeeded: stillSucceeded } : {}),
      ...(stillFailed.length ? { failed: stillFailed } : {}),
    },
  }
  setCount(counted, 'succeeded', (status.succeeded ?? 0) + succeeded.length - stillSucceeded.length)
  setCount(counted, 'failed', (status.failed ?? 0) + failed.length - stillFailed.length)
  return counted
}

type Named = { readonly untrack: Pod[]; readonly succeeded: string[]; readonly failed: string[]; readonly hasMore: boolean }

function nameEnded({ job, pods, verdict, finish }: TrackingInput, counted: JobStatus): Named {
  const succeeded = [...(counted.uncountedTerminatedPods?.succeeded ?? [])]
  const failed = [...(counted.uncountedTerminatedPods?.failed ?? [])]
  const known = new Set([...succeeded, ...failed])
  const carriers = new Set([...(verdict.indexes?.carriers.values() ?? [])].map(({ metadata }) => metadata.uid))
  const isOver = finish !== undefined || job.metadata.deletionTimestamp !== undefined
  const isSuccess = finish?.type === 'SuccessCriteriaMet'
  const untrack: Pod[] = []
  let namedCount = known.size
  for (const pod of pods) {
    if (!isTracked(pod)) continue
    const uid = pod.metadata.uid ?? ''
    const isSucceeded = pod.status?.phase === 'Succeeded'
    // Pods that end because enough succeeded are no failures.
    const isFailed = isSuccess ? pod.status?.phase === 'Failed' : hasFailed(job, pod) || finish !== undefined
    if (!isOver && !isSucceeded && (!isFailed || carriers.has(uid))) continue
    untrack.push(pod)
    if (known.has(uid) || (isIndexed(job) && indexOf(job, pod) === undefined)) continue
    if (isSucceeded && !isIndexed(job)) succeeded.push(uid)
    else if (!isSucceeded && isFailed && judgeFailure(job, pod).isCounted) failed.push(uid)
    if (isSucceeded || isFailed) namedCount++
    if (namedCount >= uncountedMax) return { untrack, succeeded, failed, hasMore: true }
  }
  return { untrack, succeeded, failed, hasMore: false }
}

function tellSuspension(job: Job, status: JobStatus, events: Said[], nowMs: number): void {
  const current = status.conditions?.find(({ type }) => type === 'Suspended')
  if (isSuspended(job) === (current?.status === 'True')) return
  const others = (status.conditions ?? []).filter(({ type }) => type !== 'Suspended')
  const time = toTime(nowMs)
  const [word, value] = isSuspended(job) ? (['Suspended', 'True'] as const) : (['Resumed', 'False'] as const)
  const message = `Job ${word.toLowerCase()}`
  const condition = { type: 'Suspended', status: value, lastProbeTime: time, lastTransitionTime: time, reason: `Job${word}`, message }
  status.conditions = [...others, condition]
  // The deadline counts only the time in which it may run, and what stands still has no start.
  if (value === 'False') status.startTime = time
  else delete status.startTime
  events.push({ type: 'Normal', reason: word, message })
}

/** The condition is True from now on; one that is True already stays as it is. */
function withCondition(
  conditions: readonly JobCondition[] = [],
  { type, reason, message }: { readonly type: string; readonly reason: string; readonly message: string },
  nowMs: number,
): JobCondition[] {
  if (conditions.some((condition) => condition.type === type && condition.status === 'True')) return [...conditions]
  const time = toTime(nowMs)
  const others = conditions.filter((condition) => condition.type !== type)
  return [...others, { type, status: 'True', lastProbeTime: time, lastTransitionTime: time, reason, message }]
}

function setCount(status: JobStatus, field: 'succeeded' | 'failed', count: number): void {
  if (count > 0) status[field] = count
  else delete status[field]
}
