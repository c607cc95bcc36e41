import type { Container, EphemeralContainer, Pod, ResourceFieldSelector } from '../../kinds/generated/types/core-v1.ts'
import { parseQuantity } from '../../machinery/quantity.ts'

/** What the node offers where a container has no limit of its own. */
export type NodeResources = Readonly<Record<string, string | number>>

/** What the node offers a pod's containers: no more of cpu and memory than the pod as a whole may use. */
export function offeredTo({ spec }: Pod, node: NodeResources): NodeResources {
  const { limits } = spec?.resources ?? {}
  const names = (['cpu', 'memory'] as const).filter((name) => node[name] !== undefined && limits?.[name] !== undefined)
  return names.length === 0 ? node : { ...node, ...Object.fromEntries(names.map((name) => [name, limits![name]!])) }
}

/**
 * The text of a `resourceFieldRef`: requests or limits of a container over the divisor, rounded up. A missing limit stands for the
 * node's allocatable, a missing request for nothing. Throws an Error for a resource that is not offered.
 */
export function resourceField(selector: ResourceFieldSelector, container: Container | EphemeralContainer, node: NodeResources): string {
  const match = /^(limits|requests)\.(cpu|memory|ephemeral-storage|hugepages-.+)$/.exec(selector.resource)
  if (!match) throw new Error(`unsupported container resource : ${selector.resource}`)
  const [, list, name = ''] = match
  const own = container.resources?.[list as 'limits' | 'requests']?.[name]
  const limit = list === 'requests' ? container.resources?.limits?.[name] : undefined
  const quantity = own ?? (list === 'limits' ? node[name] : limit) ?? 0
  const divisor = selector.divisor === undefined || parseQuantity(selector.divisor).nano === 0n ? '1' : selector.divisor
  return String(divideUp(parseQuantity(quantity).nano, parseQuantity(divisor).nano))
}

function divideUp(a: bigint, b: bigint): bigint {
  return (a + b - 1n) / b
}
