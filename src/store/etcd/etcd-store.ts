import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import {
  type CommitResult,
  type Entry,
  type EventBatch,
  type ListOptions,
  type ListResult,
  noRevision,
  type Operation,
  type Revision,
  type Store,
  StoreCompacted,
  StoreFutureRevision,
  type StoreKey,
  StoreUnavailable,
  type WatchOptions,
} from '../contract.ts'
import { checkOperations } from '../expectation.ts'
import type { KeyValue, RangeRequest, RangeResponse, StatusResponse, TxnResponse, WatchResponse } from './etcd-messages.ts'
import { EtcdMembers, isTransient, type MembersOptions, RevisionAhead, RevisionCompacted, type ReadOptions } from './etcd-members.ts'
import { watchEtcd } from './etcd-watch.ts'
import { type KeySpace, keySpaceOf, rangeEnd, type RevisionScale, toEtcdRevision, toStoreRevision } from './key-space.ts'
import { isMarked } from './restore-mark.ts'
import { conflictOf, planTransaction, type Terms } from './transaction.ts'
import { WriteSessions } from './write-sessions.ts'

export type EtcdStoreOptions = MembersOptions & {
  /** Everything lies below this; two stores in one etcd have different ones. Begins with a slash and has none at its end. */
  readonly root: string
  readonly random: Random
  readonly clock: Clock
  /** Where a store that does not exist yet begins to count: past every revision that its clients have seen elsewhere. */
  readonly startRevision?: Revision
  /** Opens a store that is being restored, which nobody else does. */
  readonly isRestoring?: boolean
}

/** Entries asked for at once. */
const pageEntries = 1_000
/**
 * Of a scan: etcd goes through all the keys that are left for each page, so a page is as large as memory allows, whatever the size of
 * entries.
 */
const scanPage = { bytes: 16 << 20, entriesMin: 50, entriesMax: 10_000 } as const
/** Reading very much of an etcd that has other work takes its time. */
const pageTimeoutMs = 60_000

/**
 * A store in etcd (v3, 3.4 or newer; https://etcd.io/docs/), which several processes may use at once.
 *  E1  A commit is one transaction: etcd assigns its revision, and answers when a majority of the members has it on disk (I1, I2,
 *      I3, I5). Commits are not joined, because each has a revision of its own; etcd's members join their syncs.
 *  E2  Reads without a revision are linearizable: they see whatever anybody was answered before.
 *  E3  A commit without an answer is decided by write-sessions.ts, never by making it again.
 *  E4  A compaction asked for here waits for the scans that are under way here.
 *
 * Throws StoreUnavailable when no member answers in `callTimeoutMs`.
 */
export async function openEtcdStore(options: EtcdStoreOptions): Promise<EtcdStore> {
  const members = new EtcdMembers(options)
  try {
    const { scale, revision } = await ensureMade(members, options)
    const compactRevision = toStoreRevision(scale, await findCompactRevision(members, options))
    return new EtcdStore(options, members, { scale, revision, compactRevision })
  } catch (error) {
    members.close()
    throw error
  }
}

type Start = { readonly scale: RevisionScale; readonly revision: Revision; readonly compactRevision: Revision }

/** Reads how the store counts, or makes it. */
async function ensureMade(
  members: EtcdMembers,
  { root, startRevision = noRevision, isRestoring = false }: EtcdStoreOptions,
): Promise<{ scale: RevisionScale; revision: Revision }> {
  if (!isRestoring && (await isMarked(members, root)))
    throw new StoreUnavailable(`the store under ${root} holds a restore that was cut short: run \`keelson restore\` again`)
  const key = Buffer.from(metaKey(root))
  const value = Buffer.from(JSON.stringify({ version: 1, startRevision }))
  // The same whoever makes it, and however often: the first stays.
  const { header, succeeded, responses } = await members.read<TxnResponse>('etcdserverpb.KV/Txn', {
    compare: [{ key, target: 'CREATE', result: 'GREATER', create_revision: 0 }],
    success: [{ request_range: { key } }],
    failure: [{ request_put: { key, value } }],
  })
  const found = succeeded ? responses[0]?.response_range?.kvs[0] : undefined
  if (!found) return { scale: { base: header.revision, start: startRevision }, revision: startRevision }
  const { version, startRevision: start } = JSON.parse(found.value.toString()) as { version: number; startRevision: Revision }
  if (version !== 1) throw new StoreUnavailable(`the store under ${root} has format ${version}; this version reads format 1`)
  const scale = { base: found.create_revision, start }
  return { scale, revision: toStoreRevision(scale, header.revision) }
}

/**
 * etcd tells it only to a watch that starts too early; 0 when nothing has been compacted. The watch is on a key that is there, so
 * that its first event says that the start was not too early.
 */
async function findCompactRevision(members: EtcdMembers, { root, clock }: EtcdStoreOptions): Promise<number> {
  const key = Buffer.from(metaKey(root))
  for (let attempt = 1; ; attempt++) {
    const ending = new AbortController()
    const { send, messages, member } = members.open<WatchResponse>('etcdserverpb.Watch/Watch', ending.signal)
    const cancel = clock.schedule(probeMs, () => ending.abort())
    try {
      send({ create_request: { key, start_revision: 1 } })
      for await (const { compact_revision: revision, events } of messages) {
        if (revision > 0 || events.length > 0) return revision
      }
    } catch (error) {
      if (!isTransient(error)) throw error
    } finally {
      cancel()
      ending.abort()
    }
    members.leave(member)
    if (attempt === probesMax) throw new StoreUnavailable('no etcd member says what it has compacted')
  }
}

const probeMs = 2_000
const probesMax = 5
const metaKey = (root: string) => `${root}/meta/store`

export class EtcdStore implements Store {
  readonly #options: EtcdStoreOptions
  readonly #members: EtcdMembers
  readonly #keys: KeySpace
  readonly #terms: Terms
  readonly #scale: RevisionScale
  readonly #sessions: WriteSessions
  readonly #closed = new AbortController()
  readonly #listeners = new Set<(revision: Revision) => void>()
  readonly #underWay = new Set<Promise<unknown>>()
  readonly #scans = new Set<Promise<void>>()
  #revision: Revision
  #compactRevision: Revision
  /** The read that late-comers may not share, and the one that all of them will. */
  #asking: Promise<Revision> | undefined
  #askingNext: Promise<Revision> | undefined

  constructor(options: EtcdStoreOptions, members: EtcdMembers, { scale, revision, compactRevision }: Start) {
    this.#options = options
    this.#members = members
    this.#keys = keySpaceOf(options.root)
    this.#scale = scale
    this.#revision = revision
    this.#compactRevision = compactRevision
    this.#terms = {
      toEtcd: (key) => this.#keys.toEtcd(key),
      toEtcdRevision: (r) => toEtcdRevision(scale, r),
      toRevision: (r) => toStoreRevision(scale, r),
    }
    this.#sessions = new WriteSessions({
      members,
      clock: options.clock,
      random: options.random,
      prefix: `${options.root}/session/`,
      knownRevision: () => toEtcdRevision(scale, this.#revision),
    })
  }

  get revision(): Revision {
    return this.#revision
  }

  get compactRevision(): Revision {
    return this.#compactRevision
  }

  /** One question to etcd serves all that ask while the one before is under way. */
  freshRevision(): Promise<Revision> {
    if (!this.#asking) {
      this.#asking = this.#ask().finally(() => {
        this.#asking = undefined
      })
      return this.#asking
    }
    this.#askingNext ??= this.#asking
      .catch(() => undefined)
      .then(() => {
        this.#askingNext = undefined
        return this.freshRevision()
      })
    return this.#askingNext
  }

  async get(key: StoreKey): Promise<Entry | undefined> {
    const { kvs } = await this.#range({ key: this.#keys.toEtcd(key) })
    return kvs[0] && this.#entry(kvs[0])
  }

  async list(prefix: string, { limit, after, revision, signal }: ListOptions = {}): Promise<ListResult> {
    const entries: Entry[] = []
    const from = after === undefined || after < prefix ? prefix : `${after}\0`
    for (let next = from, at = revision; ; ) {
      const wanted = Math.min(pageEntries, (limit ?? Number.POSITIVE_INFINITY) - entries.length)
      const page = await this.#page(prefix, { from: next, limit: wanted, revision: at, signal })
      entries.push(...page.entries)
      at = page.revision
      if (page.remaining === 0 || entries.length === limit) return { entries, revision: page.revision, remaining: page.remaining }
      next = `${entries.at(-1)!.key}\0`
    }
  }

  async scan(prefix: string): Promise<{ revision: Revision; chunks: AsyncIterable<readonly Entry[]> }> {
    const first = await this.#page(prefix, { from: prefix, limit: pageEntries, revision: undefined })
    return { revision: first.revision, chunks: this.#chunks(prefix, first) }
  }

  async commit(operations: readonly Operation[]): Promise<CommitResult> {
    this.#checkOpen()
    checkOperations(operations)
    const work = this.#commit(operations)
    this.#underWay.add(work)
    try {
      return await work
    } finally {
      this.#underWay.delete(work)
    }
  }

  async *watch(prefix: string, options: WatchOptions): AsyncGenerator<EventBatch> {
    this.#checkOpen()
    if (options.after < this.#compactRevision) throw new StoreCompacted(this.#compactRevision)
    try {
      yield* watchEtcd({
        ...options,
        members: this.#members,
        clock: this.#options.clock,
        keys: this.#keys,
        terms: this.#terms,
        prefix,
        signal: AbortSignal.any([options.signal, this.#closed.signal]),
        knownRevision: () => this.#revision,
        onKnown: (listener) => {
          this.#listeners.add(listener)
          return () => this.#listeners.delete(listener)
        },
        onRevision: (revision) => this.#advance(revision),
      })
    } catch (error) {
      if (error instanceof StoreCompacted) this.#compactRevision = max(this.#compactRevision, error.compactRevision)
      throw error
    }
    if (!options.signal.aborted) this.#checkOpen()
  }

  async compact(before: Revision): Promise<void> {
    this.#checkOpen()
    if (before <= this.#compactRevision) return
    while (this.#scans.size > 0) await Promise.race(this.#scans)
    this.#checkOpen()
    try {
      await this.#members.read('etcdserverpb.KV/Compact', { revision: toEtcdRevision(this.#scale, before) })
      this.#compactRevision = max(this.#compactRevision, before)
    } catch (error) {
      if (error instanceof RevisionAhead)
        throw new StoreFutureRevision(`revision ${before} is newer than the store's, ${this.#revision}`, { cause: error })
      if (!(error instanceof RevisionCompacted)) throw error
      await this.#learnCompactRevision()
    }
  }

  /** How much room the answering member's database takes, in bytes. */
  async sizeBytes(): Promise<number> {
    return (await this.#members.read<StatusResponse>('etcdserverpb.Maintenance/Status', {})).dbSize
  }

  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return
    this.#closed.abort()
    await Promise.allSettled(this.#underWay)
    this.#members.close()
  }

  async #commit(operations: readonly Operation[]): Promise<CommitResult> {
    const transaction = planTransaction(operations, this.#terms)
    const { type, response, revision } = await this.#sessions.commit(transaction)
    this.#advance(this.#terms.toRevision(revision))
    if (type === 'committed') return { type, revision: this.#terms.toRevision(revision) }
    const conflict = conflictOf(operations, response, this.#terms)
    if (!conflict) throw new StoreUnavailable('etcd refused a transaction whose conditions hold')
    return conflict
  }

  async #ask(): Promise<Revision> {
    const key = Buffer.from(metaKey(this.#options.root))
    const { header } = await this.#range({ key, count_only: true })
    return this.#terms.toRevision(header.revision)
  }

  /** Throws StoreCompacted, StoreFutureRevision, StoreUnavailable. */
  async #range(request: RangeRequest, options?: ReadOptions): Promise<RangeResponse> {
    this.#checkOpen()
    try {
      const response = await this.#members.read<RangeResponse>('etcdserverpb.KV/Range', request, options)
      this.#advance(this.#terms.toRevision(response.header.revision))
      return response
    } catch (error) {
      if (error instanceof RevisionCompacted) throw new StoreCompacted(await this.#learnCompactRevision())
      if (error instanceof RevisionAhead)
        throw new StoreFutureRevision(`the revision is newer than the store's, ${this.#revision}`, { cause: error })
      throw error
    }
  }

  async #page(prefix: string, page: PageOptions): Promise<ListResult> {
    const { from, limit, revision, signal } = page
    // etcd would answer what it still has of it; what is compacted is gone for all alike.
    if (revision !== undefined && revision < this.#compactRevision) throw new StoreCompacted(this.#compactRevision)
    const { dataPrefix } = this.#keys
    const request = {
      key: Buffer.from(dataPrefix + from),
      range_end: rangeEnd(dataPrefix + prefix),
      limit,
      ...(revision === undefined ? {} : { revision: toEtcdRevision(this.#scale, revision) }),
    }
    const { kvs, count, header } = await this.#range(request, { timeoutMs: pageTimeoutMs, signal })
    return {
      entries: kvs.map((kv) => this.#entry(kv)),
      revision: revision ?? this.#terms.toRevision(header.revision),
      remaining: count - kvs.length,
    }
  }

  async *#chunks(prefix: string, first: ListResult): AsyncGenerator<readonly Entry[]> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#scans.add(promise)
    try {
      let next: Promise<ListResult> | undefined = Promise.resolve(first)
      while (next) {
        const { entries, remaining }: ListResult = await next
        // The next chunk is read while this one is decoded.
        const page: PageOptions = { from: `${entries.at(-1)?.key}\0`, limit: scanLimit(entries), revision: first.revision }
        next = remaining > 0 ? this.#page(prefix, page) : undefined
        next?.catch(() => undefined)
        yield entries
      }
    } finally {
      this.#scans.delete(promise)
      resolve()
    }
  }

  #entry(kv: KeyValue): Entry {
    return {
      key: this.#keys.toKey(kv.key),
      value: kv.value,
      revision: this.#terms.toRevision(kv.mod_revision),
      createRevision: this.#terms.toRevision(kv.create_revision),
    }
  }

  #advance(revision: Revision): void {
    if (revision <= this.#revision) return
    this.#revision = revision
    for (const listener of this.#listeners) listener(revision)
  }

  async #learnCompactRevision(): Promise<Revision> {
    this.#compactRevision = max(this.#compactRevision, this.#terms.toRevision(await findCompactRevision(this.#members, this.#options)))
    return this.#compactRevision
  }

  #checkOpen(): void {
    if (this.#closed.signal.aborted) throw new StoreUnavailable('the store is closed')
  }
}

type PageOptions = {
  readonly from: string
  readonly limit: number
  readonly revision: Revision | undefined
  readonly signal?: AbortSignal | undefined
}

const max = (a: Revision, b: Revision) => (a > b ? a : b)

/** As many as fit, if the next are as large as these. */
function scanLimit(entries: readonly Entry[]): number {
  const bytes = entries.reduce((sum, { key, value }) => sum + key.length + value.byteLength, 1)
  const fitting = Math.floor((scanPage.bytes / bytes) * entries.length)
  return Math.min(scanPage.entriesMax, Math.max(scanPage.entriesMin, fitting))
}
