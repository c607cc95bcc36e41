import type { Random } from '../../base/random.ts'
import { services } from '../../kinds/core/service.ts'
import type { Service, ServiceSpec } from '../../kinds/generated/types/core-v1.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import type { Operation } from '../../store/contract.ts'
import type { ObjectReader } from '../object-reader.ts'
import type { ObjectStorage } from '../object-storage.ts'
import { type Allocation, noAllocation, type WriteHook } from '../write-hooks.ts'
import { formatIpv4, parseIpRange, parseIpv4 } from './ip-range.ts'
import { claimHeld, ClaimedNumbers, type Claims, createClaims, type Numbers } from './claimed-numbers.ts'
import { NumberAllocator, staticShare } from './number-allocator.ts'

export const nodePortMin = 30_000
export const nodePortMax = 32_767

/**
 * Cluster IPs and node ports of Services (https://kubernetes.io/docs/concepts/services-networking/service/). What is taken is
 * kept in memory and rebuilt from the stored Services at start; a write takes first, and gives back what it took when it
 * fails, what its update let go when it succeeds, and all when the Service is gone. Where several servers write to one store,
 * what is taken is also claimed there, in the Service's own commit.
 */
export async function serviceAllocation(parts: {
  reader: ObjectReader
  random: Random
  serviceCidr: string
  /** Given where other servers write to the same store. */
  shared: Pick<ObjectStorage, 'cache' | 'store'> | undefined
}): Promise<WriteHook> {
  const { reader, random, shared } = parts
  const range = parseIpRange(parts.serviceCidr)
  const portCount = nodePortMax - nodePortMin + 1
  const claims = shared && {
    addresses: createClaims(shared.cache, '/registry/ranges/serviceips/'),
    ports: createClaims(shared.cache, '/registry/ranges/servicenodeports/'),
  }
  const numbers = (options: { size: number; staticSize: number }, of: Claims | undefined): Numbers =>
    of ? new ClaimedNumbers({ ...options, claims: of }) : new NumberAllocator(options)
  const addresses = numbers({ size: range.size, staticSize: staticShare(range.size, { min: 16, max: 256, step: 16 }) }, claims?.addresses)
  const ports = numbers({ size: portCount, staticSize: staticShare(portCount, { min: 16, max: 128, step: 32 }) }, claims?.ports)
  const book: Book = { range, addresses, ports, random, claims }
  const stored = reader.list(services, '')
  if (claims) {
    await claimHeld(
      shared.store,
      stored.flatMap((service) => held(book, service)),
    )
  } else {
    for (const service of stored) {
      for (const address of addressesOf(service)) addresses.take(address - range.first)
      for (const port of portsOf(service)) ports.take(port - nodePortMin)
    }
  }
  return {
    claimsOf: (object) => held(book, object as Service).flatMap((one) => one.claims.unclaim(one.number)),
    handles: ({ kind }) => kind.group === '' && kind.kind === 'Service',
    allocate: ({ object, old, dryRun }) =>
      allocate(book, { object: object as KubeObject & Service, old: old as Service | undefined, dryRun }),
    deleted: (object) => {
      if (claims) return
      for (const address of addressesOf(object as Service)) addresses.free(address - range.first)
      for (const port of portsOf(object as Service)) ports.free(port - nodePortMin)
    },
  }
}

type Book = {
  readonly range: { readonly first: number; readonly size: number; readonly text: string }
  readonly addresses: Numbers
  readonly ports: Numbers
  readonly random: Random
  readonly claims: { readonly addresses: Claims; readonly ports: Claims } | undefined
}

/** What a Service holds, as numbers with the claims that they are under; nothing where nobody claims. */
function held({ range, claims }: Book, service: Service): { readonly claims: Claims; readonly number: number }[] {
  if (!claims) return []
  return [
    ...addressesOf(service).map((address) => ({ claims: claims.addresses, number: address - range.first })),
    ...portsOf(service).map((port) => ({ claims: claims.ports, number: port - nodePortMin })),
  ].filter(({ number }) => number >= 0)
}

/** The claims that turn what `old` holds into what `object` holds. */
function claimsFor(book: Book, object: Service, old: Service | undefined): Operation[] {
  const before = old ? held(book, old) : []
  const after = held(book, object)
  const isIn = (list: typeof after, one: (typeof after)[number]) =>
    list.some((other) => other.claims === one.claims && other.number === one.number)
  return [
    // One port number may serve several protocols of a Service: it is claimed once.
    ...after.filter((one, i) => !isIn(before, one) && !isIn(after.slice(0, i), one)).map((one) => one.claims.claim(one.number)),
    ...before.filter((one, i) => !isIn(after, one) && !isIn(before.slice(0, i), one)).flatMap((one) => one.claims.unclaim(one.number)),
  ]
}

type Taken = { readonly addresses: number[]; readonly ports: number[] }

function allocate(
  book: Book,
  { object, old, dryRun }: { object: KubeObject & Service; old: Service | undefined; dryRun: boolean },
): Allocation {
  const { spec } = object
  if (!spec) return noAllocation
  const taken: Taken = { addresses: [], ports: [] }
  const drawn = notGiven(spec)
  const free = () => {
    for (const address of taken.addresses) book.addresses.free(address - book.range.first)
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
    if (!book.claims) return old ? letGo(book, old, object) : undefined
    // From now on the claims say it, in every server's cache.
    free()
  }
  return { release, commit, claims: book.claims && claimsFor(book, object, old) }
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
    taken.addresses.push(book.range.first + drawn)
    spec.clusterIP = formatIpv4(book.range.first + drawn)
  } else if (spec.clusterIP !== old?.clusterIP) takeWanted(book, object, { address: spec.clusterIP, taken })
  spec.clusterIPs = [spec.clusterIP]
}

function takeWanted(book: Book, object: KubeObject, { address, taken }: { address: string; taken: Taken }): void {
  const refuse = (detail: string) => invalid(object, [fieldErrors.invalid('spec.clusterIPs', [address], detail)])
  const value = parseIpv4(address)
  // What is no address at all is validation's to refuse.
  if (value === undefined) return
  const offset = value - book.range.first
  if (offset < 0 || offset >= book.range.size) {
    throw refuse(
      `failed to allocate IP ${address}: the provided IP (${address}) is not in the valid range. The range of valid IPs is ${book.range.text}`,
    )
  }
  if (!book.addresses.take(offset)) throw refuse(`failed to allocate IP ${address}: provided IP is already allocated`)
  taken.addresses.push(value)
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

/** Gives back what the old state held and the new one does not. */
function letGo(book: Book, old: Service, object: Service): void {
  const addresses = new Set(addressesOf(object))
  for (const address of addressesOf(old)) if (!addresses.has(address)) book.addresses.free(address - book.range.first)
  const ports = new Set(portsOf(object))
  for (const port of portsOf(old)) if (!ports.has(port)) book.ports.free(port - nodePortMin)
}

function addressesOf({ spec }: Service): number[] {
  return (spec?.clusterIPs ?? (spec?.clusterIP ? [spec.clusterIP] : []))
    .map(parseIpv4)
    .filter((address): address is number => address !== undefined)
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
