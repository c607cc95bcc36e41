/** IPv4 addresses and ranges as text and number. Only dotted decimal and CIDR; anything else throws RangeError. */
export type Cidr = { readonly network: number; readonly prefix: number }

export function parseAddress(text: string): number {
  const parts = text.split('.')
  const bytes = parts.map(Number)
  if (parts.length !== 4 || bytes.some((byte, i) => !/^\d{1,3}$/.test(parts[i]!) || byte > 255))
    throw new RangeError(`not an IPv4 address: ${text}`)
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0)
}

export function formatAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.')
}

/** Bits of the host part are dropped: 10.1.2.3/24 is 10.1.2.0/24. */
export function parseCidr(text: string): Cidr {
  const [address, prefixText] = text.split('/')
  const prefix = Number(prefixText)
  if (!address || prefixText === undefined || !/^\d{1,2}$/.test(prefixText) || prefix > 32)
    throw new RangeError(`not an IPv4 range: ${text}`)
  return { network: (parseAddress(address) & maskOf(prefix)) >>> 0, prefix }
}

export function contains(cidr: Cidr, address: number): boolean {
  return (address & maskOf(cidr.prefix)) >>> 0 === cidr.network
}

function maskOf(prefix: number): number {
  return prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0
}
