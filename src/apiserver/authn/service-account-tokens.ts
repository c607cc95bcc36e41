/**
 * Tokens of service accounts: JSON Web Tokens signed with the cluster's own key, with upstream's claims
 * (https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens).
 *  1. A token is good only while what it is bound to (account, pod, secret, node) exists with the same uid.
 *  2. Signatures are checked once a token; bindings and expiry on every use.
 */
import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import type { Authenticator, UserInfo } from '../contract.ts'
import { knownUser } from './authenticators.ts'

export const defaultIssuer = 'https://kubernetes.default.svc.cluster.local'

export type BoundObject = { readonly kind: 'Pod' | 'Secret' | 'Node'; readonly name: string; readonly uid: string }

export type TokenRequestFacts = {
  readonly namespace: string
  readonly serviceAccount: { readonly name: string; readonly uid: string }
  readonly audiences: readonly string[]
  /** 600 s at least. */
  readonly expirationSeconds: number
  readonly bound: BoundObject | undefined
  /** The node of the pod that the token is bound to. */
  readonly node: { readonly name: string; readonly uid: string } | undefined
}

export type IssuedToken = { readonly token: string; readonly expiresAtMs: number }

/** What the authenticator asks to see whether a token's ground still exists. */
export type TokenLookup = (kind: 'ServiceAccount' | 'Pod' | 'Secret' | 'Node', namespace: string, name: string) => KubeObject | undefined

export type ServiceAccountTokens = Authenticator & {
  issue(facts: TokenRequestFacts): IssuedToken
  /** For TokenReview: the user and the audiences of `wanted` (default: the API's own) that the token is for. */
  review(
    token: string,
    wanted: readonly string[] | undefined,
  ): { readonly user: UserInfo; readonly audiences: readonly string[] } | undefined
  /** RFC 7517 key set and the OpenID discovery document. */
  readonly keySet: { readonly keys: readonly Record<string, string>[] }
  discoveryDocument(jwksUri: string): Record<string, unknown>
}

type Claims = {
  readonly iss: string
  readonly sub: string
  readonly aud: readonly string[]
  readonly exp: number
  readonly nbf: number
  readonly jti?: string
  readonly 'kubernetes.io': {
    readonly namespace: string
    readonly serviceaccount: { readonly name: string; readonly uid: string }
    readonly pod?: { readonly name: string; readonly uid: string }
    readonly secret?: { readonly name: string; readonly uid: string }
    readonly node?: { readonly name: string; readonly uid: string }
  }
}

const verifiedTokensMax = 10_000
const leewaySeconds = 10

export function createServiceAccountTokens(options: {
  privateKey: string
  publicKey: string
  issuer?: string
  audiences?: readonly string[]
  lookup: TokenLookup
  clock: Clock
  random: Random
}): ServiceAccountTokens {
  const { clock, random, lookup } = options
  const issuer = options.issuer ?? defaultIssuer
  const ownAudiences = options.audiences ?? [issuer]
  const privateKey = createPrivateKey(options.privateKey)
  const publicKey = createPublicKey(options.publicKey)
  const keyId = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url')
  // A cluster that kubeadm made signs with RSA; Keelson's own keys are on the curve P-256.
  const alg = publicKey.asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256'
  const header = encodePart({ alg, kid: keyId })
  const verified = new Map<string, Claims>()

  const check = (token: string): Claims | undefined => {
    const known = verified.get(token)
    if (known) return known
    const claims = parseToken(token, { issuer, alg })
    if (!claims) return undefined
    const signedEnd = token.lastIndexOf('.')
    const signature = Buffer.from(token.slice(signedEnd + 1), 'base64url')
    const isSigned = verify('sha256', Buffer.from(token.slice(0, signedEnd)), { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)
    if (!isSigned) throw statusErrors.unauthorized()
    if (verified.size >= verifiedTokensMax) verified.delete(verified.keys().next().value!)
    verified.set(token, claims)
    return claims
  }

  const userOf = (claims: Claims): UserInfo => {
    const seconds = clock.now() / 1000
    if (claims.exp < seconds || claims.nbf > seconds + leewaySeconds) throw statusErrors.unauthorized()
    demandGround(claims, lookup)
    return userOfClaims(claims)
  }

  return {
    issue: (facts) => {
      const nowSeconds = Math.floor(clock.now() / 1000)
      const claims = claimsOf(facts, { issuer, ownAudiences, nowSeconds, id: random.uuid() })
      const signed = `${header}.${encodePart(claims)}`
      const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' })
      return { token: `${signed}.${signature.toString('base64url')}`, expiresAtMs: claims.exp * 1000 }
    },
    authenticate: ({ bearerToken }) => {
      const claims = bearerToken === undefined ? undefined : check(bearerToken)
      if (!claims) return undefined
      if (!claims.aud.some((a) => ownAudiences.includes(a))) throw statusErrors.unauthorized()
      return userOf(claims)
    },
    review: (token, wanted) => {
      const claims = check(token)
      if (!claims) return undefined
      const audiences = (wanted?.length ? wanted : ownAudiences).filter((a) => claims.aud.includes(a))
      return audiences.length > 0 ? { user: userOf(claims), audiences } : undefined
    },
    keySet: { keys: [{ use: 'sig', alg, kid: keyId, ...(publicKey.export({ format: 'jwk' }) as Record<string, string>) }] },
    discoveryDocument: (jwksUri) => ({
      issuer,
      jwks_uri: jwksUri,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: [alg],
    }),
  }
}

function claimsOf(
  facts: TokenRequestFacts,
  context: { issuer: string; ownAudiences: readonly string[]; nowSeconds: number; id: string },
): Claims & Record<string, unknown> {
  const { namespace, serviceAccount, bound, node } = facts
  return {
    aud: facts.audiences.length > 0 ? facts.audiences : context.ownAudiences,
    exp: context.nowSeconds + facts.expirationSeconds,
    iat: context.nowSeconds,
    iss: context.issuer,
    jti: context.id,
    'kubernetes.io': {
      namespace,
      ...(bound ? { [bound.kind.toLowerCase()]: { name: bound.name, uid: bound.uid } } : {}),
      ...(node ? { node } : {}),
      serviceaccount: { name: serviceAccount.name, uid: serviceAccount.uid },
    },
    nbf: context.nowSeconds,
    sub: `system:serviceaccount:${namespace}:${serviceAccount.name}`,
  }
}

const encodePart = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** The claims of a token that says it is ours, unchecked; undefined for anything else. */
function parseToken(token: string, { issuer, alg }: { issuer: string; alg: string }): Claims | undefined {
  const parts = token.split('.')
  if (parts.length !== 3) return undefined
  try {
    const header = JSON.parse(Buffer.from(parts[0]!, 'base64url').toString('utf8')) as { alg?: unknown }
    const claims = JSON.parse(Buffer.from(parts[1]!, 'base64url').toString('utf8')) as Claims
    if (header.alg !== alg || claims.iss !== issuer) return undefined
    const about = claims['kubernetes.io']
    const isWhole =
      typeof claims.exp === 'number' &&
      typeof claims.nbf === 'number' &&
      Array.isArray(claims.aud) &&
      typeof about?.serviceaccount?.uid === 'string'
    return isWhole ? claims : undefined
  } catch {
    return undefined
  }
}

function demandGround(claims: Claims, lookup: TokenLookup): void {
  const { namespace, serviceaccount, pod, secret, node } = claims['kubernetes.io']
  const holds = (kind: Parameters<TokenLookup>[0], of: { name: string; uid: string } | undefined, where: string) => {
    if (!of) return true
    const object = lookup(kind, where, of.name)
    // A pod that is going away may use its token until it is gone.
    return object !== undefined && object.metadata.uid === of.uid && (kind === 'Pod' || !object.metadata.deletionTimestamp)
  }
  // The node of a pod is a hint; only a token bound to a node alone falls with it.
  const isNodeBound = node !== undefined && pod === undefined && secret === undefined
  const isGood =
    holds('ServiceAccount', serviceaccount, namespace) &&
    holds('Pod', pod, namespace) &&
    holds('Secret', secret, namespace) &&
    (!isNodeBound || holds('Node', node, ''))
  if (!isGood) throw statusErrors.unauthorized()
}

function userOfClaims(claims: Claims): UserInfo {
  const { namespace, serviceaccount, pod, node } = claims['kubernetes.io']
  const extra: Record<string, readonly string[]> = {}
  if (claims.jti) extra['authentication.kubernetes.io/credential-id'] = [`JTI=${claims.jti}`]
  if (pod) {
    extra['authentication.kubernetes.io/pod-name'] = [pod.name]
    extra['authentication.kubernetes.io/pod-uid'] = [pod.uid]
  }
  if (node) {
    extra['authentication.kubernetes.io/node-name'] = [node.name]
    extra['authentication.kubernetes.io/node-uid'] = [node.uid]
  }
  return knownUser({
    name: claims.sub,
    uid: serviceaccount.uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
    extra,
  })
}
