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
import { type ClaimRules, userOfClaims } from './claim-rules.ts'

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
type KeySet = ReturnType<typeof createLocalJWKSet>

/** Between two fetches of the keys, however many tokens name keys that are not there. */
const refetchMs = 30_000
const keysMaxAgeMs = 10 * 60_000
const fetchTimeoutMs = 10_000
const documentBytesMax = 1024 * 1024

export function createOidcAuthenticator(
  options: OidcOptions,
  parts: { readonly clock: Clock; readonly log: Log; readonly fetchJson?: FetchJson },
): Authenticator {
  const keysFor = keySource(options, parts.fetchJson ?? fetcher(options.ca), parts.clock)
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
  return {
    authenticate: ({ bearerToken }) => {
      if (bearerToken === undefined || issuerOf(bearerToken) !== options.issuer) return undefined
      return verify(bearerToken, true).then(
        (claims) => userOfClaims(options.rules, claims),
        (error: unknown) => {
          if (!(error instanceof errors.JOSEError))
            parts.log.warn({ issuer: options.issuer, error: String(error) }, 'the OpenID provider cannot be asked for its keys')
          throw statusErrors.unauthorized(`oidc: verify token: ${error instanceof Error ? error.message : String(error)}`)
        },
      )
    },
  }
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

function fetcher(ca: string | undefined): FetchJson {
  return (url) =>
    new Promise((resolve, reject) => {
      const sent = httpsRequest(url, {
        ...(ca ? { ca } : {}),
        agent: false,
        timeout: fetchTimeoutMs,
        headers: { accept: 'application/json' },
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
            resolve(JSON.parse(Buffer.concat(blocks).toString()))
          } catch (error) {
            reject(error as Error)
          }
        })
      })
      sent.end()
    })
}
