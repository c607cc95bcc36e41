/**
 * The keys of encryption at rest, which all servers of a cluster share through the store: one entry, sealed with a secret that only
 * servers have.
 *
 *  R1  A value is written only while the ring stands at the revision that its key was read from (the guard goes with the commit): a
 *      server that has missed a rotation cannot write with an old key, however late it is.
 *  R2  A new key is in the ring before any value has it, so whoever meets an unknown key finds it there.
 *  R3  An old key leaves the ring only after a scan that began with the new one in front has left nothing under it, and after the
 *      history with it was compacted away. A crash anywhere leaves a ring that reads everything; whoever looks next goes on.
 */
import { randomBytes } from 'node:crypto'
import { type Clock, sleep } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { type Revision, type Store, type StoreKey, StoreUnavailable } from '../../store/contract.ts'
import { createValueEncryption, type EncryptionKey, type EncryptionSource, reencrypt, type ValueEncryption } from './encryption.ts'
import { sealedValue, unsealedValue } from './sealed-value.ts'

/** Not below `/registry`: it is no object of the API. */
export const keyRingKey = '/keelson/encryption-keys' as StoreKey

export type KeyRingOptions = {
  /** The inner store, the one with the encrypted values. */
  readonly store: Store
  /** 32 bytes that all servers of the cluster have. */
  readonly sealingSecret: Uint8Array
  /** What a store without a ring begins with; absent: a new key. */
  readonly firstKeys?: readonly EncryptionKey[] | undefined
  readonly prefixes: readonly string[]
}

export type KeyRing = EncryptionSource & {
  /** Ids, the writing key's first. */
  readonly ids: readonly string[]
  /** Resolves when other keys than now have been seen; rejects when the signal aborts. */
  changed(signal: AbortSignal): Promise<void>
  /** Puts a new key in front, and gives its id. Throws RotationUnderWay while an older one still reads. */
  rotate(): Promise<string>
  /**
   * Writes everything anew with the first key and drops the others. Does nothing where there is one key. `source`: by what is written
   * where a configuration stands before the ring. Gives how many values.
   */
  finish(source?: EncryptionSource): Promise<number>
}

export class RotationUnderWay extends Error {
  override name = 'RotationUnderWay'
}

type SealedKeys = readonly { readonly id: string; readonly secret: string }[]

const finishesMax = 10

/** Reads the ring, or makes it. Throws when it was sealed with another secret. */
export async function openKeyRing(options: KeyRingOptions): Promise<KeyRing> {
  const ring = new StoredKeyRing(options)
  await ring.open()
  return ring
}

class StoredKeyRing implements KeyRing {
  readonly #options: KeyRingOptions
  /** Every key that was ever in the ring while this process ran: a watcher may be behind. */
  readonly #known = new Map<string, EncryptionKey>()
  #keys: readonly EncryptionKey[] = []
  #revision: Revision | undefined
  #encryption: ValueEncryption | undefined
  readonly #waiting = new Set<() => void>()

  constructor(options: KeyRingOptions) {
    this.#options = options
  }

  get encryption(): ValueEncryption {
    return this.#encryption!
  }

  get guard() {
    return { type: 'check', key: keyRingKey, expected: this.#revision! } as const
  }

  get ids(): readonly string[] {
    return this.#keys.map(({ id }) => id)
  }

  async open(): Promise<void> {
    const { store, firstKeys } = this.#options
    if (!(await store.get(keyRingKey))) await this.#put(firstKeys ?? [newKey('key1')], 'absent')
    await this.refresh()
  }

  async refresh(): Promise<void> {
    const entry = await this.#options.store.get(keyRingKey)
    if (!entry) throw new StoreUnavailable('the encryption keys are gone from the store')
    if (entry.revision !== this.#revision) this.#take(this.#unseal(entry.value), entry.revision)
  }

  async rotate(): Promise<string> {
    for (let attempt = 1; attempt <= finishesMax; attempt++) {
      await this.refresh()
      if (this.#keys.length > 1) throw new RotationUnderWay(`the values of ${this.#keys.at(-1)!.id} are still being written anew`)
      const numbers = [...this.#known.keys()].map((id) => Number(/^key(\d+)$/.exec(id)?.[1] ?? 0))
      const fresh = newKey(`key${Math.max(0, ...numbers) + 1}`)
      if (await this.#put([fresh, ...this.#keys], this.#revision!)) return fresh.id
    }
    throw new StoreUnavailable('the encryption keys keep changing')
  }

  async finish(source: EncryptionSource = this): Promise<number> {
    const { store } = this.#options
    let total = 0
    for (let attempt = 1; attempt <= finishesMax; attempt++) {
      await this.refresh()
      if (this.#keys.length === 1) return total
      const [keys, revision] = [this.#keys, this.#revision!]
      const count = await reencrypt(store, source)
      total += count ?? 0
      if (count === undefined) continue
      await store.compact(store.revision)
      if (await this.#put(keys.slice(0, 1), revision)) return total
    }
    throw new StoreUnavailable('the encryption keys keep changing')
  }

  changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = () => {
        this.#waiting.delete(done)
        signal.removeEventListener('abort', onAbort)
        resolve()
      }
      const onAbort = () => {
        this.#waiting.delete(done)
        reject(signal.reason as Error)
      }
      if (signal.aborted) return onAbort()
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiting.add(done)
    })
  }

  #take(keys: readonly EncryptionKey[], revision: Revision): void {
    for (const key of keys) this.#known.set(key.id, key)
    this.#keys = keys
    this.#revision = revision
    const others = [...this.#known.values()].filter((key) => key.id !== keys[0]!.id)
    this.#encryption = createValueEncryption([keys[0]!, ...others], this.#options.prefixes)
    for (const done of [...this.#waiting]) done()
  }

  /** False when somebody else was first. */
  async #put(keys: readonly EncryptionKey[], expected: Revision | 'absent'): Promise<boolean> {
    const { store, sealingSecret } = this.#options
    const plain: SealedKeys = keys.map(({ id, secret }) => ({ id, secret: Buffer.from(secret).toString('base64') }))
    const value = sealedValue(sealingSecret, keyRingKey, plain)
    const result = await store.commit([{ type: 'put', key: keyRingKey, value, expected }])
    if (result.type === 'committed') this.#take(keys, result.revision)
    return result.type === 'committed'
  }

  #unseal(value: Uint8Array): readonly EncryptionKey[] {
    const keys = unsealedValue(this.#options.sealingSecret, keyRingKey, value) as SealedKeys
    return keys.map(({ id, secret }) => ({ id, secret: Buffer.from(secret, 'base64') }))
  }
}

const newKey = (id: string): EncryptionKey => ({ id, secret: randomBytes(32) })

const retryMs = 10_000

/**
 * Finishes every rotation that the ring shows, whoever began it, until the signal aborts: at the one server, or at the one that leads.
 * `source`: by what is written where a configuration stands before the ring.
 */
export async function finishRotations(
  { ring, source, clock, log }: { ring: KeyRing; source: EncryptionSource; clock: Clock; log: Log },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      if (ring.ids.length > 1) {
        const values = await ring.finish(source)
        log.info({ values, key: ring.ids[0] }, 'what is encrypted at rest was written anew with the newest key')
      }
      if (ring.ids.length === 1) await ring.changed(signal)
    } catch (error) {
      if (signal.aborted) return
      log.warn({ error: String(error) }, 'a rotation of the encryption keys could not be finished; trying again')
      await sleep(clock, retryMs, signal).catch(() => {})
    }
  }
}
