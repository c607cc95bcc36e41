/**
 * The keys of service accounts' tokens, which all servers of a cluster share through the store: one entry, sealed with a secret that only
 * servers have. A new key signs from the moment that it is stored. A server that has not heard of it yet reads the ring when it meets a
 * token of a key that it does not know, so what one server signs all take at once.
 */
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import { type Revision, type Store, type StoreKey, StoreUnavailable } from '../../store/contract.ts'
import { sealedValue, unsealedValue } from '../encryption/sealed-value.ts'
import { createSigningKeys, publicKeysOf, type SigningKeyPair } from './signing-keys.ts'

/** Not below `/registry`: it is no object of the API. */
export const signingRingKey = '/keelson/service-account-keys' as StoreKey

export type SigningRing = {
  /** The signer, and every public key whose tokens are taken, the signer's first. */
  readonly pair: SigningKeyPair
  /** As tokens name them (`kid`), the signer's first. */
  readonly ids: readonly string[]
  /** Reads the ring again. */
  refresh(): Promise<void>
  /** The same for whoever met an unknown key, who may be anybody: at most once a second. */
  refreshSeldom(): Promise<void>
  /** A new key signs from now on; the tokens of the old ones are still taken. */
  rotate(): Promise<void>
  /** Only the signer's tokens are taken from now on. */
  dropOld(): Promise<void>
  /** Called with every pair that takes the place of another. */
  onChange(use: (pair: SigningKeyPair) => void): void
}

export type SigningRingOptions = {
  readonly store: Store
  /** 32 bytes that all servers of the cluster have. */
  readonly sealingSecret: Uint8Array
  /** What a store without a ring begins with. */
  readonly first: SigningKeyPair
  readonly clock: Clock
}

const attemptsMax = 10
const refreshMs = 1_000

/** Reads the ring, or makes it. Throws when it was sealed with another secret. */
export async function openSigningRing({ store, sealingSecret, first, clock }: SigningRingOptions): Promise<SigningRing> {
  const listeners: ((pair: SigningKeyPair) => void)[] = []
  let pair = first
  let revision: Revision | undefined
  const take = (next: SigningKeyPair, at: Revision) => {
    revision = at
    if (next.privateKey === pair.privateKey && next.publicKey === pair.publicKey) return
    pair = next
    for (const use of listeners) use(next)
  }
  const put = async (next: SigningKeyPair, expected: Revision | 'absent'): Promise<boolean> => {
    const value = sealedValue(sealingSecret, signingRingKey, next)
    const result = await store.commit([{ type: 'put', key: signingRingKey, value, expected }])
    if (result.type === 'committed') take(next, result.revision)
    return result.type === 'committed'
  }
  const refresh = async () => {
    const entry = await store.get(signingRingKey)
    if (!entry) throw new StoreUnavailable("the keys of service accounts' tokens are gone from the store")
    if (entry.revision !== revision) take(unsealedValue(sealingSecret, signingRingKey, entry.value) as SigningKeyPair, entry.revision)
  }
  const change = async (next: (current: SigningKeyPair) => SigningKeyPair) => {
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      await refresh()
      if (await put(next(pair), revision!)) return
    }
    throw new StoreUnavailable("the keys of service accounts' tokens keep changing")
  }
  if (!(await store.get(signingRingKey))) await put(withSignerFirst(first), 'absent')
  await refresh()
  let refreshing: { readonly done: Promise<void>; readonly atMs: number } | undefined
  return {
    get pair() {
      return pair
    },
    get ids() {
      return createSigningKeys(pair).keySet.keys.map(({ kid }) => kid!)
    },
    refresh,
    refreshSeldom: () => {
      const nowMs = clock.monotonicMs()
      if (!refreshing || nowMs - refreshing.atMs >= refreshMs) refreshing = { done: refresh(), atMs: nowMs }
      return refreshing.done
    },
    rotate: () => change(({ publicKey }) => newSigner(publicKey)),
    dropOld: () => change(({ privateKey }) => ({ privateKey, publicKey: publicPem(privateKey) })),
    onChange: (use) => void listeners.push(use),
  }
}

function newSigner(olderPublicKeys: string): SigningKeyPair {
  const fresh = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  return { privateKey: fresh.privateKey, publicKey: fresh.publicKey + olderPublicKeys }
}

/** Whatever their order in the files was, and whether the signer's own was among them. */
function withSignerFirst({ privateKey, publicKey }: SigningKeyPair): SigningKeyPair {
  const signer = publicPem(privateKey)
  const others = publicKeysOf(publicKey).map((key) => key.export({ type: 'spki', format: 'pem' }) as string)
  return { privateKey, publicKey: [signer, ...others.filter((pem) => pem !== signer)].join('') }
}

const publicPem = (privateKey: string) => createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }) as string
