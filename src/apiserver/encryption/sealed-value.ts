import type { StoreKey } from '../../store/contract.ts'
import { openAesGcm, sealAesGcm } from './encryption.ts'

/** `metadata` because whatever is in the store is kept by the servers' caches as an object. */
type Sealed = { readonly metadata: { readonly name: string }; readonly sealed: string }

/** What only the servers of a cluster may read of the store: `content` as JSON, sealed with a secret that they share, for one key. */
export function sealedValue(secret: Uint8Array, key: StoreKey, content: unknown): Buffer {
  const sealed = sealAesGcm(secret, Buffer.from(JSON.stringify(content)), key).toString('base64')
  return Buffer.from(JSON.stringify({ metadata: { name: key.slice(key.lastIndexOf('/') + 1) }, sealed } satisfies Sealed))
}

/** Throws when it was sealed with another secret, or for another key. */
export function unsealedValue(secret: Uint8Array, key: StoreKey, value: Uint8Array): unknown {
  try {
    const { sealed } = JSON.parse(Buffer.from(value).toString()) as Sealed
    return JSON.parse(openAesGcm(secret, Buffer.from(sealed, 'base64'), key).toString())
  } catch (error) {
    const what = key.slice(key.lastIndexOf('/') + 1).replaceAll('-', ' ')
    throw new Error(`the store's ${what} were not sealed by this cluster's authority: pki/ca.key is not the one that they need`, {
      cause: error,
    })
  }
}
