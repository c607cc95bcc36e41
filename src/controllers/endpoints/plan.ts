import { canBeEndpoint, endpointHostname, podAddresses, targetPortOf } from '../../control/service-ports.ts'
import { withTriggerTime } from '../../control/trigger-times.ts'
import type { EndpointAddress, EndpointPort, Endpoints, EndpointSubset, Pod, Service } from '../../kinds/generated/types/core-v1.ts'
import { isPodReady, isPodTerminating } from '../../kinds/pod-status.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'

export const managedByLabel = 'endpoints.kubernetes.io/managed-by'
const headlessLabel = 'service.kubernetes.io/headless'
const overCapacityAnnotation = 'endpoints.kubernetes.io/over-capacity'
const addressesMax = 1_000

export type Observed = {
  readonly service: Service
  readonly pods: readonly Pod[]
  readonly existing: Endpoints | undefined
  /** See TriggerTimes. A reason to write it is only another one. */
  readonly triggerTime?: string | undefined
}

/** The Endpoints of a service with a selector, for clients that do not read slices; undefined: what is stored is right. */
export function planEndpoints({ service, pods, existing, triggerTime }: Observed): Endpoints | undefined {
  const { subsets, isTruncated } = subsetsOf(service, pods)
  const { [headlessLabel]: _, ...own } = service.metadata.labels ?? {}
  const labels = { ...own, ...(service.spec?.clusterIP === 'None' ? { [headlessLabel]: '' } : {}), [managedByLabel]: 'endpoint-controller' }
  const { annotations: current = {}, ...metadata } = existing?.metadata ?? {}
  const { [overCapacityAnnotation]: __, ...kept } = current
  const annotations = { ...kept, ...(isTruncated ? { [overCapacityAnnotation]: 'truncated' } : {}) }
  const isRight =
    existing &&
    deepEqual(existing.subsets ?? [], subsets) &&
    deepEqual(existing.metadata.labels ?? {}, labels) &&
    deepEqual(current, annotations)
  if (isRight) return undefined
  const { name = '', namespace = '' } = service.metadata
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { ...metadata, name, namespace, labels, ...withTriggerTime(annotations, triggerTime) },
    subsets,
  }
}

function subsetsOf(service: Service, pods: readonly Pod[]): { subsets: EndpointSubset[]; isTruncated: boolean } {
  const takesUnready = service.spec?.publishNotReadyAddresses === true
  const byPort = new Map<string, PortAddresses>()
  let count = 0
  let isTruncated = false
  const candidates = pods.filter((pod) => canBeEndpoint(pod) && (takesUnready || !isPodTerminating(pod)))
  const sorted = candidates.map((pod) => ({ pod, address: podAddresses(pod)[0] ?? '' })).sort((a, b) => (a.address < b.address ? -1 : 1))
  for (const { pod } of sorted) {
    const ports = portsOf(service, pod)
    if (ports.length === 0 && (service.spec?.ports ?? []).length > 0) continue
    if (count >= addressesMax) {
      isTruncated = true
      break
    }
    count++
    const address = addressOf(service, pod)
    for (const port of ports.length > 0 ? ports : [undefined]) {
      const key = JSON.stringify(port ?? null)
      const group = byPort.get(key) ?? { port, ready: [], notReady: [] }
      byPort.set(key, group)
      if (takesUnready || isPodReady(pod)) group.ready.push(address)
      else group.notReady.push(address)
    }
  }
  return { subsets: packed([...byPort.values()]), isTruncated }
}

type PortAddresses = { readonly port: EndpointPort | undefined; readonly ready: EndpointAddress[]; readonly notReady: EndpointAddress[] }

/** Ports that the same addresses answer on stand together. */
function packed(all: readonly PortAddresses[]): EndpointSubset[] {
  const groups = new Map<string, { readonly ports: EndpointPort[]; readonly of: PortAddresses }>()
  for (const one of all) {
    const key = JSON.stringify([one.ready, one.notReady])
    const group = groups.get(key) ?? { ports: [], of: one }
    groups.set(key, group)
    if (one.port) group.ports.push(one.port)
  }
  const subsets = [...groups.values()].map(
    ({ ports, of: { ready, notReady } }): EndpointSubset => ({
      ...(ready.length > 0 ? { addresses: ready } : {}),
      ...(notReady.length > 0 ? { notReadyAddresses: notReady } : {}),
      ...(ports.length > 0 ? { ports } : {}),
    }),
  )
  const order = ({ ports }: EndpointSubset) => JSON.stringify(ports ?? [])
  return subsets.sort((a, b) => (order(a) < order(b) ? -1 : 1))
}

function portsOf(service: Service, pod: Pod): EndpointPort[] {
  return (service.spec?.ports ?? []).flatMap((port) => {
    const number = targetPortOf(pod, port)
    if (number === undefined) return []
    const appProtocol = port.appProtocol ? { appProtocol: port.appProtocol } : {}
    return [{ ...(port.name ? { name: port.name } : {}), port: number, protocol: port.protocol ?? 'TCP', ...appProtocol }]
  })
}

function addressOf(service: Service, pod: Pod): EndpointAddress {
  const { namespace = '', name = '', uid = '' } = pod.metadata
  const isIpv6 = (service.spec?.ipFamilies?.[0] ?? 'IPv4') === 'IPv6'
  const addresses = podAddresses(pod)
  const ip = addresses.find((address) => address.includes(':') === isIpv6) ?? addresses[0] ?? ''
  const hostname = endpointHostname(pod, service)
  return {
    ip,
    ...(hostname ? { hostname } : {}),
    ...(pod.spec?.nodeName ? { nodeName: pod.spec.nodeName } : {}),
    targetRef: { kind: 'Pod', namespace, name, uid },
  }
}
