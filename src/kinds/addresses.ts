import { isIPv6 } from 'node:net'
import { type Address, formatAddress, ipv6Bits } from '../machinery/ip-address.ts'
import { fieldErrors } from '../machinery/field-error.ts'
import type { Errors } from './checks.ts'

/**
 * Addresses and ranges in fields. Older fields take what is not canonical (`2001:DB8::1`) and advise about it; newer ones refuse it.
 * What several programs would read in several ways is refused by both. Words are upstream's
 * (k8s.io/apimachinery/pkg/util/validation/ip.go).
 */

const addressExpected = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'
const rangeExpected = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'

/** What some program would read as an address, leading zeros and IPv4 within IPv6 included. */
type Reading = { readonly address: Address; readonly hasLeadingZeros: boolean; readonly isMapped: boolean }
type RangeReading = Reading & { readonly prefix: number; readonly hasHostBits: boolean; readonly network: Address }

/** An address of an older field; false when something is wrong with it. What stood there before (`old`) is fine. */
export function checkLegacyAddress(errors: Errors, field: string, value: string, old: readonly string[] = []): boolean {
  if (old.includes(value) || usual.test(value)) return true
  const messages = addressMessages(readAddress(value))
  for (const message of messages) errors.push(fieldErrors.invalid(field, value, message))
  return messages.length === 0
}

export function checkLegacyRange(errors: Errors, field: string, value: string, old: readonly string[] = []): boolean {
  if (old.includes(value)) return true
  const messages = rangeMessages(readRange(value))
  for (const message of messages) errors.push(fieldErrors.invalid(field, value, message))
  return messages.length === 0
}

/** What is wrong with an address of a newer field, which must be canonical. */
export function canonicalAddress(value: string): string[] {
  const reading = readAddress(value)
  const messages = addressMessages(reading)
  if (messages.length > 0) return messages
  const canonical = formatAddress(reading!.address)
  return value === canonical ? [] : [`must be in canonical form (${JSON.stringify(canonical)})`]
}

export function canonicalRange(value: string): string[] {
  const reading = readRange(value)
  const messages = rangeMessages(reading)
  if (messages.length > 0) return messages
  const canonical = `${formatAddress(reading!.network)}/${reading!.prefix}`
  return value === canonical ? [] : [`must be in canonical form (${JSON.stringify(canonical)})`]
}

/** Where traffic can be sent to from elsewhere: not unspecified, loopback, link-local or multicast. Takes what is an address. */
export function checkEndpointAddress(errors: Errors, field: string, value: string): void {
  const reading = readAddress(value)
  if (!reading) {
    errors.push(fieldErrors.invalid(field, value, 'must be a valid IP address'))
    return
  }
  const { family, bits } = plain(reading.address)
  const isIpv4 = family === 4
  const complain = (detail: string) => errors.push(fieldErrors.invalid(field, value, detail))
  if (bits === 0n) complain(`may not be unspecified (${value})`)
  if (isIpv4 ? bits >> 24n === 127n : bits === 1n) complain('may not be in the loopback range (127.0.0.0/8, ::1/128)')
  if (isIpv4 ? bits >> 16n === 0xa9fen : bits >> 118n === 0x3fan) complain('may not be in the link-local range (169.254.0.0/16, fe80::/10)')
  if (isIpv4 ? bits >> 8n === 0xe00000n : bits >> 120n === 0xffn && ((bits >> 112n) & 15n) === 2n)
    complain('may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)')
}

/** Whether an address or a range lies within a range of the same family. False for what is neither. */
export function isWithin(inner: string, outer: string): boolean {
  const range = readRange(outer)
  const { address, prefix } = readRange(inner) ?? { ...readAddress(inner), prefix: 128 }
  if (!range || !address || address.family !== range.address.family || prefix < range.prefix) return false
  return network(address, range.prefix).bits === range.network.bits
}

export const isRange = (value: string): boolean => readRange(value) !== undefined

export const isAddress = (value: string): boolean => readAddress(value) !== undefined

/** Undefined for what is no address. IPv4 within IPv6 counts as IPv4. */
export function familyOf(value: string): 'IPv4' | 'IPv6' | undefined {
  const reading = readAddress(value)
  return reading && (plain(reading.address).family === 4 ? 'IPv4' : 'IPv6')
}

/** How objects are named after an address, whatever way it was written; undefined for what is none. */
export function canonicalOf(value: string): string | undefined {
  const reading = readAddress(value)
  return reading && formatAddress(plain(reading.address))
}

/** Advice about an address of an older field; nothing for what is none. */
export function addressWarnings(field: string, value: string | undefined): string[] {
  const reading = value && !usual.test(value) && readAddress(value)
  if (!reading) return []
  const canonical = JSON.stringify(formatAddress(plain(reading.address)))
  const given = JSON.stringify(value)
  if (reading.hasLeadingZeros || reading.isMapped) return [`${field}: non-standard IP address ${given} is invalid: use ${canonical}`]
  if (reading.address.family === 4 || given === canonical) return []
  return [`${field}: IPv6 address ${given} should be in RFC 5952 canonical format (${canonical})`]
}

export function rangeWarnings(field: string, value: string): string[] {
  const reading = readRange(value)
  if (!reading) return []
  const { address, prefix } = reading
  const given = JSON.stringify(value)
  const canonical = JSON.stringify(`${formatAddress(reading.network)}/${prefix}`)
  const warnings: string[] = []
  if (reading.hasHostBits) {
    const single = JSON.stringify(`${formatAddress(address)}/${widthOf(address)}`)
    warnings.push(`${field}: CIDR value ${given} is ambiguous in this context (should be ${canonical} or ${single}?)`)
  }
  if (reading.hasLeadingZeros || reading.isMapped) warnings.push(`${field}: non-standard CIDR value ${given} is invalid: use ${canonical}`)
  if (warnings.length === 0 && address.family === 6 && given !== canonical)
    warnings.push(`${field}: IPv6 CIDR value ${given} should be in RFC 5952 canonical format (${canonical})`)
  return warnings
}

function addressMessages(reading: Reading | undefined): string[] {
  if (!reading) return [addressExpected]
  if (reading.hasLeadingZeros) return ['must not have leading 0s']
  return reading.isMapped ? ['must not be an IPv4-mapped IPv6 address'] : []
}

function rangeMessages(reading: RangeReading | undefined): string[] {
  if (!reading) return [rangeExpected]
  if (reading.hasLeadingZeros) return ['must not have leading 0s in IP or prefix length']
  if (reading.isMapped) return ['must not have an IPv4-mapped IPv6 address']
  return reading.hasHostBits ? ['must not have bits set beyond the prefix length'] : []
}

/** An IPv4 address of which there is nothing to say; nearly all are. */
const usual = /^(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/
const dotted = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/

function readAddress(text: string): Reading | undefined {
  const parts = dotted.exec(text)?.slice(1)
  if (parts) {
    if (parts.some((part) => Number(part) > 255)) return undefined
    const bits = parts.reduce((sum, part) => (sum << 8n) + BigInt(part), 0n)
    return { address: { family: 4, bits }, hasLeadingZeros: parts.some((part) => part.length > 1 && part.startsWith('0')), isMapped: false }
  }
  if (!isIPv6(text) || text.includes('%')) return undefined
  const address: Address = { family: 6, bits: ipv6Bits(text) }
  return { address, hasLeadingZeros: false, isMapped: address.bits >> 32n === 0xffffn }
}

function readRange(text: string): RangeReading | undefined {
  const slash = text.indexOf('/')
  const length = text.slice(slash + 1)
  const reading = slash < 0 ? undefined : readAddress(text.slice(0, slash))
  if (!reading || !/^\d+$/.test(length)) return undefined
  const { address } = reading
  const prefix = Number(length)
  if (prefix > widthOf(address)) return undefined
  const hasLeadingZeros = reading.hasLeadingZeros || (length.length > 1 && length.startsWith('0'))
  const masked = network(address, prefix)
  return { ...reading, prefix, hasLeadingZeros, hasHostBits: masked.bits !== address.bits, network: masked }
}

const widthOf = ({ family }: Address) => (family === 4 ? 32 : 128)

function network(address: Address, prefix: number): Address {
  const free = BigInt(widthOf(address) - prefix)
  return { family: address.family, bits: (address.bits >> free) << free }
}

/** IPv4 within IPv6 as the IPv4 that it is. */
function plain(address: Address): Address {
  return address.family === 6 && address.bits >> 32n === 0xffffn ? { family: 4, bits: address.bits & 0xffffffffn } : address
}
