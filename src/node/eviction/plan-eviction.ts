import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { podRequests, resourceAmount } from '../../kinds/pod-requests.ts'
import { podContainers } from '../pod/pod-view.ts'

export type ScarceResource = 'memory' | 'ephemeral-storage'
/** Bytes that a pod uses of what runs short, as a whole and by container. */
export type PodUse = { readonly pod: Pod; readonly usedBytes: number; readonly byContainer: ReadonlyMap<string, number> }

/**
 * Pods in the order in which they are evicted when a resource runs short: those that use more than they requested first, then lower
 * priority, then the larger excess. https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/ Pure.
 */
export function evictionOrder(uses: readonly PodUse[], resource: ScarceResource): PodUse[] {
  const ranked = uses
    .filter(({ pod }) => !isCritical(pod))
    .map((use) => ({ use, excess: use.usedBytes - (podRequests(use.pod)[resource] ?? 0) }))
  ranked.sort(
    (a, b) =>
      Number(b.excess > 0) - Number(a.excess > 0) ||
      (a.use.pod.spec?.priority ?? 0) - (b.use.pod.spec?.priority ?? 0) ||
      b.excess - a.excess,
  )
  return ranked.map(({ use }) => use)
}

/** What the evicted pod's status says, the containers named that use more than they requested. */
export function evictionMessage(
  resource: ScarceResource,
  { pod, usedBytes, byContainer }: PodUse,
  { thresholdBytes, availableBytes }: { readonly thresholdBytes: number; readonly availableBytes: number },
): string {
  const head = `The node was low on resource: ${resource}. Threshold quantity: ${kibibytes(thresholdBytes)}, available: ${kibibytes(availableBytes)}. `
  const over = podContainers(pod.spec).flatMap(({ container: { name, resources } }) => {
    const usedBytes = byContainer.get(name) ?? 0
    const request = resources?.requests?.[resource] ?? '0'
    if (usedBytes <= resourceAmount(resource, request)) return []
    return [`Container ${name} was using ${kibibytes(usedBytes)}, request is ${request}, has larger consumption of ${resource}. `]
  })
  const ofPod = resource === 'memory' ? pod.spec?.resources?.requests?.memory : undefined
  const asAWhole = `Pod ${pod.metadata.name} was using ${kibibytes(usedBytes)}, request is ${ofPod}, has larger consumption of ${resource}. `
  return head + (ofPod === undefined ? '' : asAWhole) + over.join('')
}

function kibibytes(bytes: number): string {
  return `${Math.floor(bytes / 1024)}Ki`
}

const systemCriticalPriority = 2_000_000_000

function isCritical(pod: Pod): boolean {
  return (pod.spec?.priority ?? 0) >= systemCriticalPriority
}
