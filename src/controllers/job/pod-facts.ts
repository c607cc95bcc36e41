/** What a Job reads from its pods. */
import type { Job } from '../../kinds/generated/types/batch-v1.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { isPodTerminal, isPodTerminating, podCondition } from '../../kinds/pod-status.ts'

/** Keeps a pod until the Job has counted it. */
export const trackingFinalizer = 'batch.kubernetes.io/job-tracking'
/** Annotation and label of an Indexed Job's pods. */
export const indexAnnotation = 'batch.kubernetes.io/job-completion-index'
export const failureCountAnnotation = 'batch.kubernetes.io/job-index-failure-count'
export const ignoredCountAnnotation = 'batch.kubernetes.io/job-index-ignored-failure-count'

export const isIndexed = (job: Job): boolean => job.spec?.completionMode === 'Indexed'
export const isSuspended = (job: Job): boolean => job.spec?.suspend === true
export const isTracked = (pod: Pod): boolean => pod.metadata.finalizers?.includes(trackingFinalizer) ?? false
/** On its way out, its containers not ended yet. */
export const isEnding = (pod: Pod): boolean => isPodTerminating(pod) && !isPodTerminal(pod)

/** Pods are replaced only when they have failed, not as soon as they are being deleted. */
export function replacesOnlyFailed({ spec }: Job): boolean {
  return spec?.podReplacementPolicy === undefined ? spec?.podFailurePolicy !== undefined : spec.podReplacementPolicy === 'Failed'
}

/** The pod's index; undefined: it has none, or none that the Job still has. */
export function indexOf(job: Job, pod: Pod): number | undefined {
  const text = pod.metadata.annotations?.[indexAnnotation]
  if (text === undefined || !/^\d+$/.test(text)) return undefined
  const index = Number(text)
  return index < (job.spec?.completions ?? 0) ? index : undefined
}

/** Failed, or deleted before it could: the latter may never get to tell. */
export function hasFailed(job: Job, pod: Pod): boolean {
  const phase = pod.status?.phase
  return phase === 'Failed' || (!replacesOnlyFailed(job) && isPodTerminating(pod) && phase !== 'Succeeded')
}

/** How often the index failed before this pod, counted and ignored failures. */
export function failuresBefore(pod: Pod): { readonly counted: number; readonly ignored: number } {
  const read = (name: string) => Number(pod.metadata.annotations?.[name] ?? 0) || 0
  return { counted: read(failureCountAnnotation), ignored: read(ignoredCountAnnotation) }
}

/** When the pod's last container ended, or else when it stopped being ready, or was deleted; wall clock, ms. */
export function finishedMs(pod: Pod): number {
  const ends = (pod.status?.containerStatuses ?? []).map(({ state }) => Date.parse(state?.terminated?.finishedAt ?? ''))
  if (ends.length > 0 && ends.every((ms) => ms > 0)) return Math.max(...ends)
  const ready = podCondition(pod, 'Ready')
  const since = ready?.status === 'False' ? Date.parse(ready.lastTransitionTime ?? '') : Number.NaN
  if (!Number.isNaN(since)) return since
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, creationTimestamp } = pod.metadata
  const deleted = Date.parse(deletionTimestamp ?? '') - deletionGracePeriodSeconds * 1000
  return Number.isNaN(deleted) ? Date.parse(creationTimestamp ?? '') || 0 : deleted
}
