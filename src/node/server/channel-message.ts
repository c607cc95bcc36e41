/** One message of the channel protocols over WebSocket: the channel's number, then the bytes; in base64 the number is a digit. */
export function encodeChannel(channel: number, payload: Uint8Array, isBase64: boolean): Buffer | string {
  if (isBase64) return String.fromCharCode(0x30 + channel) + Buffer.from(payload).toString('base64')
  const message = Buffer.allocUnsafe(payload.length + 1)
  message[0] = channel
  message.set(payload, 1)
  return message
}

/** Undefined: an empty message, which means nothing. */
export function decodeChannel(data: Buffer, isBase64: boolean): { readonly channel: number; readonly payload: Buffer } | undefined {
  if (data.length === 0) return undefined
  if (!isBase64) return { channel: data[0]!, payload: data.subarray(1) }
  return { channel: data[0]! - 0x30, payload: Buffer.from(data.toString('latin1', 1), 'base64') }
}
