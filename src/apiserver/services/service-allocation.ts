import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import { canonicalOf } from '../../kinds/addresses.ts'
import { services } from '../../kinds/core/service.ts'
import { allocatesNodePorts, hasNodePorts, needsHealthCheckPort } from '../../kinds/core/service-allocation.ts'
import { settleFamilies } from '../../kinds/core/service-families.ts'
import { ipAddresses } from '../../kinds/networking/ip-address.ts'
import { heldAddresses } from '../../kinds/networking/service-addresses.ts'
import type { Service, ServiceSpec } from '../../kinds/generated/types/core-v1.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import type { Operation } from '../../store/contract.ts'
import type { ObjectReader } from '../objects/object-reader.ts'
import type { ObjectStorage } from '../objects/object-storage.ts'
import { type Allocation, noAllocation, type WriteHook } from '../objects/write-hooks.ts'
import type { Registry } from '../registry.ts'
import { claimHeld, ClaimedNumbers, type Claims, createClaims, type Numbers } from './claimed-numbers.ts'
import { NumberAllocator, staticShare } from './number-allocator.ts'
import type { IpFamily } from './ip-range.ts'
import { createServiceAddresses, type ServiceAddresses } from './service-addresses.ts'

/** Both are in it; upstream's --service-node-port-range. */
export type PortRange = { readonly min: number; readonly max: number }
export const defaultNodePorts: PortRange = { min: 30_000, max: 32_767 }

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
  readonly nodePorts?: PortRange | undefined
  /** Of which Services may have addresses, the default first. */
  readonly families: readonly IpFamily[]
}): Promise<WriteHook> {
  const { reader, storage, random, clock, isShared, families, nodePorts = defaultNodePorts } = parts
  const resource = parts.registry.find(ipAddresses.group, ipAddresses.version, ipAddresses.plural)!
  const addresses = createServiceAddresses({ reader, storage, resource, random, clock })
  const portCount = nodePorts.max - nodePorts.min + 1
  // Claims are numbered from the default on: another range finds those of before.
  const claimsFrom = nodePorts.min - defaultNodePorts.min
  const portOptions = { size: portCount, staticSize: staticShare(portCount, { min: 16, max: 128, step: 32 }) }
  const portClaims = isShared ? createClaims(storage.cache, '/registry/ranges/servicenodeports/', claimsFrom) : undefined
  const ports: Numbers = portClaims ? new ClaimedNumbers({ ...portOptions, claims: portClaims }) : new NumberAllocator(portOptions)
  const book: Book = { addresses, ports, nodePorts, families, random, portClaims }
  const stored = reader.list<Service>(services, '')
  await claimHeld(
    storage.store,
    stored.flatMap((service) => unclaimed(book, service)),
  )
  if (!portClaims) for (const service of stored) for (const port of portsOf(service)) ports.take(port - nodePorts.min)
  return {
    claimsOf: (object) => claimsFor(book, undefined, object as Service),
    handles: ({ kind }) => kind.group === '' && kind.kind === 'Service',
    allocate: ({ object, old, dryRun }) =>
      allocate(book, { object: object as KubeObject & Service, old: old as Service | undefined, dryRun }),
    deleted: (object) => {
      if (!portClaims) for (const port of portsOf(object as Service)) ports.free(port - nodePorts.min)
    },
  }
}

type Book = {
  readonly addresses: ServiceAddresses
  readonly ports: Numbers
  readonly nodePorts: PortRange
  readonly families: readonly IpFamily[]
  readonly random: Random
  readonly portClaims: Claims | undefined
}

/** Claims for what a stored Service holds and nobody has claimed: from before there were claims. */
function unclaimed({ addresses, portClaims, nodePorts }: Book, service: Service): Operation[] {
  const ports = portClaims ? portsOf(service).map((port) => port - nodePorts.min) : []
  return [
    ...heldAddresses(service)
      .filter((address) => !addresses.isClaimed(address))
      .map((address) => addresses.claim(address, holderOf(service))),
    ...[...new Set(ports)].filter((port) => !portClaims!.isClaimed(port)).map((port) => portClaims!.claim(port)),
  ]
}

/** The claims that turn what `old` holds into what `object` holds; without `object` the Service goes. */
function claimsFor({ addresses, portClaims, nodePorts }: Book, object: Service | undefined, old: Service | undefined): Operation[] {
  const change = <T>(of: (service: Service) => readonly T[]) => {
    const before = new Set(old ? of(old) : [])
    const after = new Set(object ? of(object) : [])
    return { taken: [...after].filter((one) => !before.has(one)), left: [...before].filter((one) => !after.has(one)) }
  }
  const address = change(heldAddresses)
  // One port number may serve several protocols of a Service: it is claimed once.
  const port = portClaims ? change(portsOf) : { taken: [], left: [] }
  const holder = holderOf((object ?? old)!)
  return [
    ...address.taken.map((one) => addresses.claim(one, holder)),
    ...address.left.flatMap((one) => addresses.unclaim(one, holder)),
    ...port.taken.map((one) => portClaims!.claim(one - nodePorts.min)),
    ...port.left.flatMap((one) => portClaims!.unclaim(one - nodePorts.min)),
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
    for (const port of taken.ports) book.ports.free(port - book.nodePorts.min)
  }
  try {
    const errors = settleFamilies(spec, old?.spec, book.families)
    if (errors.length > 0) throw invalid(object, errors)
    dropUnread(spec)
    takeAddresses(book, object, { spec, old: old?.spec, taken })
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
    if (book.portClaims) for (const port of taken.ports) book.ports.free(port - book.nodePorts.min)
    else if (old) letGo(book, old, object)
  }
  return { release, commit, claims: claimsFor(book, object, old) }
}

/** What the caller left to be drawn: an attempt that fails leaves it open again for the next. */
function notGiven(spec: ServiceSpec): { takeBack(): void } {
  const { clusterIP, clusterIPs } = spec
  const openPorts = (spec.ports ?? []).filter((port) => !port.nodePort)
  const isHealthPortOpen = !spec.healthCheckNodePort
  return {
    takeBack: () => {
      if (clusterIP === undefined) delete spec.clusterIP
      else spec.clusterIP = clusterIP
      if (clusterIPs === undefined) delete spec.clusterIPs
      else spec.clusterIPs = clusterIPs
      for (const port of openPorts) delete port.nodePort
      if (isHealthPortOpen) delete spec.healthCheckNodePort
    },
  }
}

/** An external name has no traffic to route within the cluster: what it says about it is never shown. */
function dropUnread(spec: ServiceSpec): void {
  if (spec.type === 'ExternalName' && (spec.internalTrafficPolicy === 'Cluster' || spec.internalTrafficPolicy === 'Local'))
    delete spec.internalTrafficPolicy
}

type Holding = { readonly spec: ServiceSpec; readonly old: ServiceSpec | undefined; readonly taken: Taken }

/**
 * An address for each family of what comes into being or stops being an external name, and for the second family of what gets one; others
 * may not change later.
 */
function takeAddresses(book: Book, object: KubeObject, { spec, old, taken }: Holding): void {
  if (spec.type === 'ExternalName' || spec.clusterIPs?.[0] === 'None') return
  const held = !old || old.type === 'ExternalName' ? 0 : (old.clusterIPs?.length ?? 0)
  if (held > 0 && old?.clusterIPs?.[0] === 'None') return
  const families = (spec.ipFamilies ?? []) as readonly IpFamily[]
  const wanted = families.map((_, i) => spec.clusterIPs?.[i] ?? (i === 0 ? spec.clusterIP : undefined) ?? '')
  for (const [i, family] of families.entries())
    if (i >= held) wanted[i] = wanted[i] ? takeWanted(book, object, { wanted, i, taken }) : draw(book, family, taken)
  if (wanted.length === 0 || held >= wanted.length) return
  spec.clusterIP = wanted[0]!
  spec.clusterIPs = wanted
}

function draw(book: Book, family: IpFamily, taken: Taken): string {
  const drawn = book.addresses.draw(book.random, family)
  if (drawn === undefined) throw statusErrors.internal(new Error(`failed to allocate a serviceIP: range is full`))
  taken.addresses.push(drawn)
  return drawn
}

/** The address as it was written. */
function takeWanted(book: Book, object: KubeObject, { wanted, i, taken }: { wanted: readonly string[]; i: number; taken: Taken }): string {
  const written = wanted[i]!
  const address = canonicalOf(written)
  // What is no address at all is validation's to refuse.
  if (address === undefined) return written
  const refusal = book.addresses.take(address)
  if (refusal !== undefined)
    throw invalid(object, [fieldErrors.invalid('spec.clusterIPs', wanted, `failed to allocate IP ${written}: ${refusal}`)])
  taken.addresses.push(address)
  return written
}

function takePorts(book: Book, object: KubeObject, { spec, old, taken }: Holding): void {
  const take = (wanted: number, path: string) => {
    const refusal = refusalOf(book, wanted)
    if (refusal) throw invalid(object, [fieldErrors.invalid(path, wanted, refusal)])
    taken.ports.push(wanted)
  }
  const next = () => drawPort(book, object, taken)
  if (hasNodePorts(spec)) {
    if (old) fillNodePorts(spec, old, { take, next })
    else fillFirstNodePorts(spec, { take, next })
  }
  if (!needsHealthCheckPort(spec) || (old && needsHealthCheckPort(old))) return
  if (spec.healthCheckNodePort) take(spec.healthCheckNodePort, 'spec.healthCheckNodePort')
  else spec.healthCheckNodePort = next()
}

/** Why the port cannot be had, in upstream's words; undefined: it is the caller's. */
function refusalOf(book: Book, port: number): string | undefined {
  const { min, max } = book.nodePorts
  if (port < min || port > max) return `provided port is not in the valid range. The range of valid ports is ${min}-${max}`
  return book.ports.take(port - book.nodePorts.min) ? undefined : 'provided port is already allocated'
}

type PortSource = { readonly take: (wanted: number, path: string) => void; readonly next: () => number }

/** Of a new Service: one port on the nodes serves a port that is open for several protocols, unless it wants others. */
function fillFirstNodePorts(spec: ServiceSpec, { take, next }: PortSource): void {
  const byPort = new Map<number, number>()
  const ports = spec.ports ?? []
  for (const [i, port] of ports.entries()) {
    if (!port.nodePort && !allocatesNodePorts(spec)) continue
    const path = `spec.ports[${i}].nodePort`
    const shared = byPort.get(port.port ?? 0)
    if (shared !== undefined) {
      if (port.nodePort && port.nodePort !== shared) take(port.nodePort, path)
      port.nodePort ||= shared
      continue
    }
    const wanted = ports.find((other) => other.port === port.port && other.nodePort)?.nodePort
    if (wanted) take(wanted, path)
    port.nodePort = wanted ?? next()
    byPort.set(port.port ?? 0, port.nodePort)
  }
}

function fillNodePorts(spec: ServiceSpec, old: ServiceSpec, { take, next }: PortSource): void {
  const held = new Set(old.ports?.map(({ nodePort }) => nodePort))
  for (const [i, port] of (spec.ports ?? []).entries()) {
    if (!port.nodePort) {
      if (allocatesNodePorts(spec)) port.nodePort = next()
    } else if (!held.has(port.nodePort)) {
      take(port.nodePort, `spec.ports[${i}].nodePort`)
      held.add(port.nodePort)
    }
  }
}

function drawPort(book: Book, object: KubeObject, taken: Taken): number {
  const drawn = book.ports.draw(book.random)
  if (drawn === undefined) throw invalid(object, [fieldErrors.invalid('spec.ports', null, 'failed to allocate a nodePort: range is full')])
  taken.ports.push(book.nodePorts.min + drawn)
  return book.nodePorts.min + drawn
}

/** Gives back the ports that the old state held and the new one does not. */
function letGo(book: Book, old: Service, object: Service): void {
  const ports = new Set(portsOf(object))
  for (const port of portsOf(old)) if (!ports.has(port)) book.ports.free(port - book.nodePorts.min)
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
