import { assert } from '../../base/assert.ts'

/** An IPv4 network, as number and prefix length. */
export type Network = { readonly base: number; readonly prefix: number }

export function parseNetwork(cidr: string): Network {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(cidr)
  assert(match, `not an IPv4 network: ${cidr}`)
  const [a, b, c, d, prefix] = match.slice(1).map(Number) as [number, number, number, number, number]
  assert(Math.max(a, b, c, d) <= 255 && prefix <= 32, `not an IPv4 network: ${cidr}`)
  const size = 2 ** (32 - prefix)
  const address = ((a * 256 + b) * 256 + c) * 256 + d
  return { base: address - (address % size), prefix }
}

export function formatNetwork({ base, prefix }: Network): string {
  return `${Math.floor(base / 2 ** 24)}.${Math.floor(base / 2 ** 16) % 256}.${Math.floor(base / 256) % 256}.${base % 256}/${prefix}`
}

/** The first network of `prefix` bits in `cluster` that overlaps none of those in use; undefined when all are. */
export function planPodCidr(cluster: Network, prefix: number, used: readonly string[]): string | undefined {
  assert(prefix >= cluster.prefix, 'a node’s network is not larger than the cluster’s')
  const size = 2 ** (32 - prefix)
  const taken = new Set<number>()
  for (const cidr of used) {
    const network = parseNetwork(cidr)
    const end = network.base + 2 ** (32 - network.prefix)
    for (let base = network.base - (network.base % size); base < end; base += size) taken.add(base)
  }
  const end = cluster.base + 2 ** (32 - cluster.prefix)
  for (let base = cluster.base; base < end; base += size) if (!taken.has(base)) return formatNetwork({ base, prefix })
  return undefined
}
