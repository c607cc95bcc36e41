import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { podRequests, resourceAmount } from '../../kinds/pod-requests.ts'
import { isCriticalPod } from '../../kinds/static-pod.ts'
import { formatQuantity, quantityOfUnits } from '../../machinery/quantity.ts'
import { podContainers } from '../pod/pod-view.ts'
import type { Shortage } from './pressure.ts'
import type { EvictionSignal } from './thresholds.ts'

export type ScarceResource = 'memory' | 'ephemeral-storage' | 'inodes' | 'pids'

export const resourceOfSignal: Readonly<Record<EvictionSignal, ScarceResource>> = {
  'memory.available': 'memory',
  'nodefs.available': 'ephemeral-storage',
  'nodefs.inodesFree': 'inodes',
  'imagefs.available': 'ephemeral-storage',
  'imagefs.inodesFree': 'inodes',
  'pid.available': 'pids',
}

/** What a pod uses of what runs short, in bytes or pieces, as a whole and by container. */
export type PodUse = { readonly pod: Pod; readonly used: number; readonly byContainer: ReadonlyMap<string, number> }

/**
 * Pods in the order in which they are evicted when a resource runs short: those that use more than they requested first, then lower
 * priority, then the larger excess. https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/ Pure.
 */
export function evictionOrder(uses: readonly PodUse[], resource: ScarceResource): PodUse[] {
  const ranked = uses
    .filter(({ pod }) => !isCriticalPod(pod))
    .map((use) => ({ use, excess: use.used - (podRequests(use.pod)[resource] ?? 0) }))
  // Nobody requests process ids: only importance and number count.
  const isOver = (excess: number) => Number(resource !== 'pids' && excess > 0)
  ranked.sort(
    (a, b) =>
      isOver(b.excess) - isOver(a.excess) || (a.use.pod.spec?.priority ?? 0) - (b.use.pod.spec?.priority ?? 0) || b.excess - a.excess,
  )
  return ranked.map(({ use }) => use)
}

/** What the evicted pod's status says, the containers named that use more than they requested. */
export function evictionMessage({ signal, bound, available }: Omit<Shortage, 'isHard'>, { pod, used, byContainer }: PodUse): string {
  const resource = resourceOfSignal[signal]
  const isOfBytes = resource === 'memory' || resource === 'ephemeral-storage'
  const free = isOfBytes ? binary(available) : formatQuantity(quantityOfUnits(available))
  const head = `The node was low on resource: ${resource}. Threshold quantity: ${binary(bound)}, available: ${free}. `
  if (!isOfBytes) return head
  const over = podContainers(pod.spec).flatMap(({ container: { name, resources } }) => {
    const usedBytes = byContainer.get(name) ?? 0
    const request = resources?.requests?.[resource] ?? '0'
    if (usedBytes <= resourceAmount(resource, request)) return []
    return [`Container ${name} was using ${binary(usedBytes)}, request is ${request}, has larger consumption of ${resource}. `]
  })
  const ofPod = resource === 'memory' ? pod.spec?.resources?.requests?.memory : undefined
  const asAWhole = `Pod ${pod.metadata.name} was using ${binary(used)}, request is ${ofPod}, has larger consumption of ${resource}. `
  return head + (ofPod === undefined ? '' : asAWhole) + over.join('')
}

const binary = (count: number) => formatQuantity(quantityOfUnits(Math.trunc(count), 'BinarySI'))
