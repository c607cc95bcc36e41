import { type DecodedPacket, decode } from 'dns-packet'

/** A decoded message; the library's types leave out what its decoder also gives. */
export type DnsMessage = DecodedPacket & { readonly rcode?: string; readonly opcode?: string }

/** Undefined for bytes that are no DNS message. */
export function decodeMessage(bytes: Buffer): DnsMessage | undefined {
  try {
    return decode(bytes)
  } catch {
    return undefined
  }
}
