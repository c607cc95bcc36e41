import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { isPodTerminal } from '../../kinds/pod-status.ts'

/** A node that is missing for less time may be about to register again. */
export const quarantineMs = 40_000

export type Observed = {
  readonly pods: readonly Pod[]
  /** Since when (ms) a node is missing; undefined: it is there. */
  readonly missingSinceMs: (node: string) => number | undefined
  /** The node is not ready and somebody vouches that it is off. */
  readonly isOutOfService: (node: string) => boolean
  /** Terminal pods beyond this number go: those that were evicted first, then the oldest. */
  readonly terminatedMax: number
}

export type Plan = {
  readonly orphans: readonly Pod[]
  readonly unscheduled: readonly Pod[]
  /** Being deleted on a node that will never say that they are gone. */
  readonly outOfService: readonly Pod[]
  readonly terminated: readonly Pod[]
  /** When the next missing node leaves its quarantine. */
  readonly requeueAfterMs: number | undefined
}

/** Pods that nobody will ever end: their node is gone, they never had one, or they have ended and are too many. */
export function planPodGc({ pods, missingSinceMs, isOutOfService, terminatedMax }: Observed, nowMs: number): Plan {
  const orphans: Pod[] = []
  let requeueAfterMs: number | undefined
  for (const pod of pods) {
    const sinceMs = pod.spec?.nodeName ? missingSinceMs(pod.spec.nodeName) : undefined
    if (sinceMs === undefined) continue
    const leftMs = sinceMs + quarantineMs - nowMs
    if (leftMs <= 0) orphans.push(pod)
    else requeueAfterMs = Math.min(requeueAfterMs ?? leftMs, leftMs)
  }
  const gone = new Set(orphans)
  const unscheduled = pods.filter((pod) => pod.metadata.deletionTimestamp && !pod.spec?.nodeName)
  const outOfService = pods.filter(
    (pod) => pod.metadata.deletionTimestamp && pod.spec?.nodeName && !gone.has(pod) && isOutOfService(pod.spec.nodeName),
  )
  const ended = pods.filter((pod) => isPodTerminal(pod) && !pod.metadata.deletionTimestamp && !gone.has(pod))
  const excess = terminatedMax > 0 ? ended.length - terminatedMax : 0
  const terminated = excess > 0 ? [...ended].sort((a, b) => compare(rank(a), rank(b))).slice(0, excess) : []
  return { orphans, unscheduled, outOfService, terminated, requeueAfterMs }
}

/** What was evicted tells nobody's controller anything. */
function rank({ metadata, status }: Pod): string {
  const isEvicted = status?.phase === 'Failed' && status.reason === 'Evicted'
  return `${isEvicted ? 0 : 1} ${metadata.creationTimestamp ?? ''} ${metadata.name ?? ''}`
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
