import { assert } from '../../base/assert.ts'
import { type AddressRange, formatAddress, parseRange } from '../../machinery/ip-address.ts'

/** The range, from its first address on. Throws for what is none. */
export function parseNetwork(cidr: string): AddressRange {
  const range = parseRange(cidr)
  assert(typeof range !== 'string', `not a network: ${cidr}`)
  const free = freeBits(range)
  return { prefix: range.prefix, address: { ...range.address, bits: (range.address.bits >> free) << free } }
}

const freeBits = ({ address, prefix }: AddressRange) => BigInt((address.family === 4 ? 32 : 128) - prefix)

export const formatNetwork = ({ address, prefix }: AddressRange): string => `${formatAddress(address)}/${prefix}`

/** The first network of `prefix` bits in `cluster` that overlaps none of those in use; undefined when all are. */
export function planPodCidr(cluster: AddressRange, prefix: number, used: readonly string[]): string | undefined {
  assert(prefix >= cluster.prefix, 'a node’s network is not larger than the cluster’s')
  const { family, bits } = cluster.address
  const sizeBits = BigInt((family === 4 ? 32 : 128) - prefix)
  const count = 2 ** (prefix - cluster.prefix)
  const taken = new Set<number>()
  for (const network of used.map(parseNetwork)) {
    if (network.address.family !== family) continue
    const first = (network.address.bits - bits) >> sizeBits
    const last = (network.address.bits + (1n << freeBits(network)) - 1n - bits) >> sizeBits
    for (let i = Math.max(0, Number(first)); i <= Math.min(count - 1, Number(last)); i++) taken.add(i)
  }
  for (let i = 0; i < count; i++)
    if (!taken.has(i)) return formatNetwork({ prefix, address: { family, bits: bits + (BigInt(i) << sizeBits) } })
  return undefined
}
