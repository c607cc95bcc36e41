/** What the flags on access say, read and checked: files are read here. */
import { readFileSync } from 'node:fs'
import { createAuditLog } from '../apiserver/audit/audit-log.ts'
import { parseAuditPolicy } from '../apiserver/audit/policy.ts'
import { parseTokenFile } from '../apiserver/authn/authenticators.ts'
import type { OidcOptions } from '../apiserver/authn/oidc.ts'
import type { TokenOptions } from '../apiserver/authn/service-account-tokens.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { CliError } from '../cli/cli-error.ts'
import { parseDurationSeconds } from '../cli/duration.ts'
import { openRotatingFile } from '../platform/rotating-file.ts'
import type { ControlPlaneOptions } from './control-plane.ts'

/** The values of the flags by name; lists for those that may be repeated. */
export type AccessFlagValues = Readonly<Record<string, string | readonly string[] | undefined>>

export type AccessOptions = Pick<ControlPlaneOptions, 'tokenFile' | 'audit' | 'access'>

/** `close` ends the audit log. Throws CliError (exit code 2) for what cannot be used. */
export async function readAccessOptions(
  flags: AccessFlagValues,
  parts: { readonly clock: Clock; readonly random: Random; readonly log: Log },
): Promise<{ readonly options: AccessOptions; close(): Promise<void> }> {
  const one = (name: string) => {
    const value = flags[name]
    return typeof value === 'string' ? value : undefined
  }
  const tokenPath = one('token-auth-file')
  const tokenFile = tokenPath === undefined ? undefined : using('token-auth-file', () => readFileSync(tokenPath, 'utf8'))
  if (tokenFile !== undefined) using('token-auth-file', () => parseTokenFile(tokenFile))
  const audit = auditOf(one, parts)
  const oidc = oidcOf(one, flags['oidc-required-claim'] as readonly string[] | undefined)
  const authenticators = oidc ? [(await import('../apiserver/authn/oidc.ts')).createOidcAuthenticator(oidc, parts)] : []
  return {
    options: {
      ...(tokenFile === undefined ? {} : { tokenFile }),
      ...(audit ? { audit: audit.log } : {}),
      access: {
        tokenOptions: tokenOptionsOf(one, flags['service-account-issuer'] as readonly string[] | undefined),
        tokenAuthenticators: authenticators,
        ...(isTrue('anonymous-auth', one, true) ? {} : { allowsAnonymous: () => false }),
      },
    },
    close: async () => audit?.close(),
  }
}

type One = (name: string) => string | undefined

function using<T>(flag: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new CliError(`cannot use --${flag}: ${(error as Error).message}`, {
      nextStep: 'docs/access.md tells what it takes',
      exitCode: 2,
      cause: error,
    })
  }
}

function isTrue(name: string, one: One, byDefault: boolean): boolean {
  const value = one(name)
  if (value === undefined) return byDefault
  return using(name, () => {
    if (value !== 'true' && value !== 'false') throw new Error('it is true or false')
    return value === 'true'
  })
}

function wholeNumber(name: string, one: One, byDefault: number): number {
  const value = one(name)
  if (value === undefined) return byDefault
  return using(name, () => {
    if (!/^\d{1,9}$/.test(value)) throw new Error('it is a whole number')
    return Number(value)
  })
}

const listOf = (text: string | undefined) =>
  text
    ?.split(',')
    .map((v) => v.trim())
    .filter(Boolean)
const mebibyte = 1024 * 1024
const dayMs = 24 * 3600 * 1000

function auditOf(one: One, { clock, random, log }: { readonly clock: Clock; readonly random: Random; readonly log: Log }) {
  const [policyPath, path] = [one('audit-policy-file'), one('audit-log-path')]
  if (policyPath === undefined && path === undefined) return undefined
  return using(policyPath === undefined ? 'audit-log-path' : 'audit-policy-file', () => {
    if (policyPath === undefined || path === undefined) throw new Error('--audit-policy-file and --audit-log-path go together')
    const policy = parseAuditPolicy(readFileSync(policyPath, 'utf8'))
    const sink = openRotatingFile({
      path,
      bytesMax: wholeNumber('audit-log-maxsize', one, 100) * mebibyte,
      backupsMax: wholeNumber('audit-log-maxbackup', one, 0),
      ageMaxMs: wholeNumber('audit-log-maxage', one, 0) * dayMs,
      clock,
      onError: (error) => log.error({ error: error.message, path }, 'the audit log cannot be written'),
    })
    return { log: createAuditLog({ policy, sink, clock, random }), close: () => sink.close() }
  })
}

function tokenOptionsOf(one: One, issuers: readonly string[] | undefined): TokenOptions {
  const longest = one('service-account-max-token-expiration')
  const audiences = listOf(one('api-audiences'))
  return {
    ...(issuers?.length ? { issuers } : {}),
    ...(audiences?.length ? { audiences } : {}),
    ...(longest === undefined ? {} : { expirationSecondsMax: using('service-account-max-token-expiration', () => maxSeconds(longest)) }),
    extendsExpiration: isTrue('service-account-extend-token-expiration', one, true),
  }
}

function maxSeconds(text: string): number {
  const seconds = parseDurationSeconds(text)
  if (seconds < 3600 || seconds > 2 ** 32) throw new Error('it is at least an hour and at most 2^32 seconds')
  return seconds
}

function oidcOf(one: One, required: readonly string[] | undefined): OidcOptions | undefined {
  const issuer = one('oidc-issuer-url')
  const clientId = one('oidc-client-id')
  if (issuer === undefined) return undefined
  return using('oidc-issuer-url', () => {
    if (!issuer.startsWith('https://')) throw new Error('it must be an https URL')
    if (!clientId) throw new Error('it needs --oidc-client-id')
    const usernameClaim = one('oidc-username-claim') ?? 'sub'
    const prefix = one('oidc-username-prefix') ?? (usernameClaim === 'email' ? '-' : `${issuer}#`)
    const caFile = one('oidc-ca-file')
    return {
      issuer,
      audiences: [clientId],
      algorithms: listOf(one('oidc-signing-algs')) ?? ['RS256'],
      username: { claim: usernameClaim, prefix: prefix === '-' ? '' : prefix },
      groups: one('oidc-groups-claim') ? { claim: one('oidc-groups-claim')!, prefix: one('oidc-groups-prefix') ?? '' } : undefined,
      requiredClaims: (required ?? []).map((pair) => {
        const at = pair.indexOf('=')
        if (at < 1) throw new Error(`the required claim ${pair} is not KEY=VALUE`)
        return [pair.slice(0, at), pair.slice(at + 1)] as const
      }),
      ca: caFile === undefined ? undefined : readFileSync(caFile, 'utf8'),
    }
  })
}
