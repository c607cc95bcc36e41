/**
 * Endpoints that people write for services without a selector are mirrored into slices, for those who read only slices.
 * (Endpoints, its mirrored slices) → writes; what is right is not written. https://kubernetes.io/docs/concepts/services-networking/service/#endpointslice-mirroring
 */
import { triggerTimeAnnotation } from '../../control/trigger-times.ts'
import type { EndpointAddress, Endpoints, Service } from '../../kinds/generated/types/core-v1.ts'
import type { Endpoint, EndpointPort, EndpointSlice } from '../../kinds/generated/types/discovery-v1.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'

export const serviceNameLabel = 'kubernetes.io/service-name'
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by'
export const manager = 'endpointslicemirroring-controller.k8s.io'
/** On Endpoints: `true` keeps them from being mirrored. */
export const skipMirrorLabel = 'endpointslice.kubernetes.io/skip-mirror'
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader'
const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration'
const defaultPerSubsetMax = 1_000

export type Action = { readonly type: 'create' | 'update' | 'delete'; readonly slice: EndpointSlice }

export type MirrorPlan = {
  readonly actions: readonly Action[]
  /** Of addresses that are not mirrored. */
  readonly events: readonly { readonly type: 'Warning'; readonly reason: string; readonly message: string }[]
}

export function shouldMirror(endpoints: Endpoints | undefined, service: Service | undefined): endpoints is Endpoints {
  const { labels = {}, annotations = {} } = endpoints?.metadata ?? {}
  if (!endpoints || !service || labels[skipMirrorLabel] === 'true' || annotations[leaderAnnotation] !== undefined) return false
  return Object.keys(service.spec?.selector ?? {}).length === 0
}

/** `endpoints` undefined: nothing is to be mirrored any more. */
export function planMirror(
  endpoints: Endpoints | undefined,
  slices: readonly EndpointSlice[],
  perSubsetMax = defaultPerSubsetMax,
): MirrorPlan {
  const { slices: wanted, events } = endpoints ? wantedSlices(endpoints, perSubsetMax) : { slices: [], events: [] }
  const left = [...slices]
  const actions: Action[] = []
  for (const slice of wanted) {
    const isMatch = (other: EndpointSlice) => other.addressType === slice.addressType && deepEqual(other.ports ?? [], slice.ports ?? [])
    const index = left.findIndex(isMatch)
    const [existing] = index < 0 ? [] : left.splice(index, 1)
    if (!existing) actions.push({ type: 'create', slice })
    else if (!isSame(existing, slice)) {
      const { annotations: _, ...metadata } = existing.metadata
      const { labels = {}, annotations } = slice.metadata
      actions.push({
        type: 'update',
        slice: {
          ...existing,
          metadata: { ...metadata, labels, ...(annotations ? { annotations } : {}) },
          endpoints: slice.endpoints ?? [],
        },
      })
    }
  }
  return { actions: [...actions, ...left.map((slice): Action => ({ type: 'delete', slice }))], events }
}

function isSame(existing: EndpointSlice, wanted: EndpointSlice): boolean {
  return (
    deepEqual(existing.endpoints ?? [], wanted.endpoints) &&
    deepEqual(existing.metadata.labels, wanted.metadata.labels) &&
    deepEqual(existing.metadata.annotations ?? {}, wanted.metadata.annotations ?? {})
  )
}

type Group = { readonly addressType: 'IPv4' | 'IPv6'; readonly ports: readonly EndpointPort[]; readonly endpoints: Endpoint[] }

/** One slice for all addresses of one family that have the same ports. */
function wantedSlices(endpoints: Endpoints, perSubsetMax: number): { slices: EndpointSlice[]; events: MirrorPlan['events'] } {
  const groups = new Map<string, Group>()
  let skipped = 0
  for (const { ports, addresses } of repacked(endpoints)) {
    skipped += Math.max(0, addresses.length - perSubsetMax)
    for (const { address, ready } of addresses.slice(0, perSubsetMax)) {
      const addressType = address.ip.includes(':') ? 'IPv6' : 'IPv4'
      const key = `${addressType} ${JSON.stringify(ports)}`
      let group = groups.get(key)
      if (!group) groups.set(key, (group = { addressType, ports, endpoints: [] }))
      group.endpoints.push(endpointOf(address, ready))
    }
  }
  const message = `A max of ${perSubsetMax} addresses can be mirrored to EndpointSlices per Endpoints subset. ${skipped} addresses were skipped`
  return {
    slices: [...groups.values()].map(({ addressType, ports, endpoints: all }) => newSlice(endpoints, addressType, ports, all)),
    events: skipped > 0 ? [{ type: 'Warning', reason: 'TooManyAddressesToMirror', message }] : [],
  }
}

type Subset = {
  readonly ports: readonly EndpointPort[]
  readonly addresses: { readonly address: EndpointAddress; readonly ready: boolean }[]
}

/** Subsets with the same ports are one; of each the ready addresses come first. */
function repacked({ subsets = [] }: Endpoints): readonly Subset[] {
  const byPorts = new Map<string, Subset>()
  for (const isReady of [true, false])
    for (const subset of subsets) {
      const ports = (subset.ports ?? []).map(({ name = '', protocol = 'TCP', port, appProtocol }) => ({
        name,
        protocol,
        port,
        ...(appProtocol ? { appProtocol } : {}),
      }))
      const key = JSON.stringify(ports)
      const known = byPorts.get(key) ?? { ports, addresses: [] }
      byPorts.set(key, known)
      const addresses = (isReady ? subset.addresses : subset.notReadyAddresses) ?? []
      known.addresses.push(...addresses.map((address) => ({ address, ready: isReady })))
    }
  return [...byPorts.values()]
}

function endpointOf(address: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [address.ip],
    conditions: { ready },
    ...(address.hostname ? { hostname: address.hostname } : {}),
    ...(address.nodeName ? { nodeName: address.nodeName } : {}),
    ...(address.targetRef ? { targetRef: address.targetRef } : {}),
  }
}

function newSlice(owner: Endpoints, addressType: 'IPv4' | 'IPv6', ports: readonly EndpointPort[], endpoints: Endpoint[]): EndpointSlice {
  const { name = '', namespace = '', uid = '', labels } = owner.metadata
  const { [triggerTimeAnnotation]: _, [lastAppliedAnnotation]: __, ...annotations } = owner.metadata.annotations ?? {}
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      generateName: `${name.slice(0, 246)}-`,
      namespace,
      labels: { ...labels, [serviceNameLabel]: name, [managedByLabel]: manager },
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
      ownerReferences: [{ apiVersion: 'v1', kind: 'Endpoints', name, uid, controller: true, blockOwnerDeletion: true }],
    },
    addressType,
    ports: [...ports],
    endpoints,
  }
}
