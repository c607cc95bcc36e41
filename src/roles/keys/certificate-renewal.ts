/** When a node's certificates are due, and how they are exchanged while the node goes on. */
import { X509Certificate } from 'node:crypto'
import { type Clock, sleep } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { CertifiedKey } from '../../platform/pki/certificate.ts'

/** A certificate is renewed when less than this share of its life is left, as upstream's agents do. */
export const renewShare = 0.3
/** Timers hold at most 24 days. */
const waitMaxMs = 20 * 24 * 3600 * 1000
/** After a renewal that was refused. */
const retryMs = 600_000

const lifeOf = ({ cert }: CertifiedKey) => {
  const certificate = new X509Certificate(cert)
  return { fromMs: Date.parse(certificate.validFrom), toMs: Date.parse(certificate.validTo) }
}

/** Share of its life that a certificate still has; at most 1, below 0 when it is over. */
export function lifeLeft(pair: CertifiedKey, nowMs: number): number {
  const { fromMs, toMs } = lifeOf(pair)
  return (toMs - nowMs) / (toMs - fromMs)
}

/** Resolves when one of the certificates should be renewed. Rejects when the signal aborts. */
export async function untilRenewal(pairs: readonly CertifiedKey[], clock: Clock, signal: AbortSignal): Promise<void> {
  const dueMs = Math.min(...pairs.map(lifeOf).map(({ fromMs, toMs }) => toMs - renewShare * (toMs - fromMs)))
  // A second more: below the bound, not at it.
  for (let leftMs = dueMs + 1000 - clock.now(); leftMs > 0; leftMs = dueMs + 1000 - clock.now())
    await sleep(clock, Math.min(leftMs, waitMaxMs), signal)
}

/**
 * Gives the identity that takes the place of this one, when it is due and `renew` has got it: the node goes on with the old one until then.
 * A refusal is told and tried again. Rejects when the signal aborts.
 */
export async function renewedIdentity<T extends { readonly client: CertifiedKey; readonly server: CertifiedKey }>(
  identity: T,
  options: { readonly clock: Clock; readonly log: Log; readonly renew: () => Promise<T>; readonly onRefused: () => void },
  signal: AbortSignal,
): Promise<T> {
  const { clock, log, renew, onRefused } = options
  await untilRenewal([identity.client, identity.server], clock, signal)
  for (;;) {
    try {
      return await renew()
    } catch (error) {
      signal.throwIfAborted()
      onRefused()
      log.error({ error: (error as Error).message }, "the node's certificates could not be renewed; trying again")
      await sleep(clock, retryMs, signal)
    }
  }
}
