/**
 * What service-account tokens say, and when they are still true
 * (https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens).
 */
import { statusErrors } from '../../machinery/status-error.ts'
import type { Secret } from '../../kinds/generated/types/core-v1.ts'
import type { KubeObject } from '../../machinery/object.ts'
import type { UserInfo } from '../contract.ts'
import { knownUser } from './authenticators.ts'

type Named = { readonly name: string; readonly uid: string }

/** Claims of a token from the TokenRequest API. */
export type BoundClaims = {
  readonly iss: string
  readonly sub: string
  readonly aud: readonly string[]
  readonly exp: number
  readonly nbf: number
  readonly iat?: number
  readonly jti?: string
  readonly 'kubernetes.io': {
    readonly namespace: string
    readonly serviceaccount: Named
    readonly pod?: Named
    readonly secret?: Named
    readonly node?: { readonly name: string; readonly uid?: string }
    /** Past this time (seconds) the token is only good because old clients do not read it anew. */
    readonly warnafter?: number
  }
}

/** Claims of a token that lies in a Secret and never expires. */
export type LegacyClaims = {
  readonly iss: typeof legacyIssuer
  readonly sub: string
  readonly 'kubernetes.io/serviceaccount/namespace': string
  readonly 'kubernetes.io/serviceaccount/secret.name': string
  readonly 'kubernetes.io/serviceaccount/service-account.name': string
  readonly 'kubernetes.io/serviceaccount/service-account.uid': string
}

export const legacyIssuer = 'kubernetes/serviceaccount'

/** What the authenticator asks to see whether a token's ground still exists. */
export type TokenLookup = (kind: 'ServiceAccount' | 'Pod' | 'Secret' | 'Node', namespace: string, name: string) => KubeObject | undefined

export type ParsedToken = {
  readonly header: { readonly alg?: unknown; readonly kid?: unknown }
  readonly claims: { readonly type: 'bound'; readonly of: BoundClaims } | { readonly type: 'legacy'; readonly of: LegacyClaims }
}

/** The claims of a token that says it is ours, unchecked; undefined for anything else. */
export function parseToken(token: string, issuers: readonly string[]): ParsedToken | undefined {
  const parts = token.split('.')
  if (parts.length !== 3) return undefined
  try {
    const header = decodePart(parts[0]!) as ParsedToken['header']
    const claims = decodePart(parts[1]!)
    if (claims.iss === legacyIssuer) {
      const legacy = claims as LegacyClaims
      const isWhole = typeof legacy.sub === 'string' && typeof legacy['kubernetes.io/serviceaccount/secret.name'] === 'string'
      return isWhole ? { header, claims: { type: 'legacy', of: legacy } } : undefined
    }
    const bound = claims as BoundClaims
    if (!issuers.includes(bound.iss)) return undefined
    const about = bound['kubernetes.io']
    const isWhole =
      typeof bound.exp === 'number' &&
      typeof bound.nbf === 'number' &&
      Array.isArray(bound.aud) &&
      typeof about?.serviceaccount?.uid === 'string'
    return isWhole ? { header, claims: { type: 'bound', of: bound } } : undefined
  } catch {
    return undefined
  }
}

const decodePart = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as { readonly iss?: unknown }

const leewaySeconds = 10
/** How long the token of an object that is being deleted is still good, past the time at which it should be gone. */
const deletionLeewayMs = 60_000

/** The user, or 401 with the reason as its cause: the time is over, or what the token is bound to is gone or another. */
export function userOfBound(claims: BoundClaims, lookup: TokenLookup, nowMs: number): UserInfo {
  const seconds = nowMs / 1000
  if (claims.exp < seconds) throw statusErrors.unauthorized('service account token has expired')
  if (claims.nbf > seconds + leewaySeconds) throw statusErrors.unauthorized('service account token is not valid yet')
  const { namespace, serviceaccount, pod, secret, node } = claims['kubernetes.io']
  demand(lookup('ServiceAccount', namespace, serviceaccount.name), serviceaccount.uid, nowMs)
  if (pod) demand(lookup('Pod', namespace, pod.name), pod.uid, nowMs)
  if (secret) demand(lookup('Secret', namespace, secret.name), secret.uid, nowMs)
  // The node of a pod is a hint; only a token bound to a node alone falls with it.
  if (node && !pod && !secret) demand(lookup('Node', '', node.name), node.uid ?? '', nowMs)
  const extra: Record<string, readonly string[]> = {}
  if (claims.jti) extra['authentication.kubernetes.io/credential-id'] = [`JTI=${claims.jti}`]
  if (pod) {
    extra['authentication.kubernetes.io/pod-name'] = [pod.name]
    extra['authentication.kubernetes.io/pod-uid'] = [pod.uid]
  }
  if (node) {
    extra['authentication.kubernetes.io/node-name'] = [node.name]
    if (node.uid) extra['authentication.kubernetes.io/node-uid'] = [node.uid]
  }
  return accountUser({ namespace, name: serviceaccount.name, uid: serviceaccount.uid, extra })
}

function demand(object: KubeObject | undefined, uid: string, nowMs: number): void {
  const deletedAt = object?.metadata.deletionTimestamp
  const isGone = !object || object.metadata.uid !== uid || (deletedAt !== undefined && Date.parse(deletedAt) < nowMs - deletionLeewayMs)
  if (isGone) throw statusErrors.unauthorized('service account token has been invalidated')
}

/** A token in a Secret is good while that Secret holds this very token and the account is the same. */
export function userOfLegacy(
  token: string,
  claims: LegacyClaims,
  {
    lookup,
    nowMs,
    noteUse,
  }: { readonly lookup: TokenLookup; readonly nowMs: number; readonly noteUse?: ((secret: Secret) => void) | undefined },
): UserInfo {
  const namespace = claims['kubernetes.io/serviceaccount/namespace']
  const name = claims['kubernetes.io/serviceaccount/service-account.name']
  const uid = claims['kubernetes.io/serviceaccount/service-account.uid']
  if (claims.sub !== accountName(namespace, name)) throw statusErrors.unauthorized('service account token has been invalidated')
  demand(lookup('ServiceAccount', namespace, name), uid, nowMs)
  const secret = lookup('Secret', namespace, claims['kubernetes.io/serviceaccount/secret.name']) as Secret | undefined
  const held = Buffer.from(secret?.data?.token ?? '', 'base64').toString('utf8')
  if (!secret || secret.metadata.deletionTimestamp || held !== token)
    throw statusErrors.unauthorized('service account token has been invalidated')
  if (secret.metadata.labels?.[invalidSinceLabel] !== undefined) {
    const where = `secret ${namespace}/${secret.metadata.name} for service account ${namespace}/${name}`
    const advice = `Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the '${invalidSinceLabel}' label from the secret to temporarily allow use of this token`
    throw statusErrors.unauthorized(`the token in ${where} has been marked invalid. ${advice}`)
  }
  noteUse?.(secret)
  return accountUser({ namespace, name, uid, extra: {} })
}

/** Set on Secrets whose token nobody has used for long. */
const invalidSinceLabel = 'kubernetes.io/legacy-token-invalid-since'

const accountName = (namespace: string, name: string) => `system:serviceaccount:${namespace}:${name}`

function accountUser(account: Named & { namespace: string; extra: Readonly<Record<string, readonly string[]>> }): UserInfo {
  const { namespace, name, uid, extra } = account
  return knownUser({
    name: accountName(namespace, name),
    uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
    ...(Object.keys(extra).length > 0 ? { extra } : {}),
  })
}
