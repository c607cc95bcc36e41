/** A server's store as it uses it: measured, encrypted with the keys that all servers share, compacted by one of them. */
import { createPrivateKey, hkdfSync } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import type { SigningKeyPair } from '../apiserver/authn/signing-keys.ts'
import { openSigningRing, type SigningRing } from '../apiserver/authn/signing-ring.ts'
import { encryptedStore, type EncryptionSource } from '../apiserver/encryption/encryption.ts'
import { finishRotations, type KeyRing, openKeyRing } from '../apiserver/encryption/encryption-ring.ts'
import type { HealthCheck } from '../apiserver/http/server-paths.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { readEncryptionKeys } from '../platform/pki/encryption-keys.ts'
import { startCompactor } from '../store/compactor.ts'
import type { Store } from '../store/contract.ts'
import { measuredStore } from '../store/measured-store.ts'
import type { NetworkChoice } from '../cli/machine.ts'
import type { ClusterNetwork } from './cluster-network.ts'
import { openConfigured } from './keys/configured-encryption.ts'
import { networkOfStore } from './node/kept-network.ts'
import { openStore } from './open-store.ts'
import type { StoreLocation } from './store-location.ts'

/** What is encrypted at rest: everything that Kubernetes calls secret. */
const encryptedPrefixes = ['/registry/core/secrets/']

/** An EncryptionConfiguration; `reloads`: read anew whenever the file changes. */
export type EncryptionFile = { readonly path: string; readonly reloads: boolean }

export type ServerStore = {
  /** For the API: plain values. */
  readonly store: Store
  /** The one beneath: values as they are stored. */
  readonly inner: Store
  readonly ring: KeyRing
  readonly signing: SigningRing
  /** The cluster's. */
  readonly network: ClusterNetwork
  /** Other servers write to it too. */
  readonly isShared: boolean
  readonly readyChecks: readonly HealthCheck[]
  readonly metrics: () => string
  /** What one of several servers does: it compacts, and finishes rotations of keys. Ends with the signal. */
  maintain(signal: AbortSignal): void
  /** Closes the store too. */
  close(): Promise<void>
}

/** `authorityKey` (PEM): what only the servers of a cluster have. `serviceAccountKeys`: what a store without such keys begins with. */
export type ServerKeys = { readonly authorityKey: string; readonly serviceAccountKeys: SigningKeyPair }

export type ServerStoreOptions = {
  readonly location: StoreLocation | undefined
  readonly dataDir: string
  /** A promise of them: they are read or made while the store opens. */
  readonly keys: ServerKeys | Promise<ServerKeys>
  readonly encryption: EncryptionFile | undefined
  /** Of a new cluster. */
  readonly network: NetworkChoice
  /** One that is starting already, for SQLite. */
  readonly thread?: Worker
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** Throws CliError when the store cannot be opened, or has another network than was chosen. */
export async function openServerStore(options: ServerStoreOptions): Promise<ServerStore> {
  const { dataDir, clock, log } = options
  const { store: opened, isShared, readyChecks, sizeBytes } = await openStore(options.location, options)
  try {
    const { store: inner, text } = measuredStore(opened, clock, sizeBytes)
    const oldFile = join(dataDir, 'pki', 'encryption.json')
    const { authorityKey, serviceAccountKeys } = await options.keys
    const secret = sealingSecret(authorityKey)
    // Together: what a new store begins with is one write.
    const [signing, ring, network] = await Promise.all([
      openSigningRing({ store: inner, sealingSecret: secret, first: serviceAccountKeys, clock }),
      openKeyRing({
        store: inner,
        sealingSecret: secret,
        // Before, the keys lay in a file of each server.
        firstKeys: readEncryptionKeys(oldFile),
        prefixes: encryptedPrefixes,
      }),
      networkOfStore(inner, options.network),
    ])
    rmSync(oldFile, { force: true })
    const configured = options.encryption && (await openConfigured(options.encryption, ring, options))
    const source: EncryptionSource = configured?.source ?? ring
    const ending = new AbortController()
    const tasks: Promise<void>[] = []
    const maintain = (term: AbortSignal) => {
      if (term.aborted) return
      const signal = AbortSignal.any([term, ending.signal])
      const stopCompactor = startCompactor({ store: inner, clock, log })
      signal.addEventListener('abort', stopCompactor, { once: true })
      tasks.push(finishRotations({ ring, source, clock, log }, signal))
      if (configured) tasks.push(configured.rewrite(inner, signal))
    }
    if (!isShared) maintain(ending.signal)
    return {
      store: encryptedStore(inner, source),
      inner,
      ring,
      signing,
      network,
      isShared,
      readyChecks: configured ? [...readyChecks, configured.source.readyCheck] : readyChecks,
      metrics: text,
      maintain,
      close: async () => {
        ending.abort()
        configured?.close()
        await Promise.all(tasks)
        await inner.close()
      },
    }
  } catch (error) {
    await opened.close()
    throw error
  }
}

/** Known to whoever has the authority's key, and to nobody else. */
function sealingSecret(authorityKey: string): Uint8Array {
  const der = createPrivateKey(authorityKey).export({ type: 'pkcs8', format: 'der' })
  return new Uint8Array(hkdfSync('sha256', der, '', 'keelson encryption keys', 32))
}
