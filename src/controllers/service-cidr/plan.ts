import { toTime } from '../../base/clock.ts'
import { isWithin } from '../../kinds/addresses.ts'
import type { IPAddress, ServiceCIDR } from '../../kinds/generated/types/networking-v1.ts'
import { isServiceAddress, serviceCidrFinalizer } from '../../kinds/networking/service-addresses.ts'

export type Plan =
  | { readonly type: 'none' }
  /** Look again: a server may still give addresses of it away. */
  | { readonly type: 'wait'; readonly requeueAfterMs: number }
  | { readonly type: 'finalizers'; readonly finalizers: readonly string[] }
  | { readonly type: 'status'; readonly status: NonNullable<ServiceCIDR['status']> }

/** After the deletion of a range servers may need so long to stop giving addresses of it away. */
const deletionGraceMs = 10_000

/** The next step of a range for services (https://kubernetes.io/docs/reference/networking/virtual-ips/#ip-address-objects). */
export function planServiceCidr(
  {
    range,
    ranges,
    addresses,
  }: { readonly range: ServiceCIDR; readonly ranges: readonly ServiceCIDR[]; readonly addresses: readonly IPAddress[] },
  nowMs: number,
): Plan {
  const { finalizers = [], deletionTimestamp } = range.metadata
  const isProtected = finalizers.includes(serviceCidrFinalizer)
  if (!deletionTimestamp) {
    if (!isProtected) return { type: 'finalizers', finalizers: [...finalizers, serviceCidrFinalizer] }
    return withReady(range, { status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready' }, nowMs)
  }
  if (!isProtected) return { type: 'none' }
  if (!isDispensable(range, ranges, addresses)) {
    const message = 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR'
    return withReady(range, { status: 'False', reason: 'Terminating', message }, nowMs)
  }
  const requeueAfterMs = Date.parse(deletionTimestamp) + deletionGraceMs - nowMs
  if (requeueAfterMs > 0) return { type: 'wait', requeueAfterMs }
  return { type: 'finalizers', finalizers: finalizers.filter((name) => name !== serviceCidrFinalizer) }
}

/** No address would be left without a range that it is of. */
function isDispensable(range: ServiceCIDR, ranges: readonly ServiceCIDR[], addresses: readonly IPAddress[]): boolean {
  const others = ranges.filter(({ metadata }) => metadata.name !== range.metadata.name).flatMap(({ spec }) => spec?.cidrs ?? [])
  const own = range.spec?.cidrs ?? []
  if (own.every((cidr) => others.some((other) => isWithin(cidr, other)))) return true
  const isIn = (cidrs: readonly string[], { metadata }: IPAddress) => cidrs.some((cidr) => isWithin(metadata.name ?? '', cidr))
  return !addresses.some((address) => isServiceAddress(address) && isIn(own, address) && !isIn(others, address))
}

function withReady(
  { status }: ServiceCIDR,
  ready: { readonly status: 'True' | 'False'; readonly reason: string; readonly message: string },
  nowMs: number,
): Plan {
  const old = status?.conditions?.find(({ type }) => type === 'Ready')
  // The first range of a cluster is made ready in words of its own.
  if (old?.status === ready.status && old.reason === ready.reason) return { type: 'none' }
  const lastTransitionTime = old?.status === ready.status ? old.lastTransitionTime : toTime(nowMs)
  const others = (status?.conditions ?? []).filter(({ type }) => type !== 'Ready')
  return { type: 'status', status: { ...status, conditions: [...others, { type: 'Ready', ...ready, lastTransitionTime }] } }
}
