/** IPv4 arithmetic on a CIDR. Addresses are numbers in [0, 2^32). */
export type IpRange = {
  /** First address that may be given away (the network's own is not). */
  readonly first: number
  /** How many may be given away (the broadcast address is not); none of a range of one or two. */
  readonly size: number
  readonly text: string
}

/** Throws TypeError for what is no IPv4 CIDR. */
export function parseIpRange(cidr: string): IpRange {
  const [address = '', bits = ''] = cidr.split('/')
  const base = parseIpv4(address)
  const length = Number(bits)
  if (base === undefined || bits === '' || !Number.isInteger(length) || length < 0 || length > 32)
    throw new TypeError(`${cidr} is no IPv4 range for services`)
  const total = 2 ** (32 - length)
  const network = Math.floor(base / total) * total
  return { first: network + 1, size: Math.max(0, total - 2), text: cidr }
}

export function parseIpv4(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)
  if (!match) return undefined
  let value = 0
  for (const part of match.slice(1)) {
    const octet = Number(part)
    if (octet > 255) return undefined
    value = value * 256 + octet
  }
  return value
}

export function formatIpv4(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.')
}
