/**
 * The cluster zone (the Kubernetes DNS-based service discovery specification, schema 1.1.0) as pure look-ups over services and
 * their endpoint slices. Names are lower-case and without the final dot.
 */
import type { Service } from '../kinds/generated/types/core-v1.ts'
import type { Endpoint, EndpointSlice } from '../kinds/generated/types/discovery-v1.ts'

/** What the server can see; read from informers, never copied. */
export type ClusterView = {
  service(namespace: string, name: string): Service | undefined
  slices(namespace: string, service: string): readonly EndpointSlice[]
  hasNamespace(name: string): boolean
  /** The service that owns a cluster IP. */
  serviceByAddress(address: string): Service | undefined
  /** The slices that list an endpoint address. */
  slicesByAddress(address: string): readonly EndpointSlice[]
}

export type RecordType = 'A' | 'AAAA' | 'SRV' | 'CNAME' | 'PTR' | 'TXT' | 'SOA' | 'NS'

export type ZoneRecord =
  | { readonly type: 'A' | 'CNAME' | 'PTR' | 'TXT' | 'NS'; readonly name: string; readonly data: string }
  | { readonly type: 'SRV'; readonly name: string; readonly target: string; readonly port: number }

export type ZoneAnswer =
  /** Records exist; `additional` carries the addresses of SRV targets. An empty list: the name exists, but not with this type. */
  | { readonly type: 'found'; readonly records: readonly ZoneRecord[]; readonly additional: readonly ZoneRecord[] }
  | { readonly type: 'no-such-name' }
  /** The name does not belong to the cluster. */
  | { readonly type: 'elsewhere' }

const found = (records: readonly ZoneRecord[], additional: readonly ZoneRecord[] = []): ZoneAnswer => ({
  type: 'found',
  records,
  additional,
})
const noSuchName: ZoneAnswer = { type: 'no-such-name' }

export function lookUp(question: { readonly name: string; readonly type: string }, view: ClusterView, zone: string): ZoneAnswer {
  const name = question.name.toLowerCase().replace(/\.$/, '')
  const type = question.type as RecordType
  if (name.endsWith('.in-addr.arpa')) return reverse(name, type, view, zone)
  if (name !== zone && !name.endsWith(`.${zone}`)) return { type: 'elsewhere' }
  if (name === zone) return type === 'NS' ? found([{ type: 'NS', name, data: `ns.dns.${zone}` }]) : found([])
  const labels = name.slice(0, -(zone.length + 1)).split('.')
  if (name === `dns-version.${zone}`) return found(type === 'TXT' ? [{ type: 'TXT', name, data: '1.1.0' }] : [])
  const kind = labels.at(-1)
  if (kind === 'svc') return serviceAnswer(labels.slice(0, -1), name, type, view, zone)
  if (kind === 'pod') return podAnswer(labels.slice(0, -1), name, type, view)
  return noSuchName
}

/** `[…prefix, service, namespace]` below `svc`. */
function serviceAnswer(labels: readonly string[], name: string, type: RecordType, view: ClusterView, zone: string): ZoneAnswer {
  const namespace = labels.at(-1)
  if (namespace === undefined) return found([])
  // An empty non-terminal: names exist below it, so it must not be denied.
  if (labels.length === 1) return view.hasNamespace(namespace) ? found([]) : noSuchName
  const service = view.service(namespace, labels.at(-2)!)
  if (!service) return noSuchName
  const prefix = labels.slice(0, -2)
  const base = `${service.metadata.name}.${namespace}.svc.${zone}`
  if (service.spec?.type === 'ExternalName') {
    if (prefix.length > 0) return noSuchName
    return found([{ type: 'CNAME', name, data: (service.spec.externalName ?? '').replace(/\.$/, '') }])
  }
  if (prefix.length === 2 && prefix[0]!.startsWith('_') && prefix[1]!.startsWith('_'))
    return portAnswer({ service, base, name, type, port: prefix[0]!.slice(1), protocol: prefix[1]!.slice(1) }, view)
  if (prefix.length === 1 && isHeadless(service)) return endpointAnswer(service, prefix[0]!, name, type, view)
  if (prefix.length > 0) return noSuchName
  const addresses = isHeadless(service)
    ? unique(endpointsOf(service, view).flatMap((e) => e.endpoint.addresses))
    : clusterAddresses(service)
  if (type === 'SRV') return allPortsAnswer(service, base, name, view)
  // A headless service without an endpoint that may be shown does not resolve, as if it were not there.
  if (isHeadless(service) && addresses.length === 0) return noSuchName
  return found(type === 'A' ? addresses.filter(isIpv4).map((data) => ({ type: 'A', name, data })) : [])
}

function endpointAnswer(service: Service, hostname: string, name: string, type: RecordType, view: ClusterView): ZoneAnswer {
  const mine = endpointsOf(service, view).filter((e) => hostnameOf(e.endpoint) === hostname)
  if (mine.length === 0) return noSuchName
  return found(
    type === 'A'
      ? unique(mine.flatMap((e) => e.endpoint.addresses))
          .filter(isIpv4)
          .map((data) => ({ type: 'A', name, data }))
      : [],
  )
}

type PortQuestion = {
  readonly service: Service
  readonly base: string
  readonly name: string
  readonly type: RecordType
  readonly port: string
  readonly protocol: string
}

function portAnswer(question: PortQuestion, view: ClusterView): ZoneAnswer {
  const targets = portTargets(question.service, question.base, view).filter(
    (t) => t.portName === question.port && t.protocol.toLowerCase() === question.protocol,
  )
  if (targets.length === 0) return noSuchName
  return question.type === 'SRV' ? serviceRecords(question.name, targets) : found([])
}

function allPortsAnswer(service: Service, base: string, name: string, view: ClusterView): ZoneAnswer {
  return serviceRecords(name, portTargets(service, base, view))
}

type PortTarget = {
  readonly portName: string
  readonly protocol: string
  readonly port: number
  readonly target: string
  readonly addresses: readonly string[]
}

function serviceRecords(name: string, targets: readonly PortTarget[]): ZoneAnswer {
  const additional = new Map<string, ZoneRecord>()
  for (const t of targets)
    for (const data of t.addresses.filter(isIpv4)) additional.set(`${t.target} ${data}`, { type: 'A', name: t.target, data })
  return found(
    targets.map((t) => ({ type: 'SRV', name, target: t.target, port: t.port })),
    [...additional.values()],
  )
}

function portTargets(service: Service, base: string, view: ClusterView): PortTarget[] {
  if (!isHeadless(service)) {
    const addresses = clusterAddresses(service)
    return (service.spec?.ports ?? []).map((p) => ({
      portName: p.name ?? '',
      protocol: p.protocol ?? 'TCP',
      port: p.port,
      target: base,
      addresses,
    }))
  }
  return endpointsOf(service, view).flatMap(({ slice, endpoint }) =>
    (slice.ports ?? [])
      .filter((p) => p.port !== undefined)
      .map((p) => ({
        portName: p.name ?? '',
        protocol: p.protocol ?? 'TCP',
        port: p.port!,
        target: `${hostnameOf(endpoint)}.${base}`,
        addresses: endpoint.addresses,
      })),
  )
}

/** `10-244-0-5.namespace.pod`: the address is in the name itself; only its namespace must exist. */
function podAnswer(labels: readonly string[], name: string, type: RecordType, view: ClusterView): ZoneAnswer {
  if (labels.length === 0) return found([])
  const namespace = labels.at(-1)!
  if (!view.hasNamespace(namespace)) return noSuchName
  if (labels.length === 1) return found([])
  const address = labels[0]!.replaceAll('-', '.')
  if (labels.length > 2 || !isIpv4(address)) return noSuchName
  return found(type === 'A' ? [{ type: 'A', name, data: address }] : [])
}

function reverse(name: string, type: RecordType, view: ClusterView, zone: string): ZoneAnswer {
  const address = name.slice(0, -'.in-addr.arpa'.length).split('.').reverse().join('.')
  const service = view.serviceByAddress(address)
  const names = service
    ? [`${service.metadata.name}.${service.metadata.namespace}.svc.${zone}`]
    : view.slicesByAddress(address).flatMap((slice) => {
        const owner = slice.metadata.labels?.['kubernetes.io/service-name']
        const endpoint = slice.endpoints?.find((e) => e.addresses.includes(address))
        const headless = owner && view.service(slice.metadata.namespace ?? '', owner)
        if (!owner || !endpoint || !headless || !isHeadless(headless)) return []
        return [`${hostnameOf(endpoint)}.${owner}.${slice.metadata.namespace}.svc.${zone}`]
      })
  if (names.length === 0) return { type: 'elsewhere' }
  return found(type === 'PTR' ? unique(names).map((data) => ({ type: 'PTR', name, data })) : [])
}

function endpointsOf(service: Service, view: ClusterView): { slice: EndpointSlice; endpoint: Endpoint }[] {
  const showsUnready = service.spec?.publishNotReadyAddresses === true
  return view
    .slices(service.metadata.namespace ?? '', service.metadata.name ?? '')
    .flatMap((slice) => (slice.endpoints ?? []).map((endpoint) => ({ slice, endpoint })))
    .filter(({ endpoint }) => showsUnready || endpoint.conditions?.ready !== false)
}

const isHeadless = (service: Service) => service.spec?.clusterIP === 'None'
const clusterAddresses = (service: Service) => service.spec?.clusterIPs ?? (service.spec?.clusterIP ? [service.spec.clusterIP] : [])
const hostnameOf = (endpoint: Endpoint) => endpoint.hostname ?? (endpoint.addresses[0] ?? '').replaceAll('.', '-')
const isIpv4 = (address: string) => /^(\d{1,3}\.){3}\d{1,3}$/.test(address) && address.split('.').every((n) => Number(n) <= 255)
const unique = <T>(values: readonly T[]): T[] => [...new Set(values)]
