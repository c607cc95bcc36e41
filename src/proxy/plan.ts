import type { Service, ServicePort } from '../kinds/generated/types/core-v1.ts'
import type { EndpointSlice } from '../kinds/generated/types/discovery-v1.ts'
import { type Candidate, candidatesOf, chooseEndpoints, type EndpointAddress } from './endpoint-choice.ts'

/** What this node is, as far as services are concerned. */
export type ProxyFacts = {
  readonly nodeName: string
  readonly zone: string | undefined
  /** IPv4 addresses that node ports answer on; 127.0.0.1 is added by itself. */
  readonly nodeAddresses: readonly string[]
  /** All pods of the cluster: who comes from here is inside. */
  readonly clusterCidr: string
  /** IPv4 ranges that addresses of services are of: the cluster's own, and those that ServiceCIDRs add. */
  readonly serviceCidrs: readonly string[]
  /** Service addresses that a process of this node answers itself (the cluster DNS): left alone. */
  readonly localServiceAddresses: readonly string[]
}

export const protocols = ['tcp', 'udp', 'sctp'] as const
export type Protocol = (typeof protocols)[number]

/** One address and port that clients call, and what becomes of a new connection to it on this node. */
export type Entry = {
  readonly address: string
  readonly protocol: Protocol
  readonly port: number
  /** `outside`: asked before `any`, and only for clients that are neither pods nor this node. */
  readonly scope: 'any' | 'outside'
  readonly target:
    | { readonly type: 'endpoints'; readonly endpoints: readonly EndpointAddress[]; readonly affinitySeconds: number | undefined }
    /** Nobody serves: refused with an ICMP error, so that clients fail at once. */
    | { readonly type: 'reject' }
    /** Others serve, this node must not: dropped, as a load balancer's health check expects. */
    | { readonly type: 'drop' }
  /** The endpoint sees this node as the client: needed where its answer would not come back this way. */
  readonly masquerade: boolean
  /** Ranges that may call it; undefined: all. */
  readonly sourceRanges: readonly string[] | undefined
}

export type ServicePlan = {
  readonly entries: readonly Entry[]
  /** The port where a load balancer asks how many endpoints are local. */
  readonly healthCheck: { readonly port: number; readonly localEndpoints: number } | undefined
}

const nothing: ServicePlan = { entries: [], healthCheck: undefined }
const notOurs = ['service.kubernetes.io/service-proxy-name', 'service.kubernetes.io/headless']
const affinitySecondsDefault = 10_800
const loopback = '127.0.0.1'

/**
 * Pure: what one service asks of this node. `slices` are the service's own. Source: Kubernetes' "Virtual IPs and Service
 * Proxies" page; which endpoints count is in endpoint-choice.ts.
 */
export function planService(service: Service, slices: readonly EndpointSlice[], facts: ProxyFacts): ServicePlan {
  const { spec } = service
  const clusterIps = (spec?.clusterIPs ?? [spec?.clusterIP ?? '']).filter(isIpv4)
  if (!spec || spec.type === 'ExternalName' || clusterIps.length === 0) return nothing
  // Somebody else implements it, or nobody shall.
  if (notOurs.some((label) => service.metadata.labels?.[label] !== undefined)) return nothing
  const hasNodePort = spec.type === 'NodePort' || spec.type === 'LoadBalancer'
  const entries: Entry[] = []
  let localEndpoints = 0
  for (const port of spec.ports ?? []) {
    const planned = planPort({ service, port, clusterIps, hasNodePort, facts, candidates: candidatesOf(slices, port) })
    entries.push(...planned.entries)
    localEndpoints = Math.max(localEndpoints, planned.localEndpoints)
  }
  const healthPort = spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local' ? spec.healthCheckNodePort : undefined
  return { entries, healthCheck: healthPort ? { port: healthPort, localEndpoints } : undefined }
}

type PortContext = {
  readonly service: Service
  readonly port: ServicePort
  readonly clusterIps: readonly string[]
  readonly hasNodePort: boolean
  readonly facts: ProxyFacts
  readonly candidates: readonly Candidate[]
}

function planPort({ service, port, clusterIps, hasNodePort, facts, candidates }: PortContext): {
  entries: Entry[]
  localEndpoints: number
} {
  const spec = service.spec!
  const choice = chooseEndpoints(candidates, facts)
  const affinitySeconds =
    spec.sessionAffinity === 'ClientIP' ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? affinitySecondsDefault) : undefined
  const target = (endpoints: readonly EndpointAddress[]): Entry['target'] => {
    if (endpoints.length > 0) return { type: 'endpoints', endpoints, affinitySeconds }
    return choice.anywhere > 0 ? { type: 'drop' } : { type: 'reject' }
  }
  const at = (address: string, number: number, rest: Omit<Entry, 'address' | 'protocol' | 'port'>): Entry => ({
    address,
    protocol: (port.protocol ?? 'TCP').toLowerCase() as Protocol,
    port: number,
    ...rest,
  })
  const internal = spec.internalTrafficPolicy === 'Local' ? choice.local : choice.cluster
  const entries = clusterIps
    .filter((address) => !facts.localServiceAddresses.includes(address))
    .map((address) => at(address, port.port, { scope: 'any', target: target(internal), masquerade: false, sourceRanges: undefined }))
  /** From inside, the external addresses of a `Local` service lead to all its endpoints; from outside to this node's. */
  const external = (address: string, number: number, sourceRanges?: readonly string[]): Entry[] =>
    spec.externalTrafficPolicy === 'Local'
      ? [
          at(address, number, { scope: 'any', target: target(choice.cluster), masquerade: false, sourceRanges }),
          at(address, number, { scope: 'outside', target: target(choice.local), masquerade: false, sourceRanges }),
        ]
      : [at(address, number, { scope: 'any', target: target(choice.cluster), masquerade: true, sourceRanges })]
  for (const address of (spec.externalIPs ?? []).filter(isIpv4)) entries.push(...external(address, port.port))
  const ranges = spec.loadBalancerSourceRanges?.map((range) => range.trim()).filter((range) => isIpv4(range.split('/')[0]!))
  for (const { ip, ipMode } of service.status?.loadBalancer?.ingress ?? []) {
    // With mode Proxy the balancer itself must see the packets, from inside as well.
    if (ip && isIpv4(ip) && ipMode !== 'Proxy') entries.push(...external(ip, port.port, ranges?.length ? ranges : undefined))
  }
  if (hasNodePort && port.nodePort) {
    for (const address of new Set([...facts.nodeAddresses.filter(isIpv4), loopback])) entries.push(...external(address, port.nodePort))
  }
  return { entries, localEndpoints: choice.local.length }
}

function isIpv4(text: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(text)
}
