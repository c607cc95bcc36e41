/** What the flags on access say, read and checked: files are read here. */
import { defaultLimits } from '../../apiserver/http/request-timeout.ts'
import type { PeerParts } from '../../apiserver/reach/review-peer.ts'
import type { Log } from '../../base/log.ts'
import { readAuditOptions } from './audit-options.ts'
import { readAuthenticationOptions } from './authentication-options.ts'
import { readAuthorizationOptions } from './authorization-options.ts'
import type { ControllerSettings } from '../../controllers/settings.ts'
import type { ControlPlaneOptions } from '../control-plane.ts'
import { readApiSettings, readControllerSettings, readSigningMs } from './controller-options.ts'
import { readPodSecurityOptions } from './admission-options.ts'
import { createFlagReader, type FlagReader, type FlagValues } from './flag-reader.ts'
import { isIP } from 'node:net'
import { dns1123Subdomain, wildcardDns1123Subdomain } from '../../machinery/names.ts'

export type AccessFlagValues = FlagValues

export type AccessOptions = {
  readonly options: Pick<
    ControlPlaneOptions,
    'tokenFile' | 'audit' | 'access' | 'limits' | 'nodePorts' | 'inflightMax' | 'tolerationSeconds' | 'podSecurity'
  >
  /** More names and addresses of this server. */
  readonly hosts: readonly string[]
  readonly controllers: ControllerSettings
  /** How long certificates are good that the cluster signs. */
  readonly signingMs: number | undefined
  /** PEM of further authorities of front proxies. */
  readonly frontProxyCa: string | undefined
  /** Of requests over HTTP/2, those that end their connection. */
  readonly goawayChance: number
  /** Ends the audit log and what follows files. */
  close(): Promise<void>
}

/** Throws CliError (exit code 2) for what cannot be used. */
export async function readAccessOptions(values: AccessFlagValues, parts: PeerParts & { readonly log: Log }): Promise<AccessOptions> {
  const flags = createFlagReader(values)
  const api = readApiSettings(flags)
  const controllers = await readControllerSettings(flags)
  const signingMs = readSigningMs(flags)
  const authentication = await readAuthenticationOptions(flags, parts)
  const authorization = await readAuthorizationOptions(flags, parts)
  const audit = await readAuditOptions(flags, parts)
  const podSecurity = await readPodSecurityOptions(flags)
  const { tokenFile, choices, frontProxyCa } = authentication
  return {
    options: {
      ...api,
      ...(tokenFile === undefined ? {} : { tokenFile }),
      ...(audit ? { audit: audit.log } : {}),
      ...(podSecurity ? { podSecurity } : {}),
      limits: {
        requestTimeoutMs: flags.durationMs('request-timeout', defaultLimits.requestTimeoutMs) || defaultLimits.requestTimeoutMs,
        watchSecondsMin: flags.wholeNumber('min-request-timeout', defaultLimits.watchSecondsMin),
      },
      access: { ...choices, ...(authorization.choose ? { chooseAuthorizers: authorization.choose } : {}) },
    },
    hosts: readHosts(flags),
    controllers,
    signingMs,
    frontProxyCa,
    goawayChance: readGoawayChance(flags),
    close: async () => {
      authentication.close()
      authorization.close()
      await audit?.close()
    },
  }
}

const goawayChanceMax = 0.02

function readGoawayChance(flags: FlagReader): number {
  const name = 'goaway-chance'
  return flags.using(name, () => {
    const text = flags.text(name) ?? '0'
    const chance = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN
    if (!(chance <= goawayChanceMax)) throw new Error(`it is a fraction between 0 and ${goawayChanceMax}`)
    return chance
  })
}

function readHosts(flags: FlagReader): readonly string[] {
  return (flags.list('tls-san') ?? []).map((host) =>
    flags.using('tls-san', () => {
      const isName = dns1123Subdomain(host).length === 0 || wildcardDns1123Subdomain(host).length === 0
      if (isIP(host) === 0 && !isName) throw new Error(`${host} is neither a name nor an address`)
      return host
    }),
  )
}
