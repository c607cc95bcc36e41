/**
 * Tokens of service accounts: JSON Web Tokens signed with the cluster's own keys, with upstream's claims
 * (https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens).
 *  1. A token is good only while what it is bound to (account, pod, secret, node) exists with the same uid.
 *  2. Signatures are checked once a token; bindings and expiry on every use.
 */
import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { Secret } from '../../kinds/generated/types/core-v1.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import type { Authenticator, UserInfo } from '../contract.ts'
import { createSigningKeys, type SigningKeyPair } from './signing-keys.ts'
import {
  type BoundClaims,
  legacyIssuer,
  type ParsedToken,
  parseToken,
  type TokenLookup,
  userOfBound,
  userOfLegacy,
} from './token-claims.ts'

export const defaultIssuer = 'https://kubernetes.default.svc.cluster.local'

export type BoundObject = { readonly kind: 'Pod' | 'Secret' | 'Node'; readonly name: string; readonly uid: string }

export type TokenRequestFacts = {
  readonly namespace: string
  readonly serviceAccount: { readonly name: string; readonly uid: string }
  readonly audiences: readonly string[]
  /** 600 s at least. */
  readonly expirationSeconds: number
  readonly bound: BoundObject | undefined
  /** The node of the pod that the token is bound to; without a uid when there is no such Node. */
  readonly node: { readonly name: string; readonly uid?: string } | undefined
}

/** `expirationSeconds` is what was granted: at most the server's maximum. `id` is the token's `jti`. */
export type IssuedToken = { readonly token: string; readonly expiresAtMs: number; readonly expirationSeconds: number; readonly id: string }

export type ServiceAccountTokens = Authenticator & {
  issue(facts: TokenRequestFacts): IssuedToken
  /** A token without an end, to lie in the Secret of that name. */
  issueLegacy(facts: { namespace: string; secretName: string; serviceAccount: { name: string; uid: string } }): string
  /** For TokenReview: the user and the audiences of `wanted` (default: the API's own) that the token is for. */
  review(token: string, wanted: readonly string[] | undefined): Promise<TokenVerdict | undefined> | TokenVerdict | undefined
  /** RFC 7517 key set and the OpenID discovery document. */
  readonly keySet: { readonly keys: readonly Record<string, string>[] }
  discoveryDocument(jwksUri: string): Record<string, unknown>
  /** From now on these keys sign and verify. */
  useKeys(pair: SigningKeyPair): void
  /** What a token is for when its request does not say. */
  readonly audiences: readonly string[]
}
export type TokenVerdict = { readonly user: UserInfo; readonly audiences: readonly string[] }

export type TokenOptions = {
  /** The first issues, all are accepted. */
  readonly issuers?: readonly string[]
  /** Default: the issuers. */
  readonly audiences?: readonly string[]
  /** Longest life that is granted; absent: what is asked for. */
  readonly expirationSecondsMax?: number
  /** Pods' tokens of an hour stay good for a year, for clients that read them once. Default true, as upstream. */
  readonly extendsExpiration?: boolean
}

const verifiedTokensMax = 10_000
/** What the ServiceAccount admission asks for: only such a token is extended. */
const extendedRequestSeconds = 3_607
const extendedSeconds = 365 * 24 * 3600

export function createServiceAccountTokens(
  options: TokenOptions &
    SigningKeyPair & {
      lookup: TokenLookup
      clock: Clock
      random: Random
      noteLegacyUse?: (secret: Secret) => void
      /** Asks for the newest keys, having met a token of one that is not known; what it brings comes by `useKeys`. */
      refreshKeys?: () => Promise<void>
    },
): ServiceAccountTokens {
  const { clock, random, lookup, issuers = [defaultIssuer], extendsExpiration = true } = options
  const issuer = issuers[0] ?? defaultIssuer
  const ownAudiences = options.audiences ?? issuers
  let keys = createSigningKeys(options)
  const verified = new Map<string, ParsedToken['claims']>()

  const check = (token: string): ParsedToken['claims'] | undefined => {
    const known = verified.get(token)
    if (known) return known
    const parsed = parseToken(token, issuers)
    if (!parsed) return undefined
    if (!keys.verify(token, parsed.header)) throw statusErrors.unauthorized('invalid signature of a service account token')
    if (verified.size >= verifiedTokensMax) verified.delete(verified.keys().next().value!)
    verified.set(token, parsed.claims)
    return parsed.claims
  }
  const judge = (token: string, wanted: readonly string[]): TokenVerdict | undefined => {
    const claims = check(token)
    if (!claims) return undefined
    const nowMs = clock.now()
    // A token of a Secret says nothing of audiences: it is for the API.
    const of = claims.type === 'bound' ? claims.of.aud : ownAudiences
    const audiences = wanted.filter((a) => of.includes(a))
    if (audiences.length === 0)
      throw statusErrors.unauthorized(`token audiences ${list(of)} is invalid for the target audiences ${list(wanted)}`)
    const user =
      claims.type === 'bound'
        ? userOfBound(claims.of, lookup, nowMs)
        : userOfLegacy(token, claims.of, { lookup, nowMs, noteUse: options.noteLegacyUse })
    return { user, audiences }
  }

  const isOfUnknownKey = (token: string): boolean => {
    if (verified.has(token)) return false
    const { kid } = parseToken(token, issuers)?.header ?? {}
    return typeof kid === 'string' && !keys.knows(kid)
  }
  const judgeWithNewest = (token: string, wanted: readonly string[]) =>
    options.refreshKeys && isOfUnknownKey(token) ? options.refreshKeys().then(() => judge(token, wanted)) : judge(token, wanted)

  return {
    audiences: ownAudiences,
    issue: (facts) => {
      const expirationSeconds = Math.min(facts.expirationSeconds, options.expirationSecondsMax ?? facts.expirationSeconds)
      const nowSeconds = Math.floor(clock.now() / 1000)
      const id = random.uuid()
      const audiences = facts.audiences.length > 0 ? facts.audiences : ownAudiences
      const isExtended =
        extendsExpiration &&
        facts.bound?.kind === 'Pod' &&
        expirationSeconds === extendedRequestSeconds &&
        audiences.every((a) => ownAudiences.includes(a))
      const claims = claimsOf({ ...facts, audiences, expirationSeconds }, { issuer, nowSeconds, id, isExtended })
      return { token: keys.sign(claims), expiresAtMs: (nowSeconds + expirationSeconds) * 1000, expirationSeconds, id }
    },
    issueLegacy: ({ namespace, secretName, serviceAccount: { name, uid } }) =>
      keys.sign({
        iss: legacyIssuer,
        'kubernetes.io/serviceaccount/namespace': namespace,
        'kubernetes.io/serviceaccount/secret.name': secretName,
        'kubernetes.io/serviceaccount/service-account.name': name,
        'kubernetes.io/serviceaccount/service-account.uid': uid,
        sub: `system:serviceaccount:${namespace}:${name}`,
      }),
    authenticate: ({ bearerToken }) => {
      const verdict = bearerToken === undefined ? undefined : judgeWithNewest(bearerToken, ownAudiences)
      return verdict instanceof Promise ? verdict.then((found) => found?.user) : verdict?.user
    },
    review: (token, wanted) => judgeWithNewest(token, wanted?.length ? wanted : ownAudiences),
    get keySet() {
      return keys.keySet
    },
    discoveryDocument: (jwksUri) => ({
      issuer,
      jwks_uri: jwksUri,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: keys.algorithms,
    }),
    useKeys: (pair) => {
      keys = createSigningKeys(pair)
      verified.clear()
    },
  }
}

const list = (values: readonly string[]) => `[${values.map((v) => JSON.stringify(v)).join(' ')}]`

function claimsOf(
  facts: TokenRequestFacts,
  context: { issuer: string; nowSeconds: number; id: string; isExtended: boolean },
): BoundClaims & Record<string, unknown> {
  const { namespace, serviceAccount, bound, node, expirationSeconds } = facts
  const { nowSeconds, isExtended } = context
  return {
    aud: facts.audiences,
    exp: nowSeconds + (isExtended ? extendedSeconds : expirationSeconds),
    iat: nowSeconds,
    iss: context.issuer,
    jti: context.id,
    'kubernetes.io': {
      namespace,
      ...(bound ? { [bound.kind.toLowerCase()]: { name: bound.name, uid: bound.uid } } : {}),
      ...(node ? { node } : {}),
      serviceaccount: { name: serviceAccount.name, uid: serviceAccount.uid },
      ...(isExtended ? { warnafter: nowSeconds + expirationSeconds } : {}),
    },
    nbf: nowSeconds,
    sub: `system:serviceaccount:${namespace}:${serviceAccount.name}`,
  }
}
