/** The file of keys that values at rest were encrypted with before the store kept them itself: the first wrote, all read. */
import { readTextFile } from '../text-file.ts'

export type StoredEncryptionKey = { readonly id: string; readonly secret: Uint8Array }

type KeyFile = { readonly keys: readonly { readonly id: string; readonly secret: string }[] }

/**
 * Undefined when there is no such file. Throws when it is there and cannot be understood: with another key in its place, everything
 * that was written would be lost.
 */
export function readEncryptionKeys(path: string): StoredEncryptionKey[] | undefined {
  const text = readTextFile(path)
  if (text === undefined) return undefined
  try {
    const keys = (JSON.parse(text) as KeyFile).keys.map(({ id, secret }) => ({ id, secret: Buffer.from(secret, 'base64') }))
    if (keys.length > 0 && keys.every(({ id, secret }) => typeof id === 'string' && secret.byteLength === 32)) return keys
  } catch (error) {
    throw new Error(`${path} does not hold encryption keys`, { cause: error })
  }
  throw new Error(`${path} does not hold encryption keys`)
}
