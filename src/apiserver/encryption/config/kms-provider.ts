/**
 * Encryption with a key that never leaves a key service: version 2 of upstream's protocol over a Unix socket
 * (https://kubernetes.io/docs/tasks/administer-cluster/kms-provider/). Values are encrypted here, each under a key of its own that is
 * derived from a seed; the service sees the seed alone, once when it is made and once by each server that meets it.
 */
import { createHmac, randomBytes } from 'node:crypto'
import protobuf from 'protobufjs/light.js'
import type { Clock } from '../../../base/clock.ts'
import type { Log } from '../../../base/log.ts'
import type { Random } from '../../../base/random.ts'
import { createGrpcCaller, type GrpcCaller } from '../../../platform/grpc-caller.ts'
import { StoreUnavailable } from '../../../store/contract.ts'
import { openAesGcm, sealAesGcm, UnknownEncryptionKey } from '../encryption.ts'
import type { Provider } from './configuration.ts'
import descriptor from './kms-v2.json' with { type: 'json' }
import type { ValueProvider } from './providers.ts'

export type KmsProvider = ValueProvider & {
  /** Asks the service for the seed of this value. Throws StoreUnavailable when it does not give it. */
  learn(stored: Uint8Array): Promise<void>
  /** As the service said last. */
  readonly isHealthy: boolean
  close(): void
}

type KmsOptions = Extract<Provider, { type: 'kms' }>
type Parts = { readonly clock: Clock; readonly random: Random; readonly log: Log }
type Annotations = Readonly<Record<string, Uint8Array>>
type Status = { readonly version: string; readonly healthz: string; readonly key_id: string }
/** What values are written under: the seed here, and sealed by the service. */
type Writing = { readonly seed: Uint8Array; readonly keyId: string; readonly sealedSeed: Uint8Array; readonly annotations: Annotations }
type EncryptedObject = {
  readonly encryptedData: Uint8Array
  readonly keyID: string
  readonly encryptedDEKSource: Uint8Array
  readonly annotations: Annotations
  readonly encryptedDEKSourceType: number
}

const seedBytes = 32
const infoBytes = 32
/** HKDF_SHA256_XNONCE_AES_GCM_SEED */
const seedType = 1
const seedsMax = 10_000
/** Upstream's: how often the service is asked whether it has another key. */
const statusEveryMs = 60_000
const versions = ['v2', 'v2beta1']

const objectType = protobuf.Root.fromJSON(descriptor).lookupType('v2.EncryptedObject')

/** Throws an Error when the service does not answer, is not well, or speaks another version. */
export async function openKmsProvider(options: KmsOptions, parts: Parts): Promise<KmsProvider> {
  const caller = createGrpcCaller({ address: options.endpoint, descriptors: [descriptor], clock: parts.clock })
  try {
    const provider = new KmsService(options, caller, parts)
    await provider.renew()
    return provider
  } catch (error) {
    caller.close()
    throw new Error(`the key service ${options.name} at ${options.endpoint} cannot be used: ${(error as Error).message}`, { cause: error })
  }
}

class KmsService implements KmsProvider {
  readonly mark: Uint8Array
  readonly #options: KmsOptions
  readonly #caller: GrpcCaller
  readonly #parts: Parts
  /** By the sealed seed in base64; the oldest goes first. */
  readonly #seeds = new Map<string, Uint8Array>()
  #writing: Writing | undefined
  #isClosed = false
  #cancel = () => {}
  isHealthy = true

  constructor(options: KmsOptions, caller: GrpcCaller, parts: Parts) {
    this.#options = options
    this.#caller = caller
    this.#parts = parts
    this.mark = Buffer.from(`k8s:enc:kms:v2:${options.name}:`)
  }

  /** Takes a new seed where the service has another key than the one that is written with; then again in a minute. */
  async renew(): Promise<void> {
    const { version, healthz, key_id: keyId } = await this.#call<Status>('Status', {})
    if (healthz !== 'ok') throw new Error(`got unexpected healthz status: ${healthz}`)
    if (!versions.includes(version)) throw new Error(`expected KMSv2 API version v2, got ${version}`)
    if (keyId === '') throw new Error('expected KMSv2 KeyID to be set, got ')
    if (this.#writing?.keyId !== keyId) {
      const seed = randomBytes(seedBytes)
      const request = { plaintext: seed, uid: this.#parts.random.uuid() }
      const sealed = await this.#call<{ ciphertext: Uint8Array; key_id: string; annotations: Annotations }>('Encrypt', request)
      this.#remember(sealed.ciphertext, seed)
      this.#writing = { seed, keyId: sealed.key_id, sealedSeed: sealed.ciphertext, annotations: sealed.annotations }
    }
    this.isHealthy = true
    if (!this.#isClosed) this.#cancel = this.#parts.clock.schedule(statusEveryMs, () => void this.#look())
  }

  encrypt(key: string, value: Uint8Array): Uint8Array {
    const { seed, keyId, sealedSeed, annotations } = this.#writing!
    const info = randomBytes(infoBytes)
    const object: EncryptedObject = {
      encryptedData: Buffer.concat([info, sealAesGcm(derivedKey(seed, info), value, key)]),
      keyID: keyId,
      encryptedDEKSource: sealedSeed,
      annotations,
      encryptedDEKSourceType: seedType,
    }
    return Buffer.concat([this.mark, objectType.encode(objectType.fromObject(object)).finish()])
  }

  decrypt(key: string, stored: Uint8Array): Uint8Array {
    const { encryptedData, encryptedDEKSource, encryptedDEKSourceType } = this.#objectOf(stored)
    if (encryptedDEKSourceType !== seedType) throw new Error(`the value of ${key} has a key of another sort than this server makes`)
    const seed = this.#seeds.get(idOf(encryptedDEKSource))
    if (!seed) throw new UnknownEncryptionKey(`the value of ${key} needs a seed of the key service ${this.#options.name}`, stored)
    const info = encryptedData.subarray(0, infoBytes)
    return openAesGcm(derivedKey(seed, info), encryptedData.subarray(infoBytes), key)
  }

  isStale(stored: Uint8Array): boolean {
    return this.#objectOf(stored).keyID !== this.#writing!.keyId
  }

  async learn(stored: Uint8Array): Promise<void> {
    const { encryptedDEKSource: ciphertext, keyID, annotations } = this.#objectOf(stored)
    if (this.#seeds.has(idOf(ciphertext))) return
    try {
      const request = { ciphertext, uid: this.#parts.random.uuid(), key_id: keyID, annotations }
      this.#remember(ciphertext, (await this.#call<{ plaintext: Uint8Array }>('Decrypt', request)).plaintext)
    } catch (error) {
      const why = `the key service ${this.#options.name} does not open a key: ${(error as Error).message}`
      throw new StoreUnavailable(why, { cause: error })
    }
  }

  close(): void {
    this.#isClosed = true
    this.#cancel()
    this.#caller.close()
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    try {
      await this.renew()
    } catch (error) {
      if (this.#isClosed) return
      this.isHealthy = false
      this.#parts.log.warn({ provider: this.#options.name, error: (error as Error).message }, 'the key service is not well')
      this.#cancel = this.#parts.clock.schedule(statusEveryMs, () => void this.#look())
    }
  }

  #call<Response>(method: string, request: object): Promise<Response> {
    return this.#caller.unary<Response>(`v2.KeyManagementService/${method}`, request, { timeoutMs: this.#options.timeoutMs })
  }

  #objectOf(stored: Uint8Array): EncryptedObject {
    const message = objectType.decode(stored.subarray(this.mark.byteLength))
    return objectType.toObject(message, { defaults: true, objects: true }) as EncryptedObject
  }

  #remember(sealed: Uint8Array, seed: Uint8Array): void {
    this.#seeds.set(idOf(sealed), seed)
    if (this.#seeds.size > seedsMax) this.#seeds.delete(this.#seeds.keys().next().value!)
  }
}

const idOf = (sealed: Uint8Array) => Buffer.from(sealed).toString('base64')

/** HKDF-Expand of RFC 5869 for one block: the seed is random enough to need no extracting. */
function derivedKey(seed: Uint8Array, info: Uint8Array): Uint8Array {
  return createHmac('sha256', seed).update(info).update(Buffer.of(1)).digest()
}
