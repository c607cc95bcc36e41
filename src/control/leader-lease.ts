import { type Clock, sleep, toMicroTime } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { Client } from '../client/contract.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import type { Lease, LeaseSpec } from '../kinds/generated/types/coordination-v1.ts'
import { isStatus } from '../machinery/status-error.ts'

export type LeaderLeaseOptions = {
  readonly client: Client
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly namespace: string
  readonly name: string
  /** Unique among the candidates. */
  readonly identity: string
  /** Of the lease, when it is made. */
  readonly labels?: Readonly<Record<string, string>>
  /** Upstream's: 15 s, 10 s, 2 s. */
  readonly leaseMs?: number
  readonly renewDeadlineMs?: number
  readonly retryMs?: number
}

/** What the lease was when this candidate first saw it in that state; its age is measured on our own clock, never on the leader's. */
type Observed = { readonly record: string; readonly atMs: number }

/**
 * Waits for the lease, then runs `lead` while it can be renewed. The signal given to `lead` aborts when the lease is lost or
 * `signal` aborts; after a loss it stands for election again. At most one candidate leads at a time as long as clocks run at about one speed.
 */
export async function leadWhileHolding(
  options: LeaderLeaseOptions,
  lead: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const retryMs = options.retryMs ?? 2_000
  const candidate = new Candidate(options)
  while (!signal.aborted) {
    if (!(await candidate.tryHold())) {
      await pause(options.clock, retryMs * (1 + 1.2 * options.random.next()), signal)
      continue
    }
    // The end may have come while the lease was taken.
    if (signal.aborted) return candidate.release()
    options.log.info({ lease: options.name, identity: options.identity }, 'leading')
    const term = new AbortController()
    const endTerm = () => term.abort(signal.reason)
    signal.addEventListener('abort', endTerm, { once: true })
    const renewing = renewUntilLost(options, candidate, term, retryMs)
    try {
      await lead(term.signal)
    } finally {
      term.abort()
      await renewing
      signal.removeEventListener('abort', endTerm)
      await candidate.release()
    }
  }
}

async function renewUntilLost(options: LeaderLeaseOptions, candidate: Candidate, term: AbortController, retryMs: number): Promise<void> {
  const deadlineMs = options.renewDeadlineMs ?? 10_000
  let renewedMs = options.clock.monotonicMs()
  while (!term.signal.aborted) {
    await pause(options.clock, retryMs, term.signal)
    if (term.signal.aborted) return
    if (await candidate.tryHold()) renewedMs = options.clock.monotonicMs()
    else if (options.clock.monotonicMs() - renewedMs >= deadlineMs) {
      options.log.warn({ lease: options.name, identity: options.identity }, 'leadership lost')
      term.abort(new Error(`the lease ${options.name} could not be renewed`))
    }
  }
}

async function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(clock, delayMs, signal)
  } catch {
    // Aborted: the caller looks at the signal.
  }
}

class Candidate {
  readonly #options: LeaderLeaseOptions
  #observed: Observed | undefined

  constructor(options: LeaderLeaseOptions) {
    this.#options = options
  }

  /** Creates, renews or takes over the lease; false when another holds it or the API does not answer. */
  async tryHold(): Promise<boolean> {
    const { client, clock, namespace, name, identity, labels, log } = this.#options
    const leases = client.resource(kindRefs.coordinationV1.leases, namespace)
    try {
      const lease = await leases.get(name).catch((error: unknown) => {
        if (isStatus(error, 'NotFound')) return undefined
        throw error
      })
      const now = toMicroTime(clock.now())
      if (!lease) {
        await leases.create({
          metadata: { name, namespace, ...(labels ? { labels: { ...labels } } : {}) },
          spec: this.#spec({ acquireTime: now, renewTime: now, leaseTransitions: 0 }),
        })
        return true
      }
      const isMine = lease.spec?.holderIdentity === identity
      if (!isMine && !this.#hasExpired(lease)) return false
      const transitions = lease.spec?.leaseTransitions ?? 0
      const acquireTime = isMine ? (lease.spec?.acquireTime ?? now) : now
      await leases.update({
        ...lease,
        spec: this.#spec({ acquireTime, renewTime: now, leaseTransitions: isMine ? transitions : transitions + 1 }),
      })
      return true
    } catch (error) {
      log.debug({ lease: name, error: String(error) }, 'the lease could not be taken')
      return false
    }
  }

  /** Gives the lease back, so that the next candidate need not wait for it to expire. */
  async release(): Promise<void> {
    const { client, clock, namespace, name, identity, log } = this.#options
    const leases = client.resource(kindRefs.coordinationV1.leases, namespace)
    try {
      const lease = await leases.get(name)
      if (lease.spec?.holderIdentity !== identity) return
      const now = toMicroTime(clock.now())
      await leases.update({
        ...lease,
        spec: { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: now, acquireTime: now },
      })
    } catch (error) {
      log.debug({ lease: name, error: String(error) }, 'the lease could not be given back; it expires by itself')
    }
  }

  #spec(times: Pick<LeaseSpec, 'acquireTime' | 'renewTime' | 'leaseTransitions'>): LeaseSpec {
    const leaseMs = this.#options.leaseMs ?? 15_000
    return { holderIdentity: this.#options.identity, leaseDurationSeconds: Math.ceil(leaseMs / 1000), ...times }
  }

  #hasExpired(lease: Lease): boolean {
    if (!lease.spec?.holderIdentity) return true
    const nowMs = this.#options.clock.monotonicMs()
    const record = JSON.stringify(lease.spec)
    if (this.#observed?.record !== record) this.#observed = { record, atMs: nowMs }
    // The holder's own duration counts: it may be another program's, which renews more seldom.
    return nowMs - this.#observed.atMs >= (lease.spec.leaseDurationSeconds ?? 0) * 1000
  }
}
