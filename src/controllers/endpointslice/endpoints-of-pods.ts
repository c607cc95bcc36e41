import { targetPortOf, canBeEndpoint, endpointHostname, podAddresses } from '../../control/service-ports.ts'
import type { Node, Pod, Service } from '../../kinds/generated/types/core-v1.ts'
import type { Endpoint, EndpointPort } from '../../kinds/generated/types/discovery-v1.ts'
import { isPodReady, isPodTerminating } from '../../kinds/pod-status.ts'
import { zoneLabel } from './zone-label.ts'

export type AddressType = 'IPv4' | 'IPv6'

/** Endpoints that share their ports, and so their slices. */
export type EndpointGroup = { readonly ports: readonly EndpointPort[]; readonly endpoints: readonly Endpoint[] }

/** What the slices of one address type should hold, by port set. A named port may mean different numbers in different pods. */
export function endpointGroups(
  service: Service,
  pods: readonly Pod[],
  nodeOf: (name: string) => Node | undefined,
  addressType: AddressType,
): ReadonlyMap<string, EndpointGroup> {
  const groups = new Map<string, { ports: EndpointPort[]; endpoints: Endpoint[] }>()
  for (const pod of pods) {
    const addresses = canBeEndpoint(pod) ? podAddresses(pod).filter((address) => address.includes(':') === (addressType === 'IPv6')) : []
    if (addresses.length === 0) continue
    // A pod that lacks the named ports is an endpoint without ports.
    const ports = portsOf(service, pod)
    const key = portsKey(ports)
    let group = groups.get(key)
    if (!group) groups.set(key, (group = { ports, endpoints: [] }))
    group.endpoints.push(endpointOf(service, pod, addresses.slice(0, 1), nodeOf))
  }
  return groups
}

export function portsKey(ports: readonly EndpointPort[]): string {
  return ports
    .map(({ name = '', protocol = 'TCP', port = 0, appProtocol = '' }) => `${name}/${protocol}/${port}/${appProtocol}`)
    .sort()
    .join()
}

function portsOf(service: Service, pod: Pod): EndpointPort[] {
  return (service.spec?.ports ?? []).flatMap((port) => {
    const number = targetPortOf(pod, port)
    if (number === undefined) return []
    return [
      {
        name: port.name ?? '',
        protocol: port.protocol ?? 'TCP',
        port: number,
        ...(port.appProtocol ? { appProtocol: port.appProtocol } : {}),
      },
    ]
  })
}

function endpointOf(service: Service, pod: Pod, addresses: readonly string[], nodeOf: (name: string) => Node | undefined): Endpoint {
  const serving = isPodReady(pod)
  const terminating = isPodTerminating(pod)
  const ready = service.spec?.publishNotReadyAddresses === true || (serving && !terminating)
  const nodeName = pod.spec?.nodeName ?? ''
  const zone = nodeName ? nodeOf(nodeName)?.metadata.labels?.[zoneLabel] : undefined
  const hostname = endpointHostname(pod, service)
  const { namespace = '', name = '', uid = '' } = pod.metadata
  return {
    addresses: [...addresses],
    conditions: { ready, serving, terminating },
    ...(hostname ? { hostname } : {}),
    ...(nodeName ? { nodeName } : {}),
    ...(zone ? { zone } : {}),
    targetRef: { kind: 'Pod', namespace, name, uid },
    ...hintsOf(service, ready, nodeName, zone),
  }
}

/** trafficDistribution: whom an endpoint is meant for. Only ready endpoints carry hints. */
function hintsOf(service: Service, ready: boolean, nodeName: string, zone: string | undefined): Pick<Endpoint, 'hints'> {
  const distribution = service.spec?.trafficDistribution
  if (!distribution || !ready) return {}
  if (distribution === 'PreferSameNode')
    return nodeName ? { hints: { ...(zone ? { forZones: [{ name: zone }] } : {}), forNodes: [{ name: nodeName }] } } : {}
  return zone ? { hints: { forZones: [{ name: zone }] } } : {}
}
