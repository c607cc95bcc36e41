/**
 * Which pods a Job creates and deletes next: (job, its pods, what they mean, failures so far, now) → pods.
 *  1. Never more active pods than parallelism, nor than completions are missing; of an index never two.
 *  2. Either deletions or creations, never both: what deletions do is seen first.
 *  3. After a failure creation waits; with a limit per index each index waits for itself.
 * https://kubernetes.io/docs/concepts/workloads/controllers/job/
 */
import type { Job } from '../../kinds/generated/types/batch-v1.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { isPodActive, isPodTerminating } from '../../kinds/pod-status.ts'
import { deletionOrder } from '../replicaset/deletion-order.ts'
import { backoffLeftMs, type FailureRecord } from './failure-backoff.ts'
import { IndexSet } from './index-set.ts'
import type { Indexes, Verdict } from './judge.ts'
import { failuresBefore, finishedMs, indexOf, isEnding, isIndexed, isSuspended, replacesOnlyFailed } from './pod-facts.ts'

export type NewPod = {
  /** Of an Indexed Job. */
  readonly index: number | undefined
  /** The failed pod whose count of failures goes on. */
  readonly carrier: Pod | undefined
}

export type PodPlan = {
  readonly create: readonly NewPod[]
  readonly remove: readonly Pod[]
  /** Deleted pods count as failed or not by this: those that go because the Job is over are counted, superfluous ones never. */
  readonly isOver: boolean
  readonly requeueAfterMs: number | undefined
}

/** The most pods created or deleted by one reconcile. */
const burst = 500

const nothing: PodPlan = { create: [], remove: [], isOver: false, requeueAfterMs: undefined }

export function planPods(job: Job, pods: readonly Pod[], verdict: Verdict, record: FailureRecord, nowMs: number): PodPlan {
  const active = pods.filter(isPodActive)
  if (verdict.finish) return { ...nothing, remove: active, isOver: true }
  if (job.metadata.deletionTimestamp) return nothing
  if (isSuspended(job)) return { ...nothing, remove: active }
  const wanted = wantedActive(job, verdict, active.length)
  const remove = superfluous(job, active, active.length - wanted, nowMs).slice(0, burst)
  if (remove.length > 0) return { ...nothing, remove }
  const ending = replacesOnlyFailed(job) ? pods.filter(isEnding).length : 0
  const missing = Math.min(burst, wanted - ending - active.length)
  if (missing <= 0) return { ...nothing, requeueAfterMs: verdict.untilDeadlineMs }
  const plan = verdict.indexes ? planIndexes(job, pods, verdict.indexes, missing, nowMs) : planCount(missing)
  const hasLimitPerIndex = job.spec?.backoffLimitPerIndex !== undefined
  const waitMs = hasLimitPerIndex ? plan.waitMs : backoffLeftMs(record, nowMs)
  const create = waitMs > 0 ? [] : plan.create
  return { ...nothing, create, requeueAfterMs: soonest(waitMs > 0 ? waitMs : undefined, verdict.untilDeadlineMs) }
}

function soonest(...times: (number | undefined)[]): number | undefined {
  const known = times.filter((ms) => ms !== undefined)
  return known.length > 0 ? Math.min(...known) : undefined
}

/** Without completions the first success ends the creation: what runs may end by itself. */
function wantedActive({ spec }: Job, { succeeded }: Verdict, activeCount: number): number {
  const parallelism = spec?.parallelism ?? 1
  if (spec?.completions === undefined) return succeeded > 0 ? activeCount : parallelism
  return Math.max(0, Math.min(parallelism, spec.completions - succeeded))
}

/** Pods of an index that another one has already, or that the Job has no more; and then any, the least useful first. */
function superfluous(job: Job, active: readonly Pod[], atLeast: number, nowMs: number): readonly Pod[] {
  const [doubled, single]: [Pod[], Pod[]] = [[], []]
  if (isIndexed(job)) {
    // In the order of deletion the last of an index stays.
    const taken = new Set<number>()
    for (const pod of deletionOrder(active, new Map(), nowMs).reverse()) {
      const index = indexOf(job, pod)
      if (index === undefined || taken.has(index)) doubled.push(pod)
      else single.push(pod)
      if (index !== undefined) taken.add(index)
    }
  } else single.push(...active)
  const more = atLeast - doubled.length
  return more > 0 ? [...doubled, ...deletionOrder(single, new Map(), nowMs).slice(0, more)] : doubled
}

type Creation = { readonly create: readonly NewPod[]; readonly waitMs: number }

const planCount = (count: number): Creation => ({
  create: Array.from({ length: count }, () => ({ index: undefined, carrier: undefined })),
  waitMs: 0,
})

/** The lowest indexes that have neither ended nor a pod; those whose back-off is over. */
function planIndexes(job: Job, pods: readonly Pod[], indexes: Indexes, count: number, nowMs: number): Creation {
  const busy = pods.filter((pod) => isPodActive(pod) || (replacesOnlyFailed(job) && isPodTerminating(pod) && isEnding(pod)))
  const taken = IndexSet.of(busy.map((pod) => indexOf(job, pod)).filter((index) => index !== undefined))
  const over = indexes.succeeded.union(indexes.failed ?? IndexSet.empty).union(taken)
  const pending = over.missing(count, job.spec?.completions ?? 0).map((index): NewPod => ({ index, carrier: indexes.carriers.get(index) }))
  const waits = pending.map(({ carrier }) => indexWaitMs(carrier, nowMs))
  const create = pending.filter((_, i) => waits[i] === 0)
  return { create, waitMs: create.length > 0 || waits.length === 0 ? 0 : Math.min(...waits) }
}

function indexWaitMs(carrier: Pod | undefined, nowMs: number): number {
  if (!carrier) return 0
  const { counted, ignored } = failuresBefore(carrier)
  return backoffLeftMs({ failures: counted + ignored + 1, lastFailureMs: finishedMs(carrier) }, nowMs)
}
