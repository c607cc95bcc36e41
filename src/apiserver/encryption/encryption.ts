import { type CipherGCMTypes, createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import {
  type CommitResult,
  type Entry,
  type EventBatch,
  type ListOptions,
  type Operation,
  type Revision,
  type Store,
  type StoreEvent,
  type StoreKey,
  StoreUnavailable,
  type WatchOptions,
} from '../../store/contract.ts'

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
  /** Whether values of this key may be encrypted. */
  covers(key: StoreKey): boolean
  encrypt(key: StoreKey, value: Uint8Array): Uint8Array
  /** Throws when the value cannot be trusted; UnknownEncryptionKey when another key may help. */
  decrypt(key: StoreKey, stored: Uint8Array): Uint8Array
  /** Not as `encrypt` would write it now: plain, or with an older key. */
  isStale(key: StoreKey, stored: Uint8Array): boolean
}

/** The value was encrypted with a key that is not known here (yet). */
export class UnknownEncryptionKey extends Error {
  override name = 'UnknownEncryptionKey'
  readonly stored: Uint8Array
  constructor(message: string, stored: Uint8Array) {
    super(message)
    this.stored = stored
  }
}

/** Where the encryption of the moment comes from. */
export type EncryptionSource = {
  readonly encryption: ValueEncryption
  /** Holds as long as values may be written with `encryption`: goes with every commit that does. */
  readonly guard: (Operation & { readonly type: 'check' }) | undefined
  /** Brings `encryption` and `guard` up to date; `stored` could not be read, or the guard did not hold. */
  refresh(stored: Uint8Array | undefined): Promise<void>
}

export const fixedSource = (encryption: ValueEncryption): EncryptionSource => ({ encryption, guard: undefined, refresh: async () => {} })

/** `secret` is 32 bytes; the id has no colon and is at most 64 characters. */
export type EncryptionKey = { readonly id: string; readonly secret: Uint8Array }

/** Common to all values that a provider of an EncryptionConfiguration wrote. */
export const configuredMark = Buffer.from('k8s:enc:')
const mark = Buffer.from('keelson:enc:aesgcm:v1:')
const nonceBytes = 12
const tagBytes = 16

/** The first key writes, all read. `prefixes`: the keys in the store whose values it encrypts. */
export function createValueEncryption(keys: readonly EncryptionKey[], prefixes: readonly string[]): ValueEncryption {
  const [writing] = keys
  if (!writing) throw new Error('encryption needs at least one key')
  for (const { id, secret } of keys) {
    if (!/^[^:]{1,64}$/.test(id) || secret.byteLength !== 32)
      throw new Error(`encryption key ${JSON.stringify(id)} is not an id with 32 bytes`)
  }
  const byId = new Map(keys.map((key) => [key.id, key.secret]))
  if (byId.size !== keys.length) throw new Error('two encryption keys have the same id')
  const head = Buffer.concat([mark, Buffer.from(`${writing.id}:`)])
  return {
    covers: (key) => prefixes.some((prefix) => key.startsWith(prefix)),
    encrypt: (key, value) => Buffer.concat([head, sealAesGcm(writing.secret, value, key)]),
    decrypt: (key, stored) => {
      if (startsWith(stored, configuredMark)) throw new Error(`the value of ${key} is encrypted, and no provider is configured for it`)
      if (!startsWith(stored, mark)) return stored
      const idEnd = stored.indexOf(0x3a, mark.length)
      const id = idEnd < 0 ? '' : Buffer.from(stored.subarray(mark.length, idEnd)).toString()
      const secret = byId.get(id)
      if (!secret)
        throw new UnknownEncryptionKey(`the value of ${key} is encrypted with key ${JSON.stringify(id)}, which is not known`, stored)
      try {
        return openAesGcm(secret, stored.subarray(idEnd + 1), key)
      } catch (error) {
        throw new Error(`the encrypted value of ${key} is not what was written`, { cause: error })
      }
    },
    isStale: (_key, stored) => !startsWith(stored, head),
  }
}

/** 12 random bytes of nonce, the ciphertext, 16 bytes of tag; `secret` is 16, 24 or 32 bytes long. */
export function sealAesGcm(secret: Uint8Array, plain: Uint8Array, associated: string): Buffer {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv(gcmName(secret), secret, nonce)
  cipher.setAAD(Buffer.from(associated))
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** Throws when `sealed` is not what was sealed. */
export function openAesGcm(secret: Uint8Array, sealed: Uint8Array, associated: string): Buffer {
  if (sealed.byteLength < nonceBytes + tagBytes) throw new Error('the encrypted value is cut short')
  const decipher = createDecipheriv(gcmName(secret), secret, sealed.subarray(0, nonceBytes))
  decipher.setAAD(Buffer.from(associated))
  decipher.setAuthTag(sealed.subarray(sealed.byteLength - tagBytes))
  return Buffer.concat([decipher.update(sealed.subarray(nonceBytes, sealed.byteLength - tagBytes)), decipher.final()])
}

const gcmName = (secret: Uint8Array) => `aes-${secret.byteLength * 8}-gcm` as CipherGCMTypes

export function startsWith(bytes: Uint8Array, head: Uint8Array): boolean {
  return bytes.byteLength >= head.byteLength && head.every((byte, i) => bytes[i] === byte)
}

/** A commit whose guard failed is made again with fresh keys, at most this often. */
const attemptsMax = 5

/**
 * A store whose values are encrypted in `store` and plain to whoever uses this one. It keeps every promise of the contract; closing it
 * closes `store`.
 */
export function encryptedStore(store: Store, source: EncryptionSource): Store {
  const covers = (key: StoreKey) => source.encryption.covers(key)
  /** What this process wrote comes back to its own watchers as the very bytes it gave, undecrypted. */
  const plainOf = new WeakMap<Uint8Array, Uint8Array>()
  const seal = (operation: Operation): Operation => {
    if (operation.type !== 'put' || !covers(operation.key)) return operation
    const value = source.encryption.encrypt(operation.key, operation.value)
    plainOf.set(value, operation.value)
    return { ...operation, value }
  }
  // An object begins with a brace: what does not was encrypted once, whatever is covered now.
  const mayBeSealed = ({ key, value }: { readonly key: StoreKey; readonly value: Uint8Array }) => value[0] === 0x6b || covers(key)
  const openEntry = (entry: Entry): Entry =>
    mayBeSealed(entry) ? { ...entry, value: plainOf.get(entry.value) ?? source.encryption.decrypt(entry.key, entry.value) } : entry
  const openEvent = (event: StoreEvent): StoreEvent => {
    if (event.type === 'delete') return mayBeSealed(event.previous) ? { ...event, previous: openEntry(event.previous) } : event
    return mayBeSealed(event) ? { ...event, value: plainOf.get(event.value) ?? source.encryption.decrypt(event.key, event.value) } : event
  }
  const openEntries = (entries: readonly Entry[]) => opening(source, () => entries.map(openEntry))
  const commit = async (operations: readonly Operation[]): Promise<CommitResult> => {
    // What a deletion tells is never stored.
    for (const operation of operations) if (operation.type === 'delete' && operation.last) plainOf.set(operation.last, operation.last)
    if (!operations.some((operation) => operation.type === 'put' && covers(operation.key))) return store.commit(operations)
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      const { guard } = source
      const sealed = operations.map(seal)
      const result = await store.commit(guard ? [...sealed, guard] : sealed)
      if (result.type === 'committed' || result.key !== guard?.key) return result
      await source.refresh(undefined)
    }
    throw new StoreUnavailable('the encryption keys keep changing')
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
      return entry && (await openEntries([entry]))[0]
    },
    list: async (prefix: string, options?: ListOptions) => {
      const result = await store.list(prefix, options)
      return { ...result, entries: await openEntries(result.entries) }
    },
    scan: async (prefix) => {
      const { revision, chunks } = await store.scan(prefix)
      // As in watch: a scan that takes the place of a broken watch may stand for a change of the keys.
      if (source.guard) await source.refresh(undefined)
      return { revision, chunks: mapped(chunks, openEntries) }
    },
    commit: async (operations): Promise<CommitResult> => {
      const result = await commit(operations)
      return result.type === 'conflict' && result.current ? { ...result, current: (await openEntries([result.current]))[0] } : result
    },
    watch: (prefix: string, options: WatchOptions): AsyncIterable<EventBatch> =>
      mapped(store.watch(prefix, options), async ({ revision, events }) => {
        // Whoever follows the whole store follows the keys too: they need no watch of their own.
        const guarding = source.guard?.key
        if (guarding !== undefined && events.some(({ key }) => key === guarding)) await source.refresh(undefined)
        return opening(source, () => ({ revision, events: events.map(openEvent) }))
      }),
    compact: (before: Revision) => store.compact(before),
    close: () => store.close(),
  }
}

/** Again with fresh keys where one was not known; each round learns one. */
async function opening<T>(source: EncryptionSource, open: () => T): Promise<T> {
  for (let unknown: Uint8Array | undefined; ; ) {
    try {
      return open()
    } catch (error) {
      if (!(error instanceof UnknownEncryptionKey) || error.stored === unknown) throw error
      unknown = error.stored
      await source.refresh(unknown)
    }
  }
}

async function* mapped<In, Out>(source: AsyncIterable<In>, map: (item: In) => Promise<Out>): AsyncGenerator<Out> {
  for await (const item of source) yield await map(item)
}

/**
 * Writes what is plain or under an older key anew, one key a commit; what somebody else changes meanwhile is thereby new already.
 * Gives the number of values written, and undefined when the source's guard did not hold any more: then begin again. Takes the
 * inner store, the one with the encrypted values.
 */
export async function reencrypt(store: Store, source: EncryptionSource): Promise<number | undefined> {
  const { encryption, guard } = source
  let count = 0
  const { chunks } = await store.scan('')
  for await (const entries of chunks) {
    for (const { key, value, revision } of entries) {
      if (!encryption.covers(key) || !encryption.isStale(key, value)) continue
      const plain = await opening(source, () => encryption.decrypt(key, value))
      const fresh = encryption.encrypt(key, plain)
      const result = await store.commit([{ type: 'put', key, value: fresh, expected: revision }, ...(guard ? [guard] : [])])
      if (result.type === 'committed') count++
      else if (result.key === guard?.key) return undefined
    }
  }
  return count
}
