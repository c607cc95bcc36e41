import { type Address, formatAddress, inRange, parseAddress, parseRange } from '../../machinery/ip-address.ts'

export type IpFamily = 'IPv4' | 'IPv6'

/** The addresses of a range that Services may have. */
export type IpRange = {
  readonly family: IpFamily
  /** The address number n of [0, size). */
  addressAt(n: number): string
  has(address: Address): boolean
  /** How many may be given away: not the network's own, nor the broadcast address of IPv4; none of a range of one or two. */
  readonly size: number
}

/** Throws TypeError for what is no range. */
export function parseIpRange(cidr: string): IpRange {
  const range = parseRange(cidr)
  if (typeof range === 'string') throw new TypeError(`${cidr} is no range for services`)
  const { family } = range.address
  const free = BigInt((family === 4 ? 32 : 128) - range.prefix)
  const first = ((range.address.bits >> free) << free) + 1n
  const count = (1n << free) - (family === 4 ? 2n : 1n)
  // Nobody asks for so many, and they are counted in numbers.
  const size = count > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Math.max(0, Number(count))
  return {
    family: family === 4 ? 'IPv4' : 'IPv6',
    size,
    addressAt: (n) => formatAddress({ family, bits: first + BigInt(n) }),
    has: (address) => inRange(range, address) && address.bits >= first && address.bits < first + count,
  }
}

/** The ranges of `--service-cluster-ip-range`: one, or one of each family; the first is what Services get by default. */
export const rangesOf = (flag: string): readonly string[] => flag.split(',')

/** False for what is no address, too. */
export function isInRange(range: IpRange, address: string): boolean {
  const parsed = parseAddress(address)
  return typeof parsed !== 'string' && range.has(parsed)
}
