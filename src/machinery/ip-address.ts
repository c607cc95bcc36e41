import { isIPv4, isIPv6 } from 'node:net'

/** IP addresses as numbers. What is parsed has no zones, no IPv4 inside IPv6, no leading zeros: what Kubernetes refuses in expressions. */
export type Address = { readonly family: 4 | 6; readonly bits: bigint }
export type AddressRange = { readonly address: Address; readonly prefix: number }

/** The address, or why there is none. */
export function parseAddress(text: string): Address | string {
  if (isIPv4(text)) return { family: 4, bits: text.split('.').reduce((bits, part) => (bits << 8n) + BigInt(part), 0n) }
  if (!isIPv6(text)) return `ParseAddr(${JSON.stringify(text)}): unable to parse IP`
  if (text.includes('%')) return 'IP address with zone value is not allowed'
  const bits = ipv6Bits(text)
  if (bits >> 32n === 0xffffn) return 'IPv4-mapped IPv6 address is not allowed'
  return { family: 6, bits }
}

/** What an IPv6 address without a zone says, IPv4 within it included. */
export function ipv6Bits(text: string): bigint {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text)
  const hex = (high: string, low: string) => (Number(high) * 256 + Number(low)).toString(16)
  const plain = dotted ? `${dotted[1]}${hex(dotted[2]!, dotted[3]!)}:${hex(dotted[4]!, dotted[5]!)}` : text
  const [left = '', right] = plain.split('::')
  const parts = (side: string) => (side === '' ? [] : side.split(':'))
  const [head, tail] = [parts(left), right === undefined ? [] : parts(right)]
  const groups = [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => '0'), ...tail]
  return groups.reduce((bits, group) => (bits << 16n) + BigInt(`0x${group}`), 0n)
}

export function parseRange(text: string): AddressRange | string {
  const [base = '', prefix, ...rest] = text.split('/')
  const address = parseAddress(base)
  if (prefix === undefined || rest.length > 0) return `netip.ParsePrefix(${JSON.stringify(text)}): no '/'`
  if (typeof address === 'string') return address
  const isFine = /^(?:0|[1-9]\d{0,2})$/.test(prefix) && Number(prefix) <= (address.family === 4 ? 32 : 128)
  return isFine ? { address, prefix: Number(prefix) } : `netip.ParsePrefix(${JSON.stringify(text)}): prefix length out of range`
}

export function inRange({ address, prefix }: AddressRange, inner: Address): boolean {
  const free = BigInt((address.family === 4 ? 32 : 128) - prefix)
  return address.family === inner.family && address.bits >> free === inner.bits >> free
}

/** The canonical form (RFC 5952). */
export function formatAddress({ family, bits }: Address): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 255n).join('.')
  const groups = Array.from({ length: 8 }, (_, i) => ((bits >> BigInt(112 - 16 * i)) & 0xffffn).toString(16)).join(':')
  const zeros = [...groups.matchAll(/(?<![^:])0(?::0)+(?![^:])/g)].sort((a, b) => b[0].length - a[0].length || a.index - b.index)[0]
  if (!zeros) return groups
  return `${groups.slice(0, zeros.index).replace(/:$/, '')}::${groups.slice(zeros.index + zeros[0].length).replace(/^:/, '')}`
}
