import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import type { PodContext } from './pod-context.ts'
import type { PodRecords } from './pod-records.ts'
import { allocatedPod, resizeSummary, resizableOf } from './resize.ts'

type Context = Pick<PodContext, 'admitResize' | 'event'>

/** A newer spec: where it asks for other resources they are granted, or wait. Until then the pod has what it had. */
export function takeResize(context: Context, records: PodRecords, change: { readonly old: Pod; readonly pod: Pod }): void {
  const before = resizableOf(change.old.spec)
  if (deepEqual(before, resizableOf(change.pod.spec))) return
  records.allocated ??= before
  allocateResize(context, records, change.pod)
}

/**
 * Grants what a pod asks for and has not been granted yet, when it fits beside the others; as a whole or not at all. Else says why it
 * waits: Deferred until there is room, or Infeasible. Source: KEP-1287.
 */
export function allocateResize(context: Context, records: PodRecords, pod: Pod): void {
  if (records.allocated === undefined) return
  const generation = pod.metadata.generation ?? 0
  if (deepEqual(records.allocated, resizableOf(pod.spec))) {
    // The wish was taken back.
    delete records.allocated
    delete records.resizePending
    return
  }
  const refusal = context.admitResize(pod)
  if (!refusal) {
    delete records.allocated
    delete records.resizePending
    delete records.resizeError
    records.resizeGeneration = generation
    return context.event(pod, { type: 'Normal', reason: 'ResizeStarted', message: `Pod resize started: ${resizeSummary(pod, generation)}` })
  }
  const told = records.resizePending
  records.resizePending = { ...refusal, generation }
  if (told?.reason === refusal.reason && told.generation === generation) return
  const message = `Pod resize ${refusal.reason}: ${resizeSummary(pod, generation, refusal.message)}`
  context.event(pod, { type: 'Warning', reason: `Resize${refusal.reason}`, message })
}

/** Every running container has what was granted: the resize is over. */
export function completeResize(context: Context, records: PodRecords, pod: Pod): void {
  const generation = records.resizeGeneration
  if (generation === undefined) return
  delete records.resizeGeneration
  delete records.resizeError
  const granted = resizeSummary(allocatedPod(pod, records), generation)
  context.event(pod, { type: 'Normal', reason: 'ResizeCompleted', message: `Pod resize completed: ${granted}` })
}
