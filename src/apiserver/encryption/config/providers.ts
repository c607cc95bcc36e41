/** The providers of an EncryptionConfiguration, in upstream's stored forms: what one of them wrote, a Kubernetes API server reads. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js'
import type { StoreKey } from '../../../store/contract.ts'
import { configuredMark, openAesGcm, sealAesGcm, startsWith } from '../encryption.ts'
import type { ConfiguredKey, Provider } from './configuration.ts'

/** Values by one provider. `mark` is what its values begin with; empty for identity. */
export type ValueProvider = {
  readonly mark: Uint8Array
  /** With the mark. */
  encrypt(key: StoreKey, value: Uint8Array): Uint8Array
  /** Throws when the value cannot be trusted. */
  decrypt(key: StoreKey, stored: Uint8Array): Uint8Array
  /** Its own, but not as it would write it now. */
  isStale(stored: Uint8Array): boolean
}

export function createProvider(provider: Exclude<Provider, { type: 'kms' }>): ValueProvider {
  if (provider.type === 'identity') return identity
  return keyedProvider(provider.type, provider.keys)
}

const identity: ValueProvider = {
  mark: new Uint8Array(0),
  encrypt: (_key, value) => value,
  decrypt: (_key, stored) => {
    if (startsWith(stored, configuredMark)) throw new Error('identity transformer tried to read encrypted data')
    return stored
  },
  isStale: () => false,
}

type Cipher = {
  seal(secret: Uint8Array, value: Uint8Array, key: StoreKey): Uint8Array
  open(secret: Uint8Array, sealed: Uint8Array, key: StoreKey): Uint8Array
}

function keyedProvider(type: 'aesgcm' | 'aescbc' | 'secretbox', keys: readonly ConfiguredKey[]): ValueProvider {
  const mark = Buffer.from(`k8s:enc:${type}:v1:`)
  const cipher = ciphers[type]
  const marked = keys.map(({ name, secret }) => ({ head: Buffer.concat([mark, Buffer.from(`${name}:`)]), secret }))
  const writing = marked[0]!
  return {
    mark,
    encrypt: (key, value) => Buffer.concat([writing.head, cipher.seal(writing.secret, value, key)]),
    decrypt: (key, stored) => {
      const candidates = marked.filter(({ head }) => startsWith(stored, head))
      let failure: unknown
      for (const { head, secret } of candidates) {
        try {
          return cipher.open(secret, stored.subarray(head.byteLength), key)
        } catch (error) {
          failure = error
        }
      }
      if (candidates.length > 0) throw new Error(`the encrypted value of ${key} is not what was written`, { cause: failure })
      throw new Error(`no matching key was found for the provided ${type === 'secretbox' ? 'Secretbox' : 'AES'} transformer`)
    },
    isStale: (stored) => !startsWith(stored, writing.head),
  }
}

const blockBytes = 16
const boxNonceBytes = 24

/** CBC without a tag, as upstream has it: it hides, and does not prove. */
const aesCbc: Cipher = {
  seal: (secret, value) => {
    const iv = randomBytes(blockBytes)
    const cipher = createCipheriv(`aes-${secret.byteLength * 8}-cbc`, secret, iv)
    return Buffer.concat([iv, cipher.update(value), cipher.final()])
  },
  open: (secret, sealed) => {
    if (sealed.byteLength < blockBytes) throw new Error('the stored data was shorter than the required size')
    const decipher = createDecipheriv(`aes-${secret.byteLength * 8}-cbc`, secret, sealed.subarray(0, blockBytes))
    return Buffer.concat([decipher.update(sealed.subarray(blockBytes)), decipher.final()])
  },
}

const ciphers: Readonly<Record<'aesgcm' | 'aescbc' | 'secretbox', Cipher>> = {
  aesgcm: { seal: sealAesGcm, open: openAesGcm },
  aescbc: aesCbc,
  secretbox: {
    seal: (secret, value) => {
      const nonce = randomBytes(boxNonceBytes)
      return Buffer.concat([nonce, xsalsa20poly1305(secret, nonce).encrypt(value)])
    },
    open: (secret, sealed) => xsalsa20poly1305(secret, sealed.subarray(0, boxNonceBytes)).decrypt(sealed.subarray(boxNonceBytes)),
  },
}
