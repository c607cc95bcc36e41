import { addQuantity, compareQuantity } from '../../../machinery/quantity.ts'
import type { PodSpec } from '../../generated/types/core-v1.ts'
import { isSidecar } from '../../pod-requests.ts'

export type AmountList = Readonly<Record<string, string | number>>

/**
 * What the containers of a pod request, or are limited to, together, as quantities: the sum of app containers and sidecars, or the
 * most that an init container has with the sidecars that started before it. What plans count with is `podRequests`.
 * Source: https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers
 */
export function sumOfContainers(
  { containers = [], initContainers = [] }: Partial<Pick<PodSpec, 'containers' | 'initContainers'>>,
  list: 'requests' | 'limits',
): Record<string, string> {
  const total: Record<string, string> = {}
  const sidecars: Record<string, string> = {}
  const peak: Record<string, string> = {}
  for (const { resources } of containers) addTo(total, resources?.[list])
  for (const container of initContainers) {
    const own = container.resources?.[list]
    if (isSidecar(container)) {
      addTo(total, own)
      addTo(sidecars, own)
      raise(peak, sidecars)
    } else {
      const together = { ...sidecars }
      addTo(together, own)
      raise(peak, together)
    }
  }
  raise(total, peak)
  return total
}

function addTo(sum: Record<string, string>, list: AmountList | undefined): void {
  for (const name in list) sum[name] = addQuantity(sum[name] ?? '0', list[name]!)
}

function raise(to: Record<string, string>, from: AmountList): void {
  for (const name in from) if (to[name] === undefined || compareQuantity(from[name]!, to[name]) > 0) to[name] = String(from[name])
}
