import type { Node, Pod } from '../../kinds/generated/types/core-v1.ts'
import type { Framework } from '../../kinds/keelson/framework.ts'
import { isOpenOffer, type Offer } from '../../kinds/keelson/offer.ts'
import { podRequests, type ResourceAmounts, resourceAmounts } from '../../kinds/pod-requests.ts'
import { isPodScheduled, isPodTerminal } from '../../kinds/pod-status.ts'
import { keyOf } from '../../machinery/object.ts'
import { formatQuantity, quantityOfMilli, quantityOfUnits } from '../../machinery/quantity.ts'
import type { FrameworkView, NodeView, OfferView } from './plan.ts'

/** What pods on nodes ask for. */
export type Used = {
  readonly byNode: ReadonlyMap<string, ResourceAmounts>
  /** By `namespace/schedulerName`. */
  readonly byFramework: ReadonlyMap<string, ResourceAmounts>
}

/** Sums of requests; those of one state of a pod are computed once. */
export class Requests {
  readonly #known = new WeakMap<Pod, ResourceAmounts>()

  of(pods: readonly Pod[]): Used {
    const byNode = new Map<string, ResourceAmounts>()
    const byFramework = new Map<string, ResourceAmounts>()
    for (const pod of pods) {
      if (!isPodScheduled(pod) || isPodTerminal(pod)) continue
      let amounts = this.#known.get(pod)
      if (!amounts) this.#known.set(pod, (amounts = { ...podRequests(pod, { useStatus: true }), pods: 1 }))
      addTo(byNode, pod.spec!.nodeName!, amounts)
      addTo(byFramework, `${pod.metadata.namespace}/${pod.spec!.schedulerName}`, amounts)
    }
    return { byNode, byFramework }
  }
}

function addTo(sums: Map<string, ResourceAmounts>, key: string, amounts: ResourceAmounts): void {
  let sum = sums.get(key)
  if (!sum) sums.set(key, (sum = {}))
  for (const name in amounts) sum[name] = (sum[name] ?? 0) + amounts[name]!
}

export function frameworkView(framework: Framework, isActive: boolean, byFramework: Used['byFramework']): FrameworkView {
  const { metadata, spec = {} } = framework
  return {
    key: keyOf(framework),
    weight: spec.weight ?? 1,
    isActive,
    nodeSelector: spec.nodeSelector ?? {},
    minResources: resourceAmounts(spec.minResources),
    maxResources: spec.maxResources && resourceAmounts(spec.maxResources),
    offersMax: spec.offersMax ?? 100,
    offerTimeoutMs: (spec.offerTimeoutSeconds ?? 30) * 1_000,
    allocated: byFramework.get(`${metadata.namespace}/${spec.schedulerName}`) ?? {},
  }
}

export function offerView(offer: Offer): OfferView {
  const { metadata, spec, status } = offer
  const isOpen = isOpenOffer(offer)
  return {
    key: keyOf(offer),
    framework: `${metadata.namespace}/${spec.frameworkName}`,
    node: spec.nodeName,
    resources: resourceAmounts(spec.resources),
    isOpen,
    untilMs: Date.parse((isOpen ? undefined : status?.filterUntil) ?? spec.expirationTime),
  }
}

export function nodeView({ metadata, spec, status }: Node, used: ResourceAmounts | undefined): NodeView {
  const isReady = status?.conditions?.find((c) => c.type === 'Ready')?.status === 'True'
  const keepsOff = spec?.taints?.some(({ effect }) => effect !== 'PreferNoSchedule') ?? false
  return {
    name: metadata.name ?? '',
    labels: metadata.labels ?? {},
    isOpen: isReady && !spec?.unschedulable && !keepsOff && metadata.deletionTimestamp === undefined,
    allocatable: resourceAmounts(status?.allocatable),
    used: used ?? {},
  }
}

/** Amounts as quantities: cpu in thousandths, bytes in binary units, anything else in numbers. */
export function resourceList(amounts: ResourceAmounts): Record<string, string> {
  return Object.fromEntries(
    Object.entries(amounts)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, amount]) => {
        const isBytes = name === 'memory' || name === 'ephemeral-storage' || name.startsWith('hugepages-')
        return [
          name,
          formatQuantity(name === 'cpu' ? quantityOfMilli(amount) : quantityOfUnits(amount, isBytes ? 'BinarySI' : 'DecimalSI')),
        ]
      }),
  )
}
