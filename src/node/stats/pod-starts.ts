import type { Clock } from '../../base/clock.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { NodeMetrics } from './node-metrics.ts'

/** The pod's worker: what is known of a start goes with it. */
type Owner = { readonly records: { readonly startTimeMs: number } }
type Span = { readonly startedMs: number; readonly endedMs: number }

/** Tells how long each pod took to start, once it has. */
export class PodStarts {
  readonly #clock: Clock
  readonly #metrics: Pick<NodeMetrics, 'podStarted'>
  readonly #sinceMs: number
  readonly #told = new WeakSet<Owner>()
  readonly #pulls = new WeakMap<Owner, Span>()

  constructor({ clock, metrics }: { readonly clock: Clock; readonly metrics: Pick<NodeMetrics, 'podStarted'> }) {
    this.#clock = clock
    this.#metrics = metrics
    this.#sinceMs = clock.now()
  }

  /** The pod's pulls count from the first one's start to the last one's end, as upstream has it. */
  pulled(owner: Owner, { startedMs, endedMs }: Span): void {
    const known = this.#pulls.get(owner)
    this.#pulls.set(owner, { startedMs: known?.startedMs ?? startedMs, endedMs: Math.max(endedMs, known?.endedMs ?? 0) })
  }

  /** A status of the pod is in the API. */
  written(owner: Owner, { metadata, status }: Pod): void {
    if (status?.phase !== 'Running' || this.#told.has(owner)) return
    if (!status.containerStatuses?.every(({ state }) => state?.running ?? state?.terminated)) return
    this.#told.add(owner)
    const seenAtMs = owner.records.startTimeMs
    // It ran before this agent came.
    if (seenAtMs < this.#sinceMs) return
    const { startedMs = 0, endedMs = 0 } = this.#pulls.get(owner) ?? {}
    const createdAtMs = Date.parse(metadata.creationTimestamp ?? '') || seenAtMs
    this.#metrics.podStarted({ createdAtMs, seenAtMs, startedAtMs: this.#clock.now(), leftOutMs: endedMs - startedMs + initMs(status) })
  }
}

/** Of init containers that have ended, one after the other. */
function initMs({ initContainerStatuses = [] }: NonNullable<Pod['status']>): number {
  return initContainerStatuses.reduce((sum, { state }) => {
    const { startedAt, finishedAt } = state?.terminated ?? {}
    return startedAt && finishedAt ? sum + Date.parse(finishedAt) - Date.parse(startedAt) : sum
  }, 0)
}
