import { X509Certificate } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { type ClusterPki, ensureClusterPki, leafNames, type LeafLife, defaultLeafLife } from '../../platform/pki/cluster-pki.ts'

export type KeepCertificatesOptions = {
  readonly dir: string
  /** By which the API server is reached, at the moment of asking. */
  readonly hosts: () => readonly string[]
  readonly clock: Clock
  readonly log: Log
  readonly life?: LeafLife
}

export type KeptCertificates = {
  /** Always the ones of the moment: whoever reads a certificate late reads the renewed one. */
  readonly pki: ClusterPki
  /** Makes anew what the hosts of the moment are not in. */
  refresh(): void
  stop(): void
}

/** Timers hold at most 24 days. */
const waitMaxMs = 20 * 24 * 3600 * 1000
/** After a renewal that failed, for instance for a full disk. */
const retryMs = 3600 * 1000

/**
 * Makes the cluster's certificates as `ensureClusterPki` does, and renews each while the process runs, before less than
 * `life.renewMs` of it is left. `onRenewed` is for those that hold a copy.
 */
export function keepCertificates(options: KeepCertificatesOptions, onRenewed: () => void): KeptCertificates {
  const { dir, hosts, clock, log, life = defaultLeafLife } = options
  const make = () => ensureClusterPki({ dir, hosts: hosts(), nowMs: clock.now(), life })
  let current = make()
  const pki = Object.defineProperties(
    {},
    Object.fromEntries(Object.keys(current).map((name) => [name, { enumerable: true, get: () => current[name as keyof ClusterPki] }])),
  ) as ClusterPki
  const renew = () => {
    try {
      const before = leafNames.map((name) => current[name].cert)
      current = make()
      const renewed = leafNames.filter((name, i) => current[name].cert !== before[i])
      if (renewed.length > 0) {
        log.info({ certificates: renewed }, 'certificates were renewed')
        onRenewed()
      }
      cancel = clock.schedule(untilRenewalMs(current, clock.now(), life), renew)
    } catch (error) {
      log.error({ error: String(error) }, 'certificates could not be renewed; trying again in an hour')
      cancel = clock.schedule(retryMs, renew)
    }
  }
  let cancel = clock.schedule(untilRenewalMs(current, clock.now(), life), renew)
  const refresh = () => {
    cancel()
    renew()
  }
  return { pki, refresh, stop: () => cancel() }
}

/** Until the first of them is due; at most what a timer holds. */
function untilRenewalMs(pki: ClusterPki, nowMs: number, { renewMs }: LeafLife): number {
  const firstEndMs = Math.min(...leafNames.map((name) => Date.parse(new X509Certificate(pki[name].cert).validTo)))
  // A second more: below the bound, not at it.
  return Math.min(waitMaxMs, Math.max(1000, firstEndMs - renewMs - nowMs + 1000))
}
