import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { podRequests } from '../../kinds/pod-requests.ts'

export type PodMemoryUse = { readonly pod: Pod; readonly usedBytes: number }

/**
 * Pods in the order in which they are evicted when memory runs short: those that use more than they requested first, then lower
 * priority, then the larger excess. https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/ Pure.
 */
export function evictionOrder(uses: readonly PodMemoryUse[]): PodMemoryUse[] {
  const ranked = uses
    .filter(({ pod }) => !isCritical(pod))
    .map((use) => ({ use, excess: use.usedBytes - (podRequests(use.pod).memory ?? 0) }))
  ranked.sort(
    (a, b) =>
      Number(b.excess > 0) - Number(a.excess > 0) ||
      (a.use.pod.spec?.priority ?? 0) - (b.use.pod.spec?.priority ?? 0) ||
      b.excess - a.excess,
  )
  return ranked.map(({ use }) => use)
}

/** What the evicted pod's status says. */
export function evictionMessage(resource: string, thresholdText: string, availableText: string): string {
  return `The node was low on resource: ${resource}. Threshold quantity: ${thresholdText}, available: ${availableText}. `
}

const systemCriticalPriority = 2_000_000_000

function isCritical(pod: Pod): boolean {
  return (pod.spec?.priority ?? 0) >= systemCriticalPriority
}
