import { status } from '@grpc/grpc-js'
import { type Clock, sleep } from '../../base/clock.ts'
import { createGrpcCaller, type GrpcCaller, type GrpcTls } from '../../platform/grpc-caller.ts'
import { StoreRequestTooLarge, StoreUnavailable } from '../contract.ts'
import descriptor from './etcd-v3.json' with { type: 'json' }

/** `signal`: nobody waits for the answer once it aborts, which is what the read is rejected with. */
export type ReadOptions = { readonly timeoutMs?: number | undefined; readonly signal?: AbortSignal | undefined }

export type MembersOptions = {
  /** `host:port` each; at least one. */
  readonly endpoints: readonly string[]
  readonly tls: GrpcTls | undefined
  readonly clock: Clock
}

/**
 * One attempt at a member, then the next one's turn. Each that ran out of time doubles the time of those after it: what a busy member
 * takes longer for would otherwise be begun again and again, beside what is left of it.
 */
const readAttemptMs = 2_000
const writeAttemptMs = 4_000
/** How long a call may go round the members before the store counts as unavailable. */
export const callTimeoutMs = 10_000
const retryMinMs = 20
const retryMaxMs = 500
/** Watches bring up to a thousand revisions in one message. */
const messageBytesMax = 512 << 20
/** A member that is gone without a word (a pulled cable) is given up after this and five seconds. */
const keepaliveMs = 10_000
/** The member refuses at once, instead of letting the call wait, while it knows of no leader. */
const metadata = { hasleader: 'true' } as const

/**
 * The members of one etcd cluster: calls go to the one that answered last, and to the next when it does not answer.
 * Calls that change nothing are repeated as long as `callTimeoutMs`; a call that writes is made once, because a write without an
 * answer may have happened (see write-sessions.ts).
 */
export class EtcdMembers {
  readonly #clock: Clock
  readonly #callers: readonly GrpcCaller[]
  readonly #endpoints: readonly string[]
  readonly #closing = new AbortController()
  #current = 0

  constructor({ endpoints, tls, clock }: MembersOptions) {
    this.#clock = clock
    this.#endpoints = endpoints
    this.#callers = endpoints.map((address) =>
      createGrpcCaller({ address, tls, descriptors: [descriptor], clock, longs: 'number', messageBytesMax, keepaliveMs }),
    )
  }

  /** For calls that may be made twice. Throws StoreUnavailable when no member answered in time; else what a member refused it with. */
  async read<Response>(method: string, request: object, { timeoutMs = callTimeoutMs, signal }: ReadOptions = {}): Promise<Response> {
    const deadline = this.#clock.monotonicMs() + timeoutMs
    let attemptMs = readAttemptMs
    for (let retryMs = retryMinMs; ; retryMs = Math.min(retryMs * 2, retryMaxMs)) {
      const member = this.#current
      const leftMs = Math.max(1, deadline - this.#clock.monotonicMs())
      signal?.throwIfAborted()
      try {
        return await this.#callers[member]!.unary<Response>(method, request, { timeoutMs: Math.min(attemptMs, leftMs), metadata, signal })
      } catch (error) {
        // That nobody waits any more says nothing of the member.
        signal?.throwIfAborted()
        if (!isTransient(error)) throw refusal(error)
        if ((error as GrpcError).code === status.DEADLINE_EXCEEDED) attemptMs *= 2
        this.leave(member)
        if (this.#closing.signal.aborted) throw closedError()
        if (this.#clock.monotonicMs() + retryMs >= deadline) throw unreachable(this.#endpoints, error)
        await sleep(this.#clock, retryMs, this.#closing.signal).catch(() => {})
      }
    }
  }

  /** Once, at one member. Throws UnknownOutcome when it may or may not have happened, else what it was refused with. */
  async write<Response>(method: string, request: object): Promise<Response> {
    const member = this.#current
    try {
      return await this.#callers[member]!.unary<Response>(method, request, { timeoutMs: writeAttemptMs, metadata })
    } catch (error) {
      if (!isTransient(error)) throw refusal(error)
      this.leave(member)
      throw new UnknownOutcome(`no answer from the etcd member at ${this.#endpoints[member]}: ${detailsOf(error)}`, { cause: error })
    }
  }

  /** A stream at the current member; whoever finds it broken or behind leaves that member. */
  open<Response>(
    method: string,
    signal: AbortSignal,
  ): ReturnType<GrpcCaller['duplex']> & { readonly messages: AsyncIterable<Response>; readonly member: number } {
    const member = this.#current
    return { ...this.#callers[member]!.duplex<Response>(method, { signal, metadata }), member }
  }

  /** Moves on to the next member, unless somebody did so already. */
  leave(member: number): void {
    if (this.#current === member) this.#current = (member + 1) % this.#callers.length
  }

  close(): void {
    this.#closing.abort()
    for (const caller of this.#callers) caller.close()
  }
}

/** The call may have had its effect, may have it yet, or never. */
export class UnknownOutcome extends Error {
  override name = 'UnknownOutcome'
}

/** etcd has forgotten the revision that was asked for. */
export class RevisionCompacted extends Error {
  override name = 'RevisionCompacted'
}

/** etcd has not come to the revision that was asked for. */
export class RevisionAhead extends Error {
  override name = 'RevisionAhead'
}

const transientCodes: ReadonlySet<number> = new Set([
  status.UNAVAILABLE,
  status.DEADLINE_EXCEEDED,
  status.CANCELLED,
  status.ABORTED,
  status.UNKNOWN,
  status.INTERNAL,
])

type GrpcError = { readonly code?: number; readonly details?: string; readonly message: string }
const detailsOf = (error: unknown) => (error as GrpcError).details || (error as GrpcError).message

export function isTransient(error: unknown): boolean {
  const { code } = error as GrpcError
  return code !== undefined && transientCodes.has(code)
}

/** What a member's refusal means to the store: nothing was changed. */
function refusal(error: unknown): Error {
  const details = detailsOf(error)
  if (details.includes('has been compacted')) return new RevisionCompacted(details)
  if (details.includes('future revision')) return new RevisionAhead(details)
  if (details.includes('request is too large') || details.includes('larger than max'))
    return new StoreRequestTooLarge(`etcd takes no write of this size (its --max-request-bytes): ${details}`)
  return new StoreUnavailable(`etcd refused the call: ${details}`, { cause: error })
}

function unreachable(endpoints: readonly string[], cause: unknown): StoreUnavailable {
  return new StoreUnavailable(`no etcd member answers (${endpoints.join(', ')}): ${detailsOf(cause)}`, { cause })
}

const closedError = () => new StoreUnavailable('the store is closed')
