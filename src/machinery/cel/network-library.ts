import type { Library } from './environment.ts'
import { EvaluationError } from './evaluation-error.ts'
import { type Overload, overload } from './overload.ts'
import { formatAddress, inRange, parseAddress, parseRange, type Address, type AddressRange } from '../ip-address.ts'
import { sizeOf, traversal } from './size.ts'
import { CelOpaque, CelTypeValue, type OpaqueKind } from './value.ts'

/** IP addresses and ranges (https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-ip-address-library). */
export const networkLibrary = (): Library => ({
  types: [new CelTypeValue(addressKind.name), new CelTypeValue(rangeKind.name)],
  overloads: [...addresses(), ...ranges()],
})

const addressKind: OpaqueKind = {
  name: 'net.IP',
  equals: (a, b) => (a as Address).bits === (b as Address).bits && (a as Address).family === (b as Address).family,
  size: (content) => ((content as Address).family === 4 ? 4 : 16),
}
const rangeKind: OpaqueKind = {
  name: 'net.CIDR',
  equals: (a, b) =>
    addressKind.equals((a as AddressRange).address, (b as AddressRange).address) &&
    (a as AddressRange).prefix === (b as AddressRange).prefix,
  size: (content) => ((content as AddressRange).address.family === 4 ? 4 : 16),
}

const addressOf = ({ content }: CelOpaque) => content as Address
const rangeOf = ({ content }: CelOpaque) => content as AddressRange
const walk = (text: string) => traversal(sizeOf(text))

function address(text: string): Address {
  const parsed = parseAddress(text)
  if (typeof parsed === 'string') throw new EvaluationError(`IP Address '${text}' parse error during conversion from string: ${parsed}`)
  return parsed
}

function range(text: string): AddressRange {
  const parsed = parseRange(text)
  if (typeof parsed === 'string') throw new EvaluationError(`network address parse error during conversion from string: ${parsed}`)
  return parsed
}

function addresses(): Overload[] {
  const is = (name: string, test: (address: Address) => boolean) => overload(`IP.${name}(): bool`, (ip: CelOpaque) => test(addressOf(ip)))
  const top = ({ bits, family }: Address, count: number) => Number(bits >> BigInt((family === 4 ? 32 : 128) - count))
  return [
    overload('ip(string): IP', (text: string) => new CelOpaque(addressKind, address(text)), { cost: walk }),
    overload('isIP(string): bool', (text: string) => typeof parseAddress(text) !== 'string', { cost: walk }),
    overload('ip.isCanonical(string): bool', (text: string) => formatAddress(address(text)) === text, {
      cost: (text: string) => Math.ceil(sizeOf(text) * 0.2),
    }),
    overload('IP.family(): int', (ip: CelOpaque) => BigInt(addressOf(ip).family)),
    overload('string(IP): string', (ip: CelOpaque) => formatAddress(addressOf(ip))),
    is('isUnspecified', ({ bits }) => bits === 0n),
    is('isLoopback', (a) => (a.family === 4 ? top(a, 8) === 127 : a.bits === 1n)),
    is('isLinkLocalMulticast', (a) => (a.family === 4 ? top(a, 24) === 0xe00000 : top(a, 16) === 0xff02)),
    is('isLinkLocalUnicast', (a) => (a.family === 4 ? top(a, 16) === 0xa9fe : top(a, 10) === 0x3fa)),
    is('isGlobalUnicast', (a) =>
      a.family === 4
        ? a.bits !== 0n && a.bits !== 0xffffffffn && top(a, 8) !== 127 && top(a, 4) !== 14 && top(a, 16) !== 0xa9fe
        : a.bits > 1n && top(a, 8) !== 0xff && top(a, 10) !== 0x3fa,
    ),
  ]
}

function ranges(): Overload[] {
  const contains = (outer: CelOpaque, inner: Address) => inRange(rangeOf(outer), inner)
  const containsRange = (outer: CelOpaque, inner: AddressRange) =>
    rangeOf(outer).prefix <= inner.prefix && inRange(rangeOf(outer), inner.address)
  const baseCost = (cidr: CelOpaque) => Math.ceil(sizeOf(cidr) * 0.2)
  const rangeCost = (cidr: CelOpaque) => baseCost(cidr) + traversal(sizeOf(cidr)) + 1
  return [
    overload('cidr(string): CIDR', (text: string) => new CelOpaque(rangeKind, range(text)), { cost: walk }),
    overload('isCIDR(string): bool', (text: string) => typeof parseRange(text) !== 'string', { cost: walk }),
    overload('CIDR.containsIP(string): bool', (cidr: CelOpaque, text: string) => contains(cidr, address(text)), {
      cost: (cidr: CelOpaque, text: string) => baseCost(cidr) + walk(text),
    }),
    overload('CIDR.containsIP(IP): bool', (cidr: CelOpaque, ip: CelOpaque) => contains(cidr, addressOf(ip)), { cost: baseCost }),
    overload('CIDR.containsCIDR(string): bool', (cidr: CelOpaque, text: string) => containsRange(cidr, range(text)), {
      cost: (cidr: CelOpaque, text: string) => rangeCost(cidr) + walk(text),
    }),
    overload('CIDR.containsCIDR(CIDR): bool', (cidr: CelOpaque, other: CelOpaque) => containsRange(cidr, rangeOf(other)), {
      cost: rangeCost,
    }),
    overload('CIDR.ip(): IP', (cidr: CelOpaque) => new CelOpaque(addressKind, rangeOf(cidr).address)),
    overload('CIDR.masked(): CIDR', (cidr: CelOpaque) => {
      const { address: whole, prefix } = rangeOf(cidr)
      const free = BigInt((whole.family === 4 ? 32 : 128) - prefix)
      return new CelOpaque(rangeKind, { address: { ...whole, bits: (whole.bits >> free) << free }, prefix })
    }),
    overload('CIDR.prefixLength(): int', (cidr: CelOpaque) => BigInt(rangeOf(cidr).prefix)),
    overload('string(CIDR): string', (cidr: CelOpaque) => `${formatAddress(rangeOf(cidr).address)}/${rangeOf(cidr).prefix}`),
  ]
}
