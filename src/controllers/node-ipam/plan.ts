import { assert } from '../../base/assert.ts'
import { type AddressRange, formatAddress, parseRange } from '../../machinery/ip-address.ts'

/** The networks of one size that a cluster's range is cut into, numbered from 0. */
export type NetworkParts = { readonly cluster: AddressRange; readonly prefix: number; readonly count: number }

/** Throws for what is no range, and for parts that are larger than the range. */
export function partsOf(cidr: string, prefix: number): NetworkParts {
  const cluster = parseNetwork(cidr)
  assert(prefix >= cluster.prefix, 'a node’s network is not larger than the cluster’s')
  return { cluster, prefix, count: 2 ** (prefix - cluster.prefix) }
}

/** The range, from its first address on. */
export function parseNetwork(cidr: string): AddressRange {
  const range = parseRange(cidr)
  assert(typeof range !== 'string', `not a network: ${cidr}`)
  const free = freeBits(range.address.family, range.prefix)
  return { prefix: range.prefix, address: { ...range.address, bits: (range.address.bits >> free) << free } }
}

const freeBits = (family: 4 | 6, prefix: number) => BigInt((family === 4 ? 32 : 128) - prefix)

export const formatNetwork = ({ address, prefix }: AddressRange): string => `${formatAddress(address)}/${prefix}`

/** The parts that a network overlaps. */
export function overlapped({ cluster, prefix, count }: NetworkParts, cidr: string): readonly number[] {
  const { address, prefix: own } = parseNetwork(cidr)
  const { family, bits } = cluster.address
  if (address.family !== family) return []
  const size = freeBits(family, prefix)
  const first = Math.max(0, Number((address.bits - bits) >> size))
  const last = Math.min(count - 1, Number((address.bits + (1n << freeBits(family, own)) - 1n - bits) >> size))
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i)
}

/** The first part from `from` on, and then from 0 on, that is not taken; undefined when all are. */
export function freePart({ count }: NetworkParts, from: number, isTaken: (part: number) => boolean): number | undefined {
  for (let i = 0; i < count; i++) {
    const part = (from + i) % count
    if (!isTaken(part)) return part
  }
  return undefined
}

export function networkOf({ cluster, prefix }: NetworkParts, part: number): string {
  const { family, bits } = cluster.address
  return formatNetwork({ prefix, address: { family, bits: bits + (BigInt(part) << freeBits(family, prefix)) } })
}
