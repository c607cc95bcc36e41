import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import { services } from '../../kinds/core/service.ts'
import { ipAddresses } from '../../kinds/networking/ip-address.ts'
import type { Service, ServiceSpec } from '../../kinds/generated/types/core-v1.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import type { Operation } from '../../store/contract.ts'
import type { ObjectReader } from '../object-reader.ts'
import type { ObjectStorage } from '../object-storage.ts'
import { type Allocation, noAllocation, type WriteHook } from '../write-hooks.ts'
import type { Registry } from '../registry.ts'
import { parseIpv4 } from './ip-range.ts'
import { claimHeld, ClaimedNumbers, type Claims, createClaims, type Numbers } from './claimed-numbers.ts'
import { NumberAllocator, staticShare } from './number-allocator.ts'
import { createServiceAddresses, type ServiceAddresses } from './service-addresses.ts'

export const nodePortMin = 30_000
export const nodePortMax = 32_767

/**
 * Cluster IPs and node ports of Services (https://kubernetes.io/docs/concepts/services-networking/service/). A write takes first, and gives
 * back what it took when it fails, what its update let go when it succeeds, and all when the Service is gone. Addresses are claimed by
 * IPAddress objects in the Service's own commit; so are node ports where several servers write to one store. Of one server they
 * are kept in memory and rebuilt from the stored Services at start.
 */
export async function serviceAllocation(parts: {
  readonly reader: ObjectReader
  readonly storage: ObjectStorage
  readonly registry: Registry
  readonly random: Random
  readonly clock: Clock
  /** Other servers write to the same store: node ports are claimed there too. */
  readonly isShared: boolean
}): Promise<WriteHook> {
  const { reader, storage, random, clock, isShared } = parts
  const resource = parts.registry.find(ipAddresses.group, ipAddresses.version, ipAddresses.plural)!
  const addresses = createServiceAddresses({ reader, storage, resource, random, clock })
  const portCount = nodePortMax - nodePortMin + 1
  const portOptions = { size: portCount, staticSize: staticShare(portCount, { min: 16, max: 128, step: 32 }) }
  const portClaims = isShared ? createClaims(storage.cache, '/registry/ranges/servicenodeports/') : undefined
  const ports: Numbers = portClaims ? new ClaimedNumbers({ ...portOptions, claims: portClaims }) : new NumberAllocator(portOptions)
  const book: Book = { addresses, ports, random, portClaims }
  const stored = reader.list<Service>(services, '')
  await claimHeld(
    storage.store,
    stored.flatMap((service) => unclaimed(book, service)),
  )
  if (!portClaims) for (const service of stored) for (const port of portsOf(service)) ports.take(port - nodePortMin)
  return {
    claimsOf: (object) => claimsFor(book, undefined, object as Service),
    handles: ({ kind }) => kind.group === '' && kind.kind === 'Service',
    allocate: ({ object, old, dryRun }) =>
      allocate(book, { object: object as KubeObject & Service, old: old as Service | undefined, dryRun }),
    deleted: (object) => {
      if (!portClaims) for (const port of portsOf(object as Service)) ports.free(port - nodePortMin)
    },
  }
}

type Book = {
  readonly addresses: ServiceAddresses
  readonly ports: Numbers
  readonly random: Random
  readonly portClaims: Claims | undefined
}

/** Claims for what a stored Service holds and nobody has claimed: from before there were claims. */
function unclaimed({ addresses, portClaims }: Book, service: Service): Operation[] {
  const ports = portClaims ? portsOf(service).map((port) => port - nodePortMin) : []
  return [
    ...addressesOf(service)
      .filter((address) => !addresses.isClaimed(address))
      .map((address) => addresses.claim(address, holderOf(service))),
    ...[...new Set(ports)].filter((port) => !portClaims!.isClaimed(port)).map((port) => portClaims!.claim(port)),
  ]
}

/** The claims that turn what `old` holds into what `object` holds; without `object` the Service goes. */
function claimsFor({ addresses, portClaims }: Book, object: Service | undefined, old: Service | undefined): Operation[] {
  const change = <T>(of: (service: Service) => readonly T[]) => {
    const before = new Set(old ? of(old) : [])
    const after = new Set(object ? of(object) : [])
    return { taken: [...after].filter((one) => !before.has(one)), left: [...before].filter((one) => !after.has(one)) }
  }
  const address = change(addressesOf)
  // One port number may serve several protocols of a Service: it is claimed once.
  const port = portClaims ? change(portsOf) : { taken: [], left: [] }
  const holder = holderOf((object ?? old)!)
  return [
    ...address.taken.map((one) => addresses.claim(one, holder)),
    ...address.left.flatMap((one) => addresses.unclaim(one, holder)),
    ...port.taken.map((one) => portClaims!.claim(one - nodePortMin)),
    ...port.left.flatMap((one) => portClaims!.unclaim(one - nodePortMin)),
  ]
}

const holderOf = ({ metadata }: Service) => ({ namespace: metadata.namespace ?? '', name: metadata.name ?? '' })

type Taken = { readonly addresses: string[]; readonly ports: number[] }

function allocate(
  book: Book,
  { object, old, dryRun }: { object: KubeObject & Service; old: Service | undefined; dryRun: boolean },
): Allocation {
  const { spec } = object
  if (!spec) return noAllocation
  const taken: Taken = { addresses: [], ports: [] }
  const drawn = notGiven(spec)
  const free = () => {
    for (const address of taken.addresses) book.addresses.free(address)
    for (const port of taken.ports) book.ports.free(port - nodePortMin)
  }
  try {
    keepOld(spec, old?.spec)
    setFamilies(object, spec)
    takeAddress(book, object, { spec, old: old?.spec, taken })
    takePorts(book, object, { spec, old: old?.spec, taken })
  } catch (error) {
    free()
    throw error
  }
  if (dryRun) {
    free()
    return noAllocation
  }
  const release = () => {
    drawn.takeBack()
    free()
  }
  const commit = () => {
    // From now on the claims say it, in every server's cache.
    for (const address of taken.addresses) book.addresses.free(address)
    if (book.portClaims) for (const port of taken.ports) book.ports.free(port - nodePortMin)
    else if (old) letGo(book, old, object)
  }
  return { release, commit, claims: claimsFor(book, object, old) }
}

/** What the caller left to be drawn: an attempt that fails leaves it open again for the next. */
function notGiven(spec: ServiceSpec): { takeBack(): void } {
  const isAddressOpen = !spec.clusterIP && !spec.clusterIPs?.length
  const openPorts = (spec.ports ?? []).filter((port) => !port.nodePort)
  const isHealthPortOpen = !spec.healthCheckNodePort
  return {
    takeBack: () => {
      if (isAddressOpen) {
        delete spec.clusterIP
        delete spec.clusterIPs
      }
      for (const port of openPorts) delete port.nodePort
      if (isHealthPortOpen) delete spec.healthCheckNodePort
    },
  }
}

const isHeadless = (spec: ServiceSpec) => spec.clusterIP === 'None'
const isExternalName = (spec: ServiceSpec) => spec.type === 'ExternalName'
const hasNodePorts = (spec: ServiceSpec) =>
  spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false)

/** An update that leaves an allocated field out means to keep it. */
function keepOld(spec: ServiceSpec, old: ServiceSpec | undefined): void {
  if (!old || isExternalName(spec)) return
  if (!isExternalName(old)) {
    if (!spec.clusterIP && !spec.clusterIPs?.length) {
      if (old.clusterIP) spec.clusterIP = old.clusterIP
      if (old.clusterIPs) spec.clusterIPs = [...old.clusterIPs]
    }
    spec.ipFamilies ??= old.ipFamilies as NonNullable<ServiceSpec['ipFamilies']>
    spec.ipFamilyPolicy ??= old.ipFamilyPolicy as NonNullable<ServiceSpec['ipFamilyPolicy']>
  }
  if (!hasNodePorts(spec) || !hasNodePorts(old)) return
  for (const port of spec.ports ?? []) {
    if (port.nodePort) continue
    const before = old.ports?.find((o) => o.port === port.port && (o.protocol ?? 'TCP') === (port.protocol ?? 'TCP'))
    const isUsed = spec.ports?.some((other) => other !== port && other.nodePort === before?.nodePort)
    if (before?.nodePort && !isUsed) port.nodePort = before.nodePort
  }
}

/** The cluster speaks IPv4: every Service that has addresses is a single-stack one. Throws 422 for one that insists on more. */
function setFamilies(object: KubeObject, spec: ServiceSpec): void {
  if (isExternalName(spec)) {
    for (const field of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy', 'internalTrafficPolicy'] as const) delete spec[field]
    return
  }
  if (spec.ipFamilyPolicy === 'RequireDualStack') {
    throw invalid(object, [
      fieldErrors.invalid('spec.ipFamilyPolicy', spec.ipFamilyPolicy, 'this cluster is not configured for dual-stack services'),
    ])
  }
  const other = spec.ipFamilies?.findIndex((family) => family !== 'IPv4') ?? -1
  if (other >= 0) {
    throw invalid(object, [fieldErrors.invalid(`spec.ipFamilies[${other}]`, spec.ipFamilies![other], 'not configured on this cluster')])
  }
  spec.ipFamilyPolicy ??= 'SingleStack'
  spec.ipFamilies = ['IPv4']
}

function takeAddress(
  book: Book,
  object: KubeObject,
  { spec, old, taken }: { spec: ServiceSpec; old: ServiceSpec | undefined; taken: Taken },
): void {
  if (isExternalName(spec)) return
  if (!spec.clusterIP && spec.clusterIPs?.length) spec.clusterIP = spec.clusterIPs[0]!
  if (isHeadless(spec)) {
    spec.clusterIPs = ['None']
    return
  }
  if (!spec.clusterIP) {
    const drawn = book.addresses.draw(book.random)
    if (drawn === undefined) throw statusErrors.internal(new Error(`failed to allocate a serviceIP: range is full`))
    taken.addresses.push(drawn)
    spec.clusterIP = drawn
  } else if (spec.clusterIP !== old?.clusterIP) takeWanted(book, object, { address: spec.clusterIP, taken })
  spec.clusterIPs = [spec.clusterIP]
}

function takeWanted(book: Book, object: KubeObject, { address, taken }: { address: string; taken: Taken }): void {
  // What is no address at all is validation's to refuse.
  if (parseIpv4(address) === undefined) return
  const refusal = book.addresses.take(address)
  if (refusal !== undefined)
    throw invalid(object, [fieldErrors.invalid('spec.clusterIPs', [address], `failed to allocate IP ${address}: ${refusal}`)])
  taken.addresses.push(address)
}

function takePorts(
  book: Book,
  object: KubeObject,
  { spec, old, taken }: { spec: ServiceSpec; old: ServiceSpec | undefined; taken: Taken },
): void {
  if (spec.type !== 'NodePort' && spec.type !== 'LoadBalancer') {
    for (const port of spec.ports ?? []) delete port.nodePort
    delete spec.healthCheckNodePort
    return
  }
  const held = new Set(old ? portsOfSpec(old) : [])
  const take = (wanted: number, path: string) => {
    if (held.has(wanted) || taken.ports.includes(wanted)) return
    if (wanted < nodePortMin || wanted > nodePortMax) {
      throw invalid(object, [
        fieldErrors.invalid(
          path,
          wanted,
          `provided port is not in the valid range. The range of valid ports is ${nodePortMin}-${nodePortMax}`,
        ),
      ])
    }
    if (!book.ports.take(wanted - nodePortMin))
      throw invalid(object, [fieldErrors.invalid(path, wanted, 'provided port is already allocated')])
    taken.ports.push(wanted)
  }
  for (const [i, port] of (spec.ports ?? []).entries()) if (port.nodePort) take(port.nodePort, `spec.ports[${i}].nodePort`)
  if (spec.healthCheckNodePort) take(spec.healthCheckNodePort, 'spec.healthCheckNodePort')
  if (!hasNodePorts(spec)) return
  for (const port of spec.ports ?? []) {
    if (port.nodePort) continue
    // One number serves a port that is open for several protocols.
    const twin = spec.ports?.find(
      (other) => other !== port && other.port === port.port && other.nodePort && other.protocol !== port.protocol,
    )
    port.nodePort = twin?.nodePort ?? draw(book, object, taken)
  }
  if (spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local' && !spec.healthCheckNodePort) {
    spec.healthCheckNodePort = draw(book, object, taken)
  }
}

function draw(book: Book, object: KubeObject, taken: Taken): number {
  const drawn = book.ports.draw(book.random)
  if (drawn === undefined) throw invalid(object, [fieldErrors.invalid('spec.ports', null, 'failed to allocate a nodePort: range is full')])
  taken.ports.push(nodePortMin + drawn)
  return nodePortMin + drawn
}

/** Gives back the ports that the old state held and the new one does not. */
function letGo(book: Book, old: Service, object: Service): void {
  const ports = new Set(portsOf(object))
  for (const port of portsOf(old)) if (!ports.has(port)) book.ports.free(port - nodePortMin)
}

function addressesOf({ spec }: Service): string[] {
  return (spec?.clusterIPs ?? (spec?.clusterIP ? [spec.clusterIP] : [])).filter((address) => parseIpv4(address) !== undefined)
}

function portsOf({ spec }: Service): number[] {
  return spec ? portsOfSpec(spec) : []
}

function portsOfSpec(spec: ServiceSpec): number[] {
  return [...(spec.ports ?? []).map((p) => p.nodePort), spec.healthCheckNodePort].filter(
    (port): port is number => port !== undefined && port > 0,
  )
}

function invalid(object: KubeObject, errors: readonly FieldError[]) {
  return statusErrors.invalid({ group: '', kind: 'Service' }, object.metadata.name ?? '', errors)
}
