import { isWithin } from '../../kinds/addresses.ts'
import type { Service } from '../../kinds/generated/types/core-v1.ts'
import type { IPAddress, ServiceCIDR } from '../../kinds/generated/types/networking-v1.ts'

export type Step =
  | { readonly type: 'none' }
  /** The service holds it and nobody says so. */
  | { readonly type: 'create'; readonly service: Service; readonly message: string }
  /** Nobody holds it, or not whom it names. */
  | { readonly type: 'remove'; readonly reason: string; readonly message: string }
  | { readonly type: 'tell'; readonly service: Service; readonly reason: string; readonly message: string }

/** What is to be put right about one address, in upstream's words. Services and address objects change in one commit: only hands from outside part them. */
export function planAddress(observed: {
  readonly address: string
  /** Undefined: there is none. Those of other managers are not this controller's. */
  readonly object: IPAddress | undefined
  /** The services that hold the address, the oldest first. */
  readonly holders: readonly Service[]
  readonly ranges: readonly ServiceCIDR[]
}): Step {
  const { address, object, holders, ranges } = observed
  const [holder, ...others] = holders
  const family = address.includes(':') ? 'IPv6' : 'IPv4'
  const parent = object?.spec?.parentRef
  const owner = `${parent?.namespace}/${parent?.name}`
  if (object) {
    const isNamed = ({ metadata }: Service) =>
      parent?.resource === 'services' && parent.namespace === metadata.namespace && parent.name === metadata.name
    if (!holder)
      return {
        type: 'remove',
        reason: 'IPAddressNotAllocated',
        message: `IPAddress: ${address} for Service ${owner} appears to have leaked: cleaning up`,
      }
    if (!holders.some(isNamed)) {
      const message = `IPAddress: ${address} for Service ${holder.metadata.namespace}/${holder.metadata.name} has a wrong reference; cleaning up`
      return { type: 'remove', reason: 'IPAddressWrongReference', message }
    }
    const second = others.find((service) => !isNamed(service))
    if (second) {
      const message = `Cluster IP [${family}]:${address} was assigned to multiple services; please recreate service`
      return { type: 'tell', service: second, reason: 'ClusterIPAlreadyAllocated', message }
    }
    return { type: 'none' }
  }
  if (!holder) return { type: 'none' }
  if (!ranges.some(({ spec }) => spec?.cidrs?.some((cidr) => isWithin(address, cidr)))) {
    const message = `Cluster IP [${family}]: ${address} is not within any configured Service CIDR; please recreate service`
    return { type: 'tell', service: holder, reason: 'ClusterIPOutOfRange', message }
  }
  return { type: 'create', service: holder, message: `Cluster IP [${family}]: ${address} is not allocated; repairing` }
}
