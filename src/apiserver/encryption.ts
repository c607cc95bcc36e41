import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type {
  CommitResult,
  Entry,
  EventBatch,
  ListOptions,
  Operation,
  Revision,
  Store,
  StoreEvent,
  StoreKey,
  WatchOptions,
} from '../store/contract.ts'

/**
 * Encryption at rest of the values under some prefixes (Secrets above all): AES-256-GCM with a random nonce a value, and the
 * store's key as associated data, so that a value cannot be moved to another key.
 *
 *  1. The first key writes, every key reads: a new key goes in front, and `reencrypt` then frees the old one.
 *  2. A value that was written before encryption was on is read as it is, and encrypted with its next write.
 *  3. A value whose key is missing, or that was changed, fails to be read: never is the ciphertext taken for the value.
 *
 * Stored form: `keelson:enc:aesgcm:v1:<key id>:` then 12 bytes of nonce, the ciphertext, 16 bytes of tag. A key is good for
 * 2^32 values (NIST SP 800-38D, 8.3): rotate it long before.
 */
export type ValueEncryption = {
  encrypt(key: StoreKey, value: Uint8Array): Uint8Array
  /** Throws when the value cannot be trusted. */
  decrypt(key: StoreKey, stored: Uint8Array): Uint8Array
  /** Not written with the first key: plain, or with an older one. */
  isStale(stored: Uint8Array): boolean
}

/** `secret` is 32 bytes; the id has no colon and is at most 64 characters. */
export type EncryptionKey = { readonly id: string; readonly secret: Uint8Array }

const prefix = Buffer.from('keelson:enc:aesgcm:v1:')
const nonceBytes = 12
const tagBytes = 16

export function createValueEncryption(keys: readonly EncryptionKey[]): ValueEncryption {
  const [writing] = keys
  if (!writing) throw new Error('encryption needs at least one key')
  for (const { id, secret } of keys) {
    if (!/^[^:]{1,64}$/.test(id) || secret.byteLength !== 32)
      throw new Error(`encryption key ${JSON.stringify(id)} is not an id with 32 bytes`)
  }
  const byId = new Map(keys.map((key) => [key.id, key.secret]))
  if (byId.size !== keys.length) throw new Error('two encryption keys have the same id')
  const head = Buffer.concat([prefix, Buffer.from(`${writing.id}:`)])
  return {
    encrypt: (key, value) => {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', writing.secret, nonce)
      cipher.setAAD(Buffer.from(key))
      return Buffer.concat([head, nonce, cipher.update(value), cipher.final(), cipher.getAuthTag()])
    },
    decrypt: (key, stored) => {
      if (!startsWith(stored, prefix)) return stored
      const idEnd = stored.indexOf(0x3a, prefix.length)
      const id = idEnd < 0 ? '' : Buffer.from(stored.subarray(prefix.length, idEnd)).toString()
      const secret = byId.get(id)
      if (!secret) throw new Error(`the value of ${key} is encrypted with key ${JSON.stringify(id)}, which is not known`)
      const body = stored.subarray(idEnd + 1)
      if (body.byteLength < nonceBytes + tagBytes) throw new Error(`the encrypted value of ${key} is cut short`)
      const decipher = createDecipheriv('aes-256-gcm', secret, body.subarray(0, nonceBytes))
      decipher.setAAD(Buffer.from(key))
      decipher.setAuthTag(body.subarray(body.byteLength - tagBytes))
      try {
        return Buffer.concat([decipher.update(body.subarray(nonceBytes, body.byteLength - tagBytes)), decipher.final()])
      } catch (error) {
        throw new Error(`the encrypted value of ${key} is not what was written`, { cause: error })
      }
    },
    isStale: (stored) => !startsWith(stored, head),
  }
}

function startsWith(bytes: Uint8Array, head: Uint8Array): boolean {
  return bytes.byteLength >= head.byteLength && head.every((byte, i) => bytes[i] === byte)
}

/**
 * A store whose values under `prefixes` are encrypted in `store` and plain to whoever uses this one. It keeps every promise of
 * the contract; closing it closes `store`.
 */
export function encryptedStore(store: Store, encryption: ValueEncryption, prefixes: readonly string[]): Store {
  const isSecret = (key: string) => prefixes.some((prefix) => key.startsWith(prefix))
  /** What this process wrote comes back to its own watchers as the very bytes it gave, undecrypted. */
  const plainOf = new WeakMap<Uint8Array, Uint8Array>()
  const seal = (operation: Operation): Operation => {
    if (operation.type === 'delete' || !isSecret(operation.key)) return operation
    const value = encryption.encrypt(operation.key, operation.value)
    plainOf.set(value, operation.value)
    return { ...operation, value }
  }
  const open = (key: StoreKey, value: Uint8Array) => plainOf.get(value) ?? encryption.decrypt(key, value)
  const openEntry = (entry: Entry): Entry => (isSecret(entry.key) ? { ...entry, value: open(entry.key, entry.value) } : entry)
  const openEvent = (event: StoreEvent): StoreEvent => {
    if (!isSecret(event.key)) return event
    return event.type === 'put' ? { ...event, value: open(event.key, event.value) } : { ...event, previous: openEntry(event.previous) }
  }
  return {
    get revision() {
      return store.revision
    },
    freshRevision: () => store.freshRevision(),
    get compactRevision() {
      return store.compactRevision
    },
    get: async (key) => {
      const entry = await store.get(key)
      return entry && openEntry(entry)
    },
    list: async (prefix: string, options?: ListOptions) => {
      const result = await store.list(prefix, options)
      return { ...result, entries: result.entries.map(openEntry) }
    },
    scan: async (prefix) => {
      const { revision, chunks } = await store.scan(prefix)
      return { revision, chunks: mapped(chunks, (entries) => entries.map(openEntry)) }
    },
    commit: async (operations): Promise<CommitResult> => {
      const result = await store.commit(operations.map(seal))
      return result.type === 'conflict' && result.current ? { ...result, current: openEntry(result.current) } : result
    },
    watch: (prefix: string, options: WatchOptions): AsyncIterable<EventBatch> =>
      mapped(store.watch(prefix, options), ({ revision, events }) => ({ revision, events: events.map(openEvent) })),
    compact: (before: Revision) => store.compact(before),
    close: () => store.close(),
  }
}

async function* mapped<In, Out>(source: AsyncIterable<In>, map: (item: In) => Out): AsyncGenerator<Out> {
  for await (const item of source) yield map(item)
}

/**
 * Writes what is plain or under an older key anew, one key a commit; what somebody else changes meanwhile is thereby new
 * already. Gives the number of values written. Takes the inner store, the one with the encrypted values.
 */
export async function reencrypt(store: Store, encryption: ValueEncryption, prefixes: readonly string[]): Promise<number> {
  let count = 0
  for (const prefix of prefixes) {
    const { chunks } = await store.scan(prefix)
    for await (const entries of chunks) {
      for (const { key, value, revision } of entries) {
        if (!encryption.isStale(value)) continue
        const fresh = encryption.encrypt(key, encryption.decrypt(key, value))
        const result = await store.commit([{ type: 'put', key, value: fresh, expected: revision }])
        if (result.type === 'committed') count++
      }
    }
  }
  return count
}
