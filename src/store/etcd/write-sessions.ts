/**
 * How a write without an answer is decided. Every transaction is made under a session, a key of this process' own:
 *  W1  it holds only while the session's key is the one that the session began with (compared by its createRevision),
 *  W2  it leaves its own number in that key, so that the key's history says which transactions happened, and at which revision.
 * When an answer is missing the session is ended by removing its key (a fence): from then on nothing that is still on its way
 * can happen (W1), and what did happen is read from the history (W2). Without that, a write that was taken for failed could come
 * true much later, out of the buffers of a member that hung.
 *
 * The first transaction of a session makes the key itself: a store that is only read costs no write.
 */
import type { Clock } from '../../base/clock.ts'
import { sleep } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import { StoreUnavailable } from '../contract.ts'
import type { RangeResponse, RequestOp, TxnRequest, TxnResponse, WatchResponse } from './etcd-messages.ts'
import { callTimeoutMs, type EtcdMembers, isTransient, UnknownOutcome } from './etcd-members.ts'
import { rangeEnd } from './key-space.ts'

export type WriteSessionsOptions = {
  readonly members: EtcdMembers
  readonly clock: Clock
  readonly random: Random
  /** Sessions are keys below this. */
  readonly prefix: string
  /** The newest revision of etcd that is known here: what is sent now happens later. */
  readonly knownRevision: () => number
}

/** `failed`: a condition did not hold; the response has what was read instead. */
export type TransactionResult = { readonly type: 'committed' | 'failed'; readonly response: TxnResponse; readonly revision: number }

type Session = {
  readonly key: Buffer
  /** Of the session's key; undefined until its first transaction has been answered. */
  createRevision: number | undefined
  /** The first transaction is on its way: the others wait for it. */
  beginning: PromiseWithResolvers<void> | undefined
  /** Transactions without an answer: number → etcd's revision before they were sent. */
  readonly open: Map<number, number>
  ending: Promise<History | undefined> | undefined
}

/** Transactions of a session that happened: number → etcd's revision. */
type History = ReadonlyMap<number, number>

/** A write that was fenced off is made again under a new session, at most this often. */
const attemptsMax = 5
/** Sessions that processes left behind when they were killed: the oldest are removed past this many, a few at a time. */
const sessionsMax = 64
const removedAtOnce = 4
const retryMs = 50

export class WriteSessions {
  readonly #options: WriteSessionsOptions
  #current: Session | undefined
  #number = 0

  constructor(options: WriteSessionsOptions) {
    this.#options = options
  }

  /** Throws StoreUnavailable, with "may have happened" in its message when that cannot be decided, and StoreRequestTooLarge. */
  async commit(transaction: TxnRequest): Promise<TransactionResult> {
    for (let attempt = 1; ; attempt++) {
      const session = await this.#enter()
      const number = ++this.#number
      session.open.set(number, this.#options.knownRevision())
      const result = await this.#attempt(session, number, transaction)
      if (result) return result
      if (attempt >= attemptsMax) throw new StoreUnavailable('the write was given up: the members of etcd kept changing')
    }
  }

  /** Undefined when the transaction has not happened and never will, so that it may be made again. */
  async #attempt(session: Session, number: number, transaction: TxnRequest): Promise<TransactionResult | undefined> {
    try {
      const response = await this.#send(session, number, transaction)
      session.open.delete(number)
      if (response.succeeded) {
        session.createRevision ??= response.header.revision
        return { type: 'committed', response, revision: response.header.revision }
      }
      if (this.#holds(session, response)) return { type: 'failed', response, revision: response.header.revision }
      this.#retire(session)
      return undefined
    } catch (error) {
      if (!(error instanceof UnknownOutcome)) {
        session.open.delete(number)
        throw error
      }
      this.#retire(session)
      const history = await (session.ending ??= this.#end(session))
      if (!history) throw new StoreUnavailable(`the write may have happened: ${error.message}`, { cause: error })
      const revision = history.get(number)
      if (revision === undefined) return undefined
      return { type: 'committed', response: { header: { revision }, succeeded: true, responses: [] }, revision }
    } finally {
      release(session)
    }
  }

  async #enter(): Promise<Session> {
    for (;;) {
      const session = (this.#current ??= newSession(`${this.#options.prefix}${this.#options.random.uuid()}`))
      if (session.createRevision !== undefined) return session
      if (!session.beginning) {
        session.beginning = Promise.withResolvers()
        return session
      }
      await session.beginning.promise
    }
  }

  #retire(session: Session): void {
    if (this.#current === session) this.#current = undefined
    release(session)
  }

  async #send(session: Session, number: number, transaction: TxnRequest): Promise<TxnResponse> {
    const { key, createRevision } = session
    const leftBehind = createRevision === undefined ? await this.#leftBehind() : []
    return this.#options.members.write<TxnResponse>('etcdserverpb.KV/Txn', {
      compare: [...transaction.compare, { key, target: 'CREATE', result: 'EQUAL', create_revision: createRevision ?? 0 }],
      success: [...transaction.success, { request_put: { key, value: Buffer.from(String(number)) } }, ...leftBehind],
      failure: [...transaction.failure, { request_range: { key } }],
    })
  }

  #holds(session: Session, response: TxnResponse): boolean {
    const found = response.responses.at(-1)?.response_range?.kvs[0]
    return found?.create_revision === session.createRevision
  }

  async #leftBehind(): Promise<RequestOp[]> {
    const { members, prefix } = this.#options
    const request = { key: Buffer.from(prefix), range_end: rangeEnd(prefix), keys_only: true, sort_order: 'ASCEND', sort_target: 'CREATE' }
    const { kvs } = await members.read<RangeResponse>('etcdserverpb.KV/Range', request)
    const removed = kvs.slice(0, Math.min(removedAtOnce, Math.max(0, kvs.length - sessionsMax)))
    return removed.map(({ key }) => ({ request_delete_range: { key } }))
  }

  /** What happened under a session that can have nothing more happen; undefined when that could not be found out in time. */
  async #end(session: Session): Promise<History | undefined> {
    const { members, clock } = this.#options
    const { key } = session
    // Both fences may be set twice. Before the session's first answer its key may not be there: then it is put, which a first
    // transaction that is still on its way does not survive; a removal would let it through.
    const isBegun = session.createRevision !== undefined
    const fence: RequestOp = isBegun ? { request_delete_range: { key } } : { request_put: { key, value: Buffer.from(fenceValue) } }
    const deadline = clock.monotonicMs() + callTimeoutMs
    try {
      await members.read<TxnResponse>('etcdserverpb.KV/Txn', { compare: [], success: [fence], failure: [] })
    } catch {
      return undefined
    }
    const after = Math.min(...session.open.values())
    while (clock.monotonicMs() < deadline) {
      try {
        return await this.#history(key, { after, timeoutMs: deadline - clock.monotonicMs() })
      } catch (error) {
        if (!isTransient(error)) return undefined
        await sleep(clock, retryMs)
      }
    }
    return undefined
  }

  /** The numbers that the session's key held after `after`, until its fence. */
  async #history(key: Buffer, options: { after: number; timeoutMs: number }): Promise<History> {
    const { members, clock } = this.#options
    const happened = new Map<number, number>()
    const ending = new AbortController()
    const { send, messages, member } = members.open<WatchResponse>('etcdserverpb.Watch/Watch', ending.signal)
    const cancel = clock.schedule(Math.min(options.timeoutMs, historyAttemptMs), () => {
      members.leave(member)
      ending.abort()
    })
    try {
      send({ create_request: { key, start_revision: options.after + 1 } })
      for await (const { canceled, events } of messages) {
        if (canceled) throw new StoreUnavailable('the history of the session is gone')
        for (const { type, kv } of events) {
          if (type === 'DELETE' || kv.value.toString() === fenceValue) return happened
          happened.set(Number(kv.value.toString()), kv.mod_revision)
        }
      }
    } finally {
      cancel()
      ending.abort()
    }
    throw Object.assign(new Error('the history did not come in time'), { code: 4 })
  }
}

const fenceValue = 'ended'
const historyAttemptMs = 3_000

/** Lets those go on that wait for the first transaction. */
function release(session: Session): void {
  session.beginning?.resolve()
  session.beginning = undefined
}

const newSession = (key: string): Session => ({
  key: Buffer.from(key),
  createRevision: undefined,
  beginning: undefined,
  open: new Map(),
  ending: undefined,
})
