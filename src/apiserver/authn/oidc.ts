/**
 * Users by the ID tokens of an OpenID provider (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#openid-connect-tokens).
 * The provider's keys are fetched when the first token comes, and anew when one names a key that is not known. Loaded only where a
 * provider is configured.
 */
import { request as httpsRequest } from 'node:https'
import { createLocalJWKSet, decodeJwt, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import type { Authenticator } from '../contract.ts'
import { createExpiringCache } from '../expiring-cache.ts'
import { type ClaimRules, type Claims, userOfClaims } from './claim-rules.ts'
import { withDistributedClaim } from './distributed-claims.ts'

export type OidcOptions = {
  readonly issuer: string
  /** Where the discovery document is; absent: below the issuer. */
  readonly discoveryUrl?: string
  /** The token must be for one of them. */
  readonly audiences: readonly string[]
  readonly algorithms: readonly string[]
  readonly rules: ClaimRules
  /** PEM; undefined: the system's authorities. */
  readonly ca: string | undefined
}

type FetchJson = (url: string) => Promise<unknown>
/** `accessToken`: shown unless empty. */
type FetchText = (url: string, accessToken: string) => Promise<string>
type KeySet = ReturnType<typeof createLocalJWKSet>

/** Between two fetches of the keys, however many tokens name keys that are not there. */
const refetchMs = 30_000
const keysMaxAgeMs = 10 * 60_000
const fetchTimeoutMs = 10_000
const documentBytesMax = 1024 * 1024

/** Servers that distributed claims come from, at most: each has keys of its own. */
const claimIssuersMax = 16
/** A claim from elsewhere is good for as long as upstream remembers a token. */
const claimAgeMs = 10_000
const claimsMax = 1024

type Parts = { readonly clock: Clock; readonly log: Log; readonly fetchJson?: FetchJson; readonly fetchText?: FetchText }

export function createOidcAuthenticator(options: OidcOptions, parts: Parts): Authenticator {
  const { clock, log, fetchText = fetcher(options.ca) } = parts
  const { fetchJson = async (url: string) => JSON.parse(await fetchText(url, '')) as unknown } = parts
  const verify = createVerifier(options, { clock, fetchJson })
  const { groups } = options.rules
  const expand =
    groups && 'claim' in groups
      ? claimExpansion({ claim: groups.claim, options, fetchText, fetchJson, clock })
      : (claims: JWTPayload) => claims
  return {
    authenticate: ({ bearerToken }) => {
      if (bearerToken === undefined || issuerOf(bearerToken) !== options.issuer) return undefined
      return verify(bearerToken).then(
        async (claims) => userOfClaims(options.rules, await expand(claims, bearerToken)),
        (error: unknown) => {
          if (!(error instanceof errors.JOSEError))
            log.warn({ issuer: options.issuer, error: String(error) }, 'the OpenID provider cannot be asked for its keys')
          throw statusErrors.unauthorized(`oidc: verify token: ${error instanceof Error ? error.message : String(error)}`)
        },
      )
    },
  }
}

type Expansion = {
  readonly claim: string
  readonly options: OidcOptions
  readonly fetchText: FetchText
  readonly fetchJson: FetchJson
  readonly clock: Clock
}

/** Brings the claim of groups from where the token says that it is. The other server's tokens are for the same audiences. */
function claimExpansion({ claim, options, fetchText, fetchJson, clock }: Expansion) {
  const verifiers = new Map<string, Verify>()
  const known = createExpiringCache<Claims>({ clock, entriesMax: claimsMax })
  const verifierOf = (issuer: string): Verify => {
    const { discoveryUrl: _, ...rest } = options
    const verify = verifiers.get(issuer) ?? createVerifier({ ...rest, issuer }, { clock, fetchJson })
    verifiers.delete(issuer)
    if (verifiers.size >= claimIssuersMax) verifiers.delete(verifiers.keys().next().value!)
    verifiers.set(issuer, verify)
    return verify
  }
  const verify = (token: string) => {
    const issuer = issuerOf(token)
    if (!issuer?.startsWith('https://')) throw new Error('the token names no https issuer')
    return verifierOf(issuer)(token)
  }
  return async (claims: JWTPayload, token: string): Promise<Claims> => {
    if (claims[claim] !== undefined || claims['_claim_names'] === undefined) return claims
    const found = known.get(token)
    if (found) return found
    try {
      const whole = await withDistributedClaim(claims, claim, { fetchText, verify: async (one) => verify(one) })
      known.set(token, whole, claimAgeMs)
      return whole
    } catch (error) {
      throw statusErrors.unauthorized(`oidc: could not expand distributed claims: ${(error as Error).message}`)
    }
  }
}

type Verify = (token: string) => Promise<JWTPayload>

function createVerifier(options: OidcOptions, parts: { readonly clock: Clock; readonly fetchJson: FetchJson }): Verify {
  const keysFor = keySource(options, parts.fetchJson, parts.clock)
  const verify = async (token: string, mayRefetch: boolean): Promise<JWTPayload> => {
    const { keys, isFresh } = await keysFor(!mayRefetch)
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer: options.issuer,
        audience: [...options.audiences],
        algorithms: [...options.algorithms],
        currentDate: new Date(parts.clock.now()),
        requiredClaims: ['exp'],
      })
      return payload
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey && mayRefetch && !isFresh) return verify(token, false)
      throw error
    }
  }
  return (token) => verify(token, true)
}

function issuerOf(token: string): string | undefined {
  try {
    return decodeJwt(token).iss
  } catch {
    return undefined
  }
}

function keySource({ issuer, discoveryUrl }: OidcOptions, fetchJson: FetchJson, clock: Clock) {
  const documentUrl = discoveryUrl ?? `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  let held: { readonly keys: KeySet; readonly atMs: number } | undefined
  let fetching: Promise<KeySet> | undefined
  const fetchKeys = async (): Promise<KeySet> => {
    const discovery = (await fetchJson(documentUrl)) as {
      issuer?: string
      jwks_uri?: string
    }
    if (discovery.issuer !== issuer)
      throw new Error(`the provider calls itself ${JSON.stringify(discovery.issuer)}, not ${JSON.stringify(issuer)}`)
    if (!discovery.jwks_uri?.startsWith('https://')) throw new Error('the provider names no https jwks_uri')
    const keys = createLocalJWKSet((await fetchJson(discovery.jwks_uri)) as JSONWebKeySet)
    held = { keys, atMs: clock.now() }
    return keys
  }
  return async (isMissing: boolean): Promise<{ readonly keys: KeySet; readonly isFresh: boolean }> => {
    const ageMs = held ? clock.now() - held.atMs : Number.POSITIVE_INFINITY
    if (held && ageMs < (isMissing ? refetchMs : keysMaxAgeMs)) return { keys: held.keys, isFresh: ageMs < refetchMs }
    fetching ??= fetchKeys().finally(() => (fetching = undefined))
    try {
      return { keys: await fetching, isFresh: true }
    } catch (error) {
      // A provider that is away for a while takes nothing from tokens whose keys are known.
      if (held) return { keys: held.keys, isFresh: true }
      throw error
    }
  }
}

function fetcher(ca: string | undefined): FetchText {
  return (url, accessToken) =>
    new Promise((resolve, reject) => {
      const sent = httpsRequest(url, {
        ...(ca ? { ca } : {}),
        agent: false,
        timeout: fetchTimeoutMs,
        headers: { accept: 'application/json, application/jwt', ...(accessToken ? { authorization: `Bearer ${accessToken}` } : {}) },
      })
      sent.once('timeout', () => sent.destroy(new Error(`no answer from ${url} in ${fetchTimeoutMs / 1000} s`)))
      sent.once('error', reject)
      sent.once('response', (response) => {
        const blocks: Buffer[] = []
        let bytes = 0
        response.on('data', (block: Buffer) => {
          bytes += block.length
          if (bytes > documentBytesMax) sent.destroy(new Error(`the answer of ${url} is too large`))
          else blocks.push(block)
        })
        response.once('error', reject)
        response.once('end', () => {
          try {
            if (response.statusCode !== 200) throw new Error(`${url} answers ${response.statusCode}`)
            resolve(Buffer.concat(blocks).toString())
          } catch (error) {
            reject(error as Error)
          }
        })
      })
      sent.end()
    })
}
