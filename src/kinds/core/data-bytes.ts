/** The most that a ConfigMap or a Secret may hold, values only: 1 MiB. */
export const dataBytesMax = 1024 * 1024

export function textBytes(data: Readonly<Record<string, string>> | undefined): number {
  let bytes = 0
  for (const key in data) bytes += Buffer.byteLength(data[key]!)
  return bytes
}

/** Bytes of values that are given in base64. */
export function base64Bytes(data: Readonly<Record<string, string>> | undefined): number {
  let bytes = 0
  for (const key in data) bytes += Buffer.byteLength(data[key]!, 'base64')
  return bytes
}
