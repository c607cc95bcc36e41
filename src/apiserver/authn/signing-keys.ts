/**
 * The keys of service-account tokens: one signs, all verify (RFC 7515, 7517, 7518). Rotation puts a new signer in front and
 * keeps the public keys of the old ones for as long as their tokens shall be good.
 */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'

/** PEM. `publicKey` may hold several keys one after the other; the signer's own need not be among them. */
export type SigningKeyPair = { readonly privateKey: string; readonly publicKey: string }

export type SigningKeys = {
  /** A compact JWS over the claims. */
  sign(claims: object): string
  /** Whether one of the keys signed the token, which has three parts. */
  verify(token: string, header: { readonly alg?: unknown; readonly kid?: unknown }): boolean
  /** Whether there is a key of that id. */
  knows(kid: string): boolean
  /** The public keys, the signer's first. */
  readonly keySet: { readonly keys: readonly Record<string, string>[] }
  readonly algorithms: readonly string[]
}

type PublicKey = { readonly id: string; readonly alg: string; readonly key: KeyObject }

const curves: Readonly<Record<string, string>> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' }
const publicPem = /-----BEGIN [A-Z ]*PUBLIC KEY-----[\s\S]+?-----END [A-Z ]*PUBLIC KEY-----/g

/** Throws when a key is neither RSA nor on one of the NIST curves. */
export function createSigningKeys(pair: SigningKeyPair): SigningKeys {
  const privateKey = createPrivateKey(pair.privateKey)
  const signer = describe(createPublicKey(privateKey))
  const known = new Map([[signer.id, signer]])
  for (const key of publicKeysOf(pair.publicKey)) {
    const found = describe(key)
    if (!known.has(found.id)) known.set(found.id, found)
  }
  const all = [...known.values()]
  const header = encodePart({ alg: signer.alg, kid: signer.id })
  return {
    sign: (claims) => {
      const signed = `${header}.${encodePart(claims)}`
      const signature = sign(hashOf(signer.alg), Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' })
      return `${signed}.${signature.toString('base64url')}`
    },
    verify: (token, { alg, kid }) => {
      const end = token.lastIndexOf('.')
      const signed = Buffer.from(token.slice(0, end))
      const signature = Buffer.from(token.slice(end + 1), 'base64url')
      // The algorithm is the key's, never the token's to choose.
      const candidates = all.filter((k) => k.alg === alg && (kid === undefined || kid === '' || k.id === kid))
      return candidates.some((k) => verify(hashOf(k.alg), signed, { key: k.key, dsaEncoding: 'ieee-p1363' }, signature))
    },
    knows: (kid) => known.has(kid),
    keySet: {
      keys: all.map(({ id, alg, key }) => ({ use: 'sig', alg, kid: id, ...(key.export({ format: 'jwk' }) as Record<string, string>) })),
    },
    algorithms: [...new Set(all.map(({ alg }) => alg))],
  }
}

/** The keys of a text that holds several one after the other. */
export function publicKeysOf(pem: string): KeyObject[] {
  return [...pem.matchAll(publicPem)].map(([one]) => createPublicKey(one))
}

function describe(key: KeyObject): PublicKey {
  const alg = key.asymmetricKeyType === 'rsa' ? 'RS256' : curves[key.asymmetricKeyDetails?.namedCurve ?? '']
  if (!alg) throw new Error('a key of service-account tokens must be RSA or on the curve P-256, P-384 or P-521')
  const id = createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('base64url')
  return { id, alg, key }
}

const hashOf = (alg: string) => `sha${alg.slice(2)}`
const encodePart = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
