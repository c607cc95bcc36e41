/** What the flags on authentication say, read and checked. */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { AuthenticationConfiguration } from '../../apiserver/authn/authentication-configuration.ts'
import { parseTokenFile, unionAuthenticator } from '../../apiserver/authn/authenticators.ts'
import { defaultRequestHeaders, type RequestHeaderOptions } from '../../apiserver/authn/certificates.ts'
import type { OidcOptions } from '../../apiserver/authn/oidc.ts'
import { defaultIssuer, type TokenOptions } from '../../apiserver/authn/service-account-tokens.ts'
import type { Authenticator } from '../../apiserver/contract.ts'
import type { PeerParts } from '../../apiserver/reach/review-peer.ts'
import type { Log } from '../../base/log.ts'
import { watchFile } from '../../platform/file-watch.ts'
import type { AccessChoices } from '../access.ts'
import type { FlagReader } from './flag-reader.ts'

type Parts = PeerParts & { readonly log: Log }

export type AuthenticationOptions = {
  readonly tokenFile: string | undefined
  readonly choices: Pick<AccessChoices, 'tokenOptions' | 'allowsAnonymous' | 'tokenAuthenticators' | 'requestHeaders'>
  /** PEM of further authorities of front proxies. */
  readonly frontProxyCa: string | undefined
  close(): void
}

/** Throws CliError for what cannot be used. `close` ends what it follows and holds. */
export async function readAuthenticationOptions(flags: FlagReader, parts: Parts): Promise<AuthenticationOptions> {
  const tokenFile = flags.file('token-auth-file')
  if (tokenFile !== undefined) flags.using('token-auth-file', () => parseTokenFile(tokenFile))
  const tokenOptions = tokenOptionsOf(flags)
  const issuers = tokenOptions.issuers ?? [defaultIssuer]
  const configured = await configuredIssuers(flags, issuers, parts)
  const oidc = oidcOf(flags)
  const webhook = await tokenWebhook(flags, tokenOptions.audiences ?? issuers, parts)
  const byFlag = flags.isTrue('anonymous-auth', true)
  const fromFlags = oidc ? [(await import('../../apiserver/authn/oidc.ts')).createOidcAuthenticator(oidc, parts)] : []
  const { proxies, frontProxyCa } = frontProxyOptions(flags, parts.log)
  return {
    tokenFile,
    choices: {
      tokenOptions,
      tokenAuthenticators: [...fromFlags, ...(configured ? [configured.authenticator] : []), ...(webhook ? [webhook.authenticator] : [])],
      ...(configured
        ? { allowsAnonymous: (path: string) => configured.allowsAnonymous(path) ?? byFlag }
        : byFlag
          ? {}
          : { allowsAnonymous: () => false }),
      requestHeaders: proxies,
    },
    frontProxyCa,
    close: () => {
      configured?.close()
      webhook?.close()
    },
  }
}

function tokenOptionsOf(flags: FlagReader): TokenOptions {
  const issuers = flags.texts('service-account-issuer')
  const audiences = flags.list('api-audiences')
  const longestMs = flags.durationMs('service-account-max-token-expiration', 0)
  return {
    ...(issuers.length > 0 ? { issuers } : {}),
    ...(audiences?.length ? { audiences } : {}),
    ...(longestMs === 0 ? {} : { expirationSecondsMax: flags.using('service-account-max-token-expiration', () => maxSeconds(longestMs)) }),
    extendsExpiration: flags.isTrue('service-account-extend-token-expiration', true),
  }
}

function maxSeconds(ms: number): number {
  const seconds = ms / 1000
  if (seconds < 3600 || seconds > 2 ** 32) throw new Error('it is at least an hour and at most 2^32 seconds')
  return seconds
}

const oidcFlags = [
  'issuer-url',
  'client-id',
  'username-claim',
  'username-prefix',
  'groups-claim',
  'groups-prefix',
  'signing-algs',
  'ca-file',
]
const configFlag = 'authentication-config'

type Configured = {
  readonly authenticator: Authenticator
  /** Undefined: the file says nothing of it. */
  allowsAnonymous(path: string): boolean | undefined
  close(): void
}

/** A file that cannot be used later on changes nothing: what was read before goes on. */
async function configuredIssuers(flags: FlagReader, ownIssuers: readonly string[], parts: Parts): Promise<Configured | undefined> {
  const path = flags.text(configFlag)
  if (path === undefined) return undefined
  const [{ parseAuthenticationConfiguration }, { createOidcAuthenticator }] = await Promise.all([
    import('../../apiserver/authn/authentication-configuration.ts'),
    import('../../apiserver/authn/oidc.ts'),
  ])
  const read = () => {
    const config = parseAuthenticationConfiguration(readFileSync(path, 'utf8'), ownIssuers)
    if (config.anonymous && flags.text('anonymous-auth') !== undefined)
      throw new Error('--anonymous-auth flag cannot be set when anonymous field is configured in authentication configuration file')
    return { config, authenticator: unionAuthenticator(config.issuers.map((issuer) => createOidcAuthenticator(issuer, parts))) }
  }
  flags.using(configFlag, () => {
    if ([...oidcFlags, 'required-claim'].some((name) => flags.text(`oidc-${name}`) !== undefined))
      throw new Error('authentication-config file and oidc-* flags are mutually exclusive')
  })
  let current = flags.using(configFlag, read)
  const close = watchFile(
    path,
    () => {
      try {
        current = read()
        parts.log.info({ path }, 'the authentication configuration was read anew')
      } catch (error) {
        parts.log.error({ path, error: (error as Error).message }, 'the changed authentication configuration cannot be used')
      }
    },
    parts,
  )
  return {
    authenticator: { authenticate: (credentials, headers, asking) => current.authenticator.authenticate(credentials, headers, asking) },
    allowsAnonymous: (asked) => anonymousRule(current.config, asked),
    close,
  }
}

function anonymousRule({ anonymous }: AuthenticationConfiguration, path: string): boolean | undefined {
  return anonymous && anonymous.enabled && (anonymous.paths.length === 0 || anonymous.paths.includes(path))
}

function oidcOf(flags: FlagReader): OidcOptions | undefined {
  const one = (name: string) => flags.text(`oidc-${name}`)
  const [issuer, clientId] = [one('issuer-url'), one('client-id')]
  if (issuer === undefined) return undefined
  return flags.using('oidc-issuer-url', () => {
    if (!issuer.startsWith('https://')) throw new Error('it must be an https URL')
    if (!clientId) throw new Error('it needs --oidc-client-id')
    const usernameClaim = one('username-claim') ?? 'sub'
    const prefix = one('username-prefix') ?? (usernameClaim === 'email' ? '-' : `${issuer}#`)
    const groupsClaim = one('groups-claim')
    return {
      issuer,
      audiences: [clientId],
      algorithms: flags.list('oidc-signing-algs') ?? ['RS256'],
      rules: {
        username: { claim: usernameClaim, prefix: prefix === '-' ? '' : prefix },
        groups: groupsClaim ? { claim: groupsClaim, prefix: one('groups-prefix') ?? '' } : undefined,
        requiredClaims: flags.texts('oidc-required-claim').map((pair) => {
          const at = pair.indexOf('=')
          if (at < 1) throw new Error(`the required claim ${pair} is not KEY=VALUE`)
          return [pair.slice(0, at), pair.slice(at + 1)] as const
        }),
      },
      ca: flags.file('oidc-ca-file'),
    }
  })
}

async function tokenWebhook(flags: FlagReader, audiences: readonly string[], parts: Parts) {
  const path = flags.text('authentication-token-webhook-config-file')
  if (path === undefined) return undefined
  const [{ createTokenWebhook }, { reviewPeerFromKubeconfig }] = await Promise.all([
    import('../../apiserver/authn/token-webhook.ts'),
    import('../../apiserver/reach/review-peer.ts'),
  ])
  const peer = flags.using('authentication-token-webhook-config-file', () => reviewPeerFromKubeconfig(path, parts))
  const version = flags.oneOf('authentication-token-webhook-version', ['v1', 'v1beta1'] as const, 'v1beta1')
  const ttlMs = flags.durationMs('authentication-token-webhook-cache-ttl', 120_000)
  return { authenticator: createTokenWebhook({ peer, version, ttlMs, audiences }, parts), close: () => peer.close() }
}

/**
 * Proxies that speak for others, beside this server's own towards aggregated API servers: who trusts the one by what is published must
 * trust the other too.
 */
function frontProxyOptions(flags: FlagReader, log: Log): { proxies: RequestHeaderOptions; frontProxyCa: string | undefined } {
  const headers = (flag: string, byDefault: readonly string[], standard: string) => {
    const given = flags.list(flag)
    if (given === undefined) return byDefault
    return flags.using(flag, () => {
      if (given.length === 0) throw new Error(`empty value in "--${flag}"`)
      const names = given.map((name) => name.toLowerCase())
      if (names.includes(standard.toLowerCase())) return names
      const why = `--${flag} is set without specifying the standard ${standard} header - API aggregation will not work`
      // As upstream: this one came late enough that nobody could rely on leaving it out.
      if (standard === 'X-Remote-Uid') throw new Error(why)
      log.warn({ flag }, why)
      return names
    })
  }
  const own = defaultRequestHeaders
  const allowed = flags.list('requestheader-allowed-names')
  const frontProxyCa = flags.file('requestheader-client-ca-file')
  if (frontProxyCa !== undefined) flags.using('requestheader-client-ca-file', () => new X509Certificate(frontProxyCa))
  const proxies: RequestHeaderOptions = {
    usernameHeaders: headers('requestheader-username-headers', own.usernameHeaders, 'X-Remote-User'),
    uidHeaders: headers('requestheader-uid-headers', own.uidHeaders, 'X-Remote-Uid'),
    groupHeaders: headers('requestheader-group-headers', own.groupHeaders, 'X-Remote-Group'),
    extraHeaderPrefixes: headers('requestheader-extra-headers-prefix', own.extraHeaderPrefixes, 'X-Remote-Extra-'),
    allowedNames: allowed?.length ? [...new Set([...allowed, ...own.allowedNames])] : allowed || frontProxyCa ? [] : own.allowedNames,
  }
  return { proxies, frontProxyCa }
}
