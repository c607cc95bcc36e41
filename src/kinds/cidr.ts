import { isIpv4 } from '../machinery/names.ts'

/** Whether a range (or an address) lies within a range. Both must be valid; families that differ never do. */
export function isInCidr(inner: string, outer: string): boolean {
  const a = parseCidr(inner)
  const b = parseCidr(outer)
  if (a.bits !== b.bits || a.length < b.length) return false
  const shift = BigInt(a.bits - b.length)
  return a.value >> shift === b.value >> shift
}

/** Whether nothing of the address is set behind the prefix. */
export function isNetworkAddress(range: string): boolean {
  const { value, bits, length } = parseCidr(range)
  const hostBits = BigInt(bits - length)
  return (value >> hostBits) << hostBits === value
}

/** An address as a number, with the width of its family. */
export function addressValue(address: string): { readonly value: bigint; readonly bits: 32 | 128 } {
  if (isIpv4(address)) return { value: ipv4Value(address), bits: 32 }
  const [head = '', tail] = address.split('::')
  const left = groupsOf(head)
  const right = tail === undefined ? [] : groupsOf(tail)
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => 0n)
  const groups = tail === undefined ? left : [...left, ...zeros, ...right]
  return { value: groups.reduce((sum, group) => (sum << 16n) | group, 0n), bits: 128 }
}

function parseCidr(range: string): { readonly value: bigint; readonly bits: number; readonly length: number } {
  const slash = range.indexOf('/')
  const { value, bits } = addressValue(slash < 0 ? range : range.slice(0, slash))
  return { value, bits, length: slash < 0 ? bits : Number(range.slice(slash + 1)) }
}

function ipv4Value(address: string): bigint {
  return address.split('.').reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n)
}

function groupsOf(text: string): bigint[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [BigInt(`0x${group}`)]
    const value = ipv4Value(group)
    return [value >> 16n, value & 0xffffn]
  })
}
