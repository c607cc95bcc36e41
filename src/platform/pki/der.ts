/** The few DER forms that certificates are made of (ITU-T X.690). Untrusted input is read by a library. */

const tags = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  sequence: 0x30,
  set: 0x31,
  utcTime: 0x17,
  generalizedTime: 0x18,
} as const

export function tagged(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([tag]), lengthOf(body.length), body])
}

export const sequence = (...parts: readonly Uint8Array[]) => tagged(tags.sequence, ...parts)
export const set = (...parts: readonly Uint8Array[]) => tagged(tags.set, ...parts)
export const octetString = (bytes: Uint8Array) => tagged(tags.octetString, bytes)
export const utf8String = (text: string) => tagged(tags.utf8String, Buffer.from(text, 'utf8'))
export const boolean = (value: boolean) => Buffer.from([0x01, 0x01, value ? 0xff : 0x00])

/** `unusedBits` of the last byte do not count. */
export const bitString = (bytes: Uint8Array, unusedBits = 0) => tagged(tags.bitString, Buffer.from([unusedBits]), bytes)

/** A non-negative integer from big-endian bytes. */
export function integer(bytes: Uint8Array): Buffer {
  const stripped = Buffer.from(bytes).subarray(
    Math.max(
      0,
      Buffer.from(bytes).findIndex((b) => b !== 0),
    ),
  )
  return tagged(tags.integer, (stripped[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), stripped]) : stripped)
}

/** `2.5.4.3` → its encoding. */
export function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number)
  const arc = (n: number): number[] => {
    const out = [n & 0x7f]
    for (let m = Math.floor(n / 128); m > 0; m = Math.floor(m / 128)) out.unshift((m & 0x7f) | 0x80)
    return out
  }
  return tagged(tags.oid, Buffer.from([first * 40 + second, ...rest.flatMap(arc)]))
}

/** UTCTime until 2049, GeneralizedTime after, as RFC 5280 wants. */
export function time(ms: number): Buffer {
  const digits = `${new Date(ms).toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`
  return digits < '2050' ? tagged(tags.utcTime, Buffer.from(digits.slice(2))) : tagged(tags.generalizedTime, Buffer.from(digits))
}

export function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

function lengthOf(n: number): Buffer {
  if (n < 0x80) return Buffer.from([n])
  const bytes: number[] = []
  for (let m = n; m > 0; m >>>= 8) bytes.unshift(m & 0xff)
  return Buffer.from([0x80 | bytes.length, ...bytes])
}

/** The first element within the one that `der` is, whole. For what a library has read already; throws RangeError for what has another form. */
export function firstOf(der: Buffer): Buffer {
  const start = headerLength(der, 0)
  return der.subarray(start, start + headerLength(der, start) + bodyLength(der, start))
}

const headerLength = (der: Buffer, at: number) => 2 + (der.readUInt8(at + 1) < 0x80 ? 0 : der.readUInt8(at + 1) & 0x7f)
const bodyLength = (der: Buffer, at: number) =>
  der.readUInt8(at + 1) < 0x80 ? der.readUInt8(at + 1) : der.readUIntBE(at + 2, headerLength(der, at) - 2)
