import type { ServicePort } from '../kinds/generated/types/core-v1.ts'
import type { Endpoint, EndpointSlice } from '../kinds/generated/types/discovery-v1.ts'

export type EndpointAddress = { readonly address: string; readonly port: number }

export type Candidate = EndpointAddress & {
  readonly isReady: boolean
  readonly isServing: boolean
  readonly isTerminating: boolean
  readonly nodeName: string | undefined
  readonly forZones: readonly string[] | undefined
  readonly forNodes: readonly string[] | undefined
}

export type EndpointChoice = {
  /** For traffic that may go to any node. */
  readonly cluster: readonly EndpointAddress[]
  /** For traffic that must stay on this node. */
  readonly local: readonly EndpointAddress[]
  /** How many usable ones there are on all nodes: tells "nobody serves" from "not here". */
  readonly anywhere: number
}

/** Every endpoint of a service's port in its slices, each address once; not-ready is judged later. */
export function candidatesOf(slices: readonly EndpointSlice[], servicePort: ServicePort): Candidate[] {
  const found = new Map<string, Candidate>()
  for (const slice of slices) {
    if (slice.addressType !== 'IPv4') continue
    const port = slice.ports?.find(
      (candidate) =>
        (candidate.name ?? '') === (servicePort.name ?? '') && (candidate.protocol ?? 'TCP') === (servicePort.protocol ?? 'TCP'),
    )?.port
    if (port === undefined) continue
    for (const endpoint of slice.endpoints ?? []) {
      const candidate = candidateOf(endpoint, port)
      // The same address can be in two slices while one is being rewritten: the better word counts.
      if (candidate && !found.get(candidate.address)?.isReady) found.set(candidate.address, candidate)
    }
  }
  return [...found.values()].sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0))
}

/**
 * Ready endpoints serve; where there are none, those that are terminating and still serving do. The rule holds for the
 * cluster and for this node each on its own. Topology hints narrow the cluster's choice when every endpoint has them and some fit.
 */
export function chooseEndpoints(candidates: readonly Candidate[], here: { nodeName: string; zone: string | undefined }): EndpointChoice {
  const cluster = usable(candidates)
  const local = usable(candidates.filter((candidate) => candidate.nodeName === here.nodeName))
  return { cluster: closest(cluster, here).map(addressOf), local: local.map(addressOf), anywhere: cluster.length }
}

function usable(candidates: readonly Candidate[]): readonly Candidate[] {
  const ready = candidates.filter((candidate) => candidate.isReady)
  return ready.length > 0 ? ready : candidates.filter((candidate) => candidate.isServing && candidate.isTerminating)
}

function closest(candidates: readonly Candidate[], here: { nodeName: string; zone: string | undefined }): readonly Candidate[] {
  const isHinted = (key: 'forNodes' | 'forZones') => candidates.length > 0 && candidates.every((candidate) => candidate[key]?.length)
  const narrowed = (key: 'forNodes' | 'forZones', name: string | undefined) =>
    name !== undefined && isHinted(key) ? candidates.filter((candidate) => candidate[key]!.includes(name)) : []
  const sameNode = narrowed('forNodes', here.nodeName)
  if (sameNode.length > 0) return sameNode
  const sameZone = narrowed('forZones', here.zone)
  return sameZone.length > 0 ? sameZone : candidates
}

function candidateOf(endpoint: Endpoint, port: number): Candidate | undefined {
  const address = endpoint.addresses[0]
  if (address === undefined) return undefined
  const { ready, serving, terminating } = endpoint.conditions ?? {}
  const isReady = ready ?? true
  return {
    address,
    port,
    isReady,
    isServing: serving ?? isReady,
    isTerminating: terminating ?? false,
    nodeName: endpoint.nodeName,
    forZones: endpoint.hints?.forZones?.map(({ name }) => name),
    forNodes: endpoint.hints?.forNodes?.map(({ name }) => name),
  }
}

function addressOf({ address, port }: EndpointAddress): EndpointAddress {
  return { address, port }
}
