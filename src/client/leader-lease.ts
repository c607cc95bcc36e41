import { type Cancel, type Clock, sleep, toMicroTime } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { Client } from './contract.ts'
import { kindRefs } from './generated/kind-refs.ts'
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

/** Upstream's. */
const renewDeadlineDefaultMs = 10_000
const retryDefaultMs = 2_000

/**
 * Waits for the lease, then runs `lead` while it can be renewed. The signal given to `lead` aborts when the lease is lost or
 * `signal` aborts; after a loss it stands for election again. At most one candidate leads at a time as long as clocks run at about one speed:
 * whoever has not renewed it for so long gives up also while an answer is still out, and at once when it is another's.
 */
export async function leadWhileHolding(
  options: LeaderLeaseOptions,
  lead: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { clock, random, log, retryMs = retryDefaultMs } = options
  const candidate = new Candidate(options)
  while (!signal.aborted) {
    const askedMs = clock.monotonicMs()
    if ((await candidate.tryHold()) !== 'held') {
      await pause(clock, retryMs * (1 + 1.2 * random.next()), signal)
      continue
    }
    // The end may have come while the lease was taken.
    if (signal.aborted) return candidate.release()
    log.info({ lease: options.name, identity: options.identity }, 'leading')
    const term = new AbortController()
    const endTerm = () => term.abort(signal.reason)
    signal.addEventListener('abort', endTerm, { once: true })
    const renewing = renewUntilLost(options, candidate, term, askedMs)
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

/** `askedMs`: when the renewal was asked for that is the last one known to have happened. */
async function renewUntilLost(options: LeaderLeaseOptions, candidate: Candidate, term: AbortController, askedMs: number): Promise<void> {
  const { clock, log, retryMs = retryDefaultMs, renewDeadlineMs = renewDeadlineDefaultMs } = options
  const lose = () => {
    log.warn({ lease: options.name, identity: options.identity }, 'leadership lost')
    term.abort(new Error(`the lease ${options.name} could not be renewed`))
  }
  let cancel: Cancel = () => {}
  const renewed = (fromMs: number) => {
    cancel()
    cancel = clock.schedule(Math.max(0, fromMs + renewDeadlineMs - clock.monotonicMs()), lose)
  }
  renewed(askedMs)
  while (!term.signal.aborted) {
    await pause(clock, retryMs, term.signal)
    if (term.signal.aborted) break
    const nowMs = clock.monotonicMs()
    const outcome = await candidate.tryHold()
    if (term.signal.aborted) break
    if (outcome === 'held') renewed(nowMs)
    else if (outcome === 'taken') lose()
  }
  cancel()
}

async function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(clock, delayMs, signal)
  } catch {
    // Aborted: the caller looks at the signal.
  }
}

/** The API may not answer at all: what takes longer is given up. `work` never rejects. */
function bounded<T>(clock: Clock, limitMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
  const late = new AbortController()
  return new Promise((resolve) => {
    const cancel = clock.schedule(limitMs, () => {
      late.abort(new Error(`no answer within ${limitMs / 1000} s`))
      resolve(undefined)
    })
    void work(late.signal).then((value) => {
      cancel()
      resolve(value)
    })
  })
}

/** `taken`: it is another's. `unknown`: the API said nothing, or something else. */
type Holding = 'held' | 'taken' | 'unknown'

class Candidate {
  readonly #options: LeaderLeaseOptions
  #observed: Observed | undefined

  constructor(options: LeaderLeaseOptions) {
    this.#options = options
  }

  /** Creates, renews or takes over the lease. */
  async tryHold(): Promise<Holding> {
    return (await this.#bounded((signal) => this.#tryHold(signal))) ?? 'unknown'
  }

  /** Gives the lease back, so that the next candidate need not wait for it to expire. */
  async release(): Promise<void> {
    await this.#bounded((signal) => this.#release(signal))
  }

  #bounded<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    return bounded(this.#options.clock, this.#options.renewDeadlineMs ?? renewDeadlineDefaultMs, work)
  }

  async #tryHold(signal: AbortSignal): Promise<Holding> {
    const { client, clock, namespace, name, identity, labels, log } = this.#options
    const leases = client.resource(kindRefs.coordinationV1.leases, namespace)
    try {
      const lease = await leases.get(name, { signal }).catch((error: unknown) => {
        if (isStatus(error, 'NotFound')) return undefined
        throw error
      })
      const now = toMicroTime(clock.now())
      if (!lease) {
        const metadata = { name, namespace, ...(labels ? { labels: { ...labels } } : {}) }
        await leases.create({ metadata, spec: this.#spec({ acquireTime: now, renewTime: now, leaseTransitions: 0 }) }, { signal })
        return 'held'
      }
      const isMine = lease.spec?.holderIdentity === identity
      if (!isMine && !this.#hasExpired(lease)) return 'taken'
      const transitions = lease.spec?.leaseTransitions ?? 0
      const acquireTime = isMine ? (lease.spec?.acquireTime ?? now) : now
      const spec = this.#spec({ acquireTime, renewTime: now, leaseTransitions: isMine ? transitions : transitions + 1 })
      await leases.update({ ...lease, spec }, { signal })
      return 'held'
    } catch (error) {
      log.debug({ lease: name, error: String(error) }, 'the lease could not be taken')
      return 'unknown'
    }
  }

  async #release(signal: AbortSignal): Promise<void> {
    const { client, clock, namespace, name, identity, log } = this.#options
    const leases = client.resource(kindRefs.coordinationV1.leases, namespace)
    try {
      const lease = await leases.get(name, { signal })
      if (lease.spec?.holderIdentity !== identity) return
      const now = toMicroTime(clock.now())
      const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: now, acquireTime: now }
      await leases.update({ ...lease, spec }, { signal })
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
