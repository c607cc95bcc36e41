/** The keys that values at rest are encrypted with, in one file of mode 0600: the first writes, all read. */
import { randomBytes } from 'node:crypto'
import { readTextFile } from '../text-file.ts'
import { writeSecretFile } from './cluster-pki.ts'

export type StoredEncryptionKey = { readonly id: string; readonly secret: Uint8Array }

type KeyFile = { readonly keys: readonly { readonly id: string; readonly secret: string }[] }

/**
 * Reads the keys from `path`, making a first one when there is no file. Throws when the file is there and cannot be understood:
 * with another key in its place, everything that was written would be lost.
 */
export function ensureEncryptionKeys(path: string): StoredEncryptionKey[] {
  return readKeys(path) ?? writeKeys(path, [newKey('key1')])
}

/** Puts a new key in front. The others stay, to read what they wrote, until they are dropped. */
export function rotateEncryptionKeys(path: string): StoredEncryptionKey[] {
  const keys = readKeys(path) ?? []
  const numbers = keys.map(({ id }) => Number(/^key(\d+)$/.exec(id)?.[1] ?? 0))
  return writeKeys(path, [newKey(`key${Math.max(0, ...numbers) + 1}`), ...keys])
}

/** Keeps the writing key alone. Only after everything has been written anew with it. */
export function dropOldEncryptionKeys(path: string): StoredEncryptionKey[] {
  return writeKeys(path, (readKeys(path) ?? []).slice(0, 1))
}

/** The keys' ids, the writing one first. */
export function encryptionKeyIds(path: string): readonly string[] {
  return (readKeys(path) ?? []).map(({ id }) => id)
}

const newKey = (id: string): StoredEncryptionKey => ({ id, secret: randomBytes(32) })

function readKeys(path: string): StoredEncryptionKey[] | undefined {
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

function writeKeys(path: string, keys: StoredEncryptionKey[]): StoredEncryptionKey[] {
  const file: KeyFile = { keys: keys.map(({ id, secret }) => ({ id, secret: Buffer.from(secret).toString('base64') })) }
  writeSecretFile(path, `${JSON.stringify(file, undefined, 2)}\n`)
  return keys
}
