import type { Job } from '../../kinds/generated/types/batch-v1.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { isPodActive } from '../../kinds/pod-status.ts'
import { IndexSet } from './index-set.ts'
import { failuresBefore, finishedMs, hasFailed, indexOf, isIndexed, isSuspended, isTracked } from './pod-facts.ts'
import { judgeFailure, metSuccessRule } from './policies.ts'

/** How a Job ends: the condition that says so before its last pods are gone. */
export type Finish = { readonly type: 'FailureTarget' | 'SuccessCriteriaMet'; readonly reason: string; readonly message: string }

export type Indexes = {
  /** What the status knew already. */
  readonly known: IndexSet
  readonly succeeded: IndexSet
  /** Undefined without a limit per index. */
  readonly failed: IndexSet | undefined
  /** Failed pods that carry their index's count of failures until a new pod carries it on. */
  readonly carriers: ReadonlyMap<number, Pod>
}

export type Verdict = {
  readonly succeeded: number
  readonly newlySucceeded: readonly Pod[]
  readonly newlyFailed: readonly Pod[]
  readonly indexes: Indexes | undefined
  readonly finish: Finish | undefined
  /** Until activeDeadlineSeconds have passed. */
  readonly untilDeadlineMs: number | undefined
}

/** What a Job's pods and its status mean together. Pure. */
export function judgeJob(job: Job, pods: readonly Pod[], nowMs: number): Verdict {
  const { status } = job
  const uncounted = new Set([...(status?.uncountedTerminatedPods?.succeeded ?? []), ...(status?.uncountedTerminatedPods?.failed ?? [])])
  const fresh = pods.filter(
    (pod) => isTracked(pod) && !uncounted.has(pod.metadata.uid ?? '') && (!isIndexed(job) || indexOf(job, pod) !== undefined),
  )
  const newlySucceeded = fresh.filter((pod) => pod.status?.phase === 'Succeeded')
  const newlyFailed = fresh.filter((pod) => hasFailed(job, pod))
  const failed =
    (status?.failed ?? 0) +
    (status?.uncountedTerminatedPods?.failed?.length ?? 0) +
    newlyFailed.filter((pod) => judgeFailure(job, pod).isCounted).length
  const indexes = isIndexed(job) ? judgeIndexes(job, pods) : undefined
  const counted = (status?.succeeded ?? 0) + (status?.uncountedTerminatedPods?.succeeded?.length ?? 0) + newlySucceeded.length
  return {
    succeeded: indexes ? indexes.succeeded.size : counted,
    newlySucceeded,
    newlyFailed,
    indexes,
    finish: knownFinish(job) ?? failedByPolicy(job, pods) ?? failedByLimits(job, pods, failed, nowMs) ?? finishByIndexes(job, indexes),
    untilDeadlineMs: untilDeadlineMs(job, nowMs),
  }
}

function judgeIndexes(job: Job, pods: readonly Pod[]): Indexes {
  const { spec, status } = job
  const completions = spec?.completions ?? 0
  const tracked = pods.filter(isTracked)
  const ofPods = (chosen: readonly Pod[]) => IndexSet.of(chosen.map((pod) => indexOf(job, pod)).filter((index) => index !== undefined))
  const known = IndexSet.parse(status?.completedIndexes, completions)
  const succeeded = known.union(ofPods(tracked.filter((pod) => pod.status?.phase === 'Succeeded')))
  if (spec?.backoffLimitPerIndex === undefined) return { known, succeeded, failed: undefined, carriers: new Map() }
  const spent = ofPods(tracked.filter((pod) => isIndexSpent(job, pod)))
  const failed = IndexSet.parse(status?.failedIndexes, completions).union(spent)
  return { known, succeeded, failed, carriers: carriersOf(job, pods, succeeded.union(failed)) }
}

/** The failure of this pod was the last that its index may have. */
function isIndexSpent(job: Job, pod: Pod): boolean {
  if (!hasFailed(job, pod)) return false
  const { isCounted, action } = judgeFailure(job, pod)
  return action === 'FailIndex' || (isCounted && failuresBefore(pod).counted >= (job.spec?.backoffLimitPerIndex ?? 0))
}

function carriersOf(job: Job, pods: readonly Pod[], over: IndexSet): ReadonlyMap<number, Pod> {
  const active = new Set(pods.filter(isPodActive).map((pod) => indexOf(job, pod)))
  const carriers = new Map<number, Pod>()
  const rank = (pod: Pod) => failuresBefore(pod).counted + failuresBefore(pod).ignored
  for (const pod of pods) {
    const index = indexOf(job, pod)
    if (index === undefined || !isTracked(pod) || !hasFailed(job, pod) || active.has(index) || over.has(index)) continue
    const other = carriers.get(index)
    if (!other || rank(pod) > rank(other) || (rank(pod) === rank(other) && finishedMs(pod) >= finishedMs(other))) carriers.set(index, pod)
  }
  return carriers
}

/** Decided before: nothing changes it. */
function knownFinish({ status }: Job): Finish | undefined {
  for (const type of ['SuccessCriteriaMet', 'FailureTarget'] as const) {
    const condition = status?.conditions?.find((c) => c.type === type && c.status === 'True')
    if (condition) return { type, reason: condition.reason ?? '', message: condition.message ?? '' }
  }
  return undefined
}

function failedByPolicy(job: Job, pods: readonly Pod[]): Finish | undefined {
  if (!job.spec?.podFailurePolicy) return undefined
  for (const pod of pods) {
    const message = hasFailed(job, pod) ? judgeFailure(job, pod).message : undefined
    if (message !== undefined) return { type: 'FailureTarget', reason: 'PodFailurePolicy', message }
  }
  return undefined
}

function failedByLimits(job: Job, pods: readonly Pod[], failed: number, nowMs: number): Finish | undefined {
  const limit = job.spec?.backoffLimit ?? 6
  if (failed > limit || hasRestartedTooOften(job, pods, limit))
    return { type: 'FailureTarget', reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' }
  return untilDeadlineMs(job, nowMs) === 0
    ? { type: 'FailureTarget', reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' }
    : undefined
}

/** With restartPolicy OnFailure the failures are restarts of containers. */
function hasRestartedTooOften({ spec }: Job, pods: readonly Pod[], limit: number): boolean {
  if (spec?.template.spec?.restartPolicy !== 'OnFailure') return false
  let restarts = 0
  for (const { status } of pods) {
    if (status?.phase !== 'Running' && status?.phase !== 'Pending') continue
    for (const { restartCount = 0 } of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])])
      restarts += restartCount
  }
  return limit === 0 ? restarts > 0 : restarts >= limit
}

function untilDeadlineMs(job: Job, nowMs: number): number | undefined {
  const seconds = job.spec?.activeDeadlineSeconds
  if (seconds === undefined || isSuspended(job)) return undefined
  // Resumed just now: the time until then does not count.
  const wasSuspended = job.status?.conditions?.some(({ type, status }) => type === 'Suspended' && status === 'True')
  const startMs = wasSuspended ? Number.NaN : Date.parse(job.status?.startTime ?? '')
  return Math.max(0, (Number.isNaN(startMs) ? nowMs : startMs) + seconds * 1000 - nowMs)
}

function finishByIndexes(job: Job, indexes: Indexes | undefined): Finish | undefined {
  if (!indexes) return undefined
  const { maxFailedIndexes, completions = 0 } = job.spec ?? {}
  const { succeeded, failed = IndexSet.empty } = indexes
  if (maxFailedIndexes !== undefined && failed.size > maxFailedIndexes) {
    const message = 'Job has exceeded the specified maximal number of failed indexes'
    return { type: 'FailureTarget', reason: 'MaxFailedIndexesExceeded', message }
  }
  if (failed.size > 0 && failed.size + succeeded.size >= completions)
    return { type: 'FailureTarget', reason: 'FailedIndexes', message: 'Job has failed indexes' }
  const message = metSuccessRule(job, succeeded)
  return message === undefined ? undefined : { type: 'SuccessCriteriaMet', reason: 'SuccessPolicy', message }
}

/** Whether the pods that ran were enough, once none runs any more. */
export function completionOf({ spec }: Job, verdict: Verdict, activeCount: number): Finish | undefined {
  if (activeCount > 0 || verdict.succeeded < (spec?.completions ?? 1)) return undefined
  return { type: 'SuccessCriteriaMet', reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' }
}
