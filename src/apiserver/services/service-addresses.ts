import { toTime, type Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { IPAddress, ServiceCIDR } from '../../kinds/generated/types/networking-v1.ts'
import { serviceAddress } from '../../kinds/networking/service-addresses.ts'
import { serviceCidrs } from '../../kinds/networking/service-cidr.ts'
import type { KubeObject } from '../../machinery/object.ts'
import type { Operation } from '../../store/contract.ts'
import { encodeStored } from '../objects/codec.ts'
import type { ObjectReader } from '../objects/object-reader.ts'
import type { ObjectStorage } from '../objects/object-storage.ts'
import { keyOfObject, type Resource } from '../registry.ts'
import { type IpFamily, type IpRange, isInRange, parseIpRange } from './ip-range.ts'
import { staticShare } from './number-allocator.ts'

type Holder = { readonly namespace: string; readonly name: string }

/**
 * The addresses of Services. What is taken are the IPAddress objects, written in the commit of the Service itself, so that neither is
 * ever there without the other; what may be drawn are the ready ServiceCIDRs.
 */
export type ServiceAddresses = {
  /** Why the address, in canonical form, cannot be had, in upstream's words; undefined: it is the caller's until `free`. */
  take(address: string): string | undefined
  /** Back from the caller: given up, or committed. */
  free(address: string): void
  /** A free address, taken; undefined when none is left. */
  draw(random: Random, family: IpFamily): string | undefined
  /** Conflicts with whoever took the address first. */
  claim(address: string, holder: Holder): Operation
  /** Nothing to do for what is not there, or is somebody else's. */
  unclaim(address: string, holder: Holder): readonly Operation[]
  isClaimed(address: string): boolean
}

export function createServiceAddresses(parts: {
  readonly reader: ObjectReader
  readonly storage: ObjectStorage
  readonly resource: Resource
  readonly random: Random
  readonly clock: Clock
}): ServiceAddresses {
  const { reader, storage, resource, random, clock } = parts
  const onTheWay = new Set<string>()
  const entryOf = (address: string) => storage.cache.get(keyOfObject(resource, '', address))
  const isFree = (address: string) => !onTheWay.has(address) && !entryOf(address)
  const drawWithin = (range: IpRange, from: number, to: number, source: Random): string | undefined => {
    const size = to - from
    if (size <= 0) return undefined
    // Starts at a random place and takes the next free one, so that it ends however full the range is.
    const start = source.below(size)
    for (let i = 0; i < size; i++) {
      const address = range.addressAt(from + ((start + i) % size))
      if (!isFree(address)) continue
      onTheWay.add(address)
      return address
    }
    return undefined
  }
  return {
    take: (address) => {
      if (!readyRanges(reader).some((range) => isInRange(range, address))) return 'the provided network does not match the current range'
      if (!isFree(address)) return 'provided IP is already allocated'
      onTheWay.add(address)
      return undefined
    },
    free: (address) => void onTheWay.delete(address),
    draw: (source, family) => {
      const ofFamily = readyRanges(reader).filter((range) => range.family === family)
      const ranges = ofFamily.map((range) => ({ range, chosen: staticShare(range.size, { min: 16, max: 256, step: 16 }) }))
      for (const { range, chosen } of ranges) {
        const drawn = drawWithin(range, chosen, range.size, source)
        if (drawn) return drawn
      }
      for (const { range, chosen } of ranges) {
        const drawn = drawWithin(range, 0, chosen, source)
        if (drawn) return drawn
      }
      return undefined
    },
    claim: (address, holder) => {
      const object = serviceAddress(address, holder)
      const metadata = { ...object.metadata, uid: random.uuid(), creationTimestamp: toTime(clock.now()) }
      const value = encodeStored({ ...object, metadata } as KubeObject)
      return { type: 'put', key: keyOfObject(resource, '', address), value, expected: 'absent' }
    },
    unclaim: (address, holder) => {
      const entry = entryOf(address)
      const parent = (entry?.value.object as IPAddress | undefined)?.spec?.parentRef
      const isHeld = parent?.resource === 'services' && parent.namespace === holder.namespace && parent.name === holder.name
      return entry && isHeld ? [{ type: 'delete', key: entry.key, expected: entry.revision }] : []
    },
    isClaimed: (address) => entryOf(address) !== undefined,
  }
}

/** The ranges that addresses may be drawn from, the oldest first. */
function readyRanges(reader: ObjectReader): IpRange[] {
  const isReady = ({ metadata, status }: ServiceCIDR) =>
    !metadata.deletionTimestamp && status?.conditions?.find(({ type }) => type === 'Ready')?.status !== 'False'
  const age = ({ metadata }: ServiceCIDR) => `${metadata.creationTimestamp} ${metadata.name}`
  return reader
    .list<ServiceCIDR>(serviceCidrs, '')
    .filter(isReady)
    .sort((a, b) => (age(a) < age(b) ? -1 : 1))
    .flatMap(({ spec }) => spec?.cidrs ?? [])
    .map(parseIpRange)
}
