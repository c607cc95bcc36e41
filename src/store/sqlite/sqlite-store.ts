import type { Worker } from 'node:worker_threads'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import {
  type CommitResult,
  type Entry,
  type EventBatch,
  type ListOptions,
  type ListResult,
  type Operation,
  prefixEnd,
  type Revision,
  type Store,
  StoreCompacted,
  type StoreEvent,
  StoreFutureRevision,
  type StoreKey,
  StoreUnavailable,
  type WatchOptions,
} from '../contract.ts'
import { checkOperations, checkSize, expectationHolds } from '../expectation.ts'
import { pastRange } from '../past-range.ts'
import { type Write, CommitPipeline } from './commit-pipeline.ts'
import { liveEntries } from './loaded-rows.ts'
import { type Change, RowReplay, type RowState, type Version } from './row-state.ts'
import { WorkerLink } from './worker-link.ts'
import { toValues } from './write-batch.ts'

export type SqliteStoreOptions = {
  /** Holds store.db and its companions; created with mode 0700. One process at a time. */
  readonly dir: string
  readonly clock: Clock
  readonly log: Log
  /** The database file never grows past this; writes then fail until a compaction has made room. 0 or absent: no limit. */
  readonly sizeMaxBytes?: number
  /** One that is starting already; see newStoreThread. */
  readonly thread?: Worker
  /** Where a store that does not exist yet begins to count: past every revision that its clients have seen elsewhere. */
  readonly startRevision?: Revision
  /** Events kept at most; older ones are compacted away by themselves. */
  readonly historyEventsMax?: number
  /** What replaced and deleted values may take until they are compacted away by themselves, so that the file stays bounded. */
  readonly historyBytesMax?: number
  /** The write-ahead log is moved into the database file when it has grown to this. */
  readonly checkpointBytes?: number
}

/**
 * A durable store in one directory: node:sqlite in threads of its own.
 *
 * The front (this thread) knows every key's newest revision, decides on conditions and assigns revisions at once, and sends
 * what arrives while one transaction is being synced as the next one (group commit). The database is a log of rows that only
 * grows at its end. Invariants beyond the contract's:
 *  S1  `live` and `log` hold only what is durable; what is on its way is in the pipeline's overlay, seen by conditions alone.
 *  S2  when a transaction fails, it and everything decided on top of it fails, and the overlay is dropped: what is left is S1.
 *  S3  a revision that was assigned is never assigned again, also when its write failed.
 *  S4  rows are immutable and are forgotten only when no read that has begun can want them (`pins`).
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  // Large pages: an object of a few KiB wastes half of a small one, and fewer pages are fewer steps a write.
  const settings = {
    dir: options.dir,
    pageBytes: 16_384,
    sizeMaxBytes: options.sizeMaxBytes ?? 0,
    startRevision: options.startRevision ?? 0,
  }
  const { link, revision, compactRevision } = await WorkerLink.start({ ...settings, role: 'writer' }, options.thread).catch(
    (error: Error) => {
      throw error.message.includes('in use by another process') ? new StoreInUse(error.message, { cause: error }) : error
    },
  )
  try {
    const replay = new RowReplay({ revision, compactRevision })
    await link.load((rows) => replay.add(rows))
    const startReader = async () => (await WorkerLink.start({ ...settings, role: 'reader' })).link
    return new SqliteStore(options, replay.finish(), { writer: link, startReader })
  } catch (error) {
    await link.close()
    throw error
  }
}

/** Another process has the directory. */
export class StoreInUse extends Error {
  override name = 'StoreInUse'
}

export class SqliteStore implements Store {
  readonly #clock: Clock
  readonly #live: RowState['live']
  readonly #log: RowState['log']
  readonly #pipeline: CommitPipeline
  /** Until somebody has wanted everything. */
  #loaded: RowState['loaded'] | undefined
  #closing: Promise<void> | undefined

  constructor(options: SqliteStoreOptions, state: RowState, links: { writer: WorkerLink; startReader: () => Promise<WorkerLink> }) {
    this.#clock = options.clock
    this.#live = state.live
    this.#log = state.log
    this.#loaded = state.loaded
    this.#pipeline = new CommitPipeline({
      state,
      ...links,
      log: options.log,
      historyEventsMax: options.historyEventsMax ?? 250_000,
      historyBytesMax: options.historyBytesMax ?? 1 << 30,
      checkpointBytes: options.checkpointBytes ?? 8 << 20,
    })
  }

  get revision(): Revision {
    return this.#log.revision
  }

  freshRevision(): Revision {
    return this.revision
  }

  /** Whether the last write failed, for a full disk or another; until one succeeds again. */
  get isFailing(): boolean {
    return this.#pipeline.isFailing
  }

  get compactRevision(): Revision {
    return this.#log.compactRevision
  }

  async get(key: StoreKey): Promise<Entry | undefined> {
    this.#checkOpen()
    const version = this.#live.get(key)
    return version && (await this.#entries([version]))[0]
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListResult> {
    this.#checkOpen()
    options.signal?.throwIfAborted()
    const revision = options.revision ?? this.revision
    if (revision > this.revision) throw new StoreFutureRevision(`revision ${revision} is newer than the store's, ${this.revision}`)
    if (revision < this.compactRevision) throw new StoreCompacted(this.compactRevision)
    const from = options.after === undefined || options.after < prefix ? prefix : `${options.after}\0`
    const range = { from, to: prefixEnd(prefix), limit: options.limit }
    const { values, remaining } = pastRange({ live: this.#live, log: this.#log }, revision, range, (change) => change.previous)
    return { entries: await this.#entries(values, options.signal), revision, remaining }
  }

  async scan(prefix: string): Promise<{ revision: Revision; chunks: AsyncIterable<readonly Entry[]> }> {
    this.#checkOpen()
    const { revision } = this
    const loaded = this.#loaded
    this.#loaded = undefined
    const versions = this.#live.range(prefix, prefixEnd(prefix))
    if (loaded && prefix === '') {
      const lastLoaded = loaded.at(-1)?.rowIds.at(-1) ?? 0
      const written = this.#chunks(versions.filter(({ rowId }) => rowId > lastLoaded))
      return { revision, chunks: joined(liveEntries(loaded, this.#live), written) }
    }
    // In the order of the rows: the database is read front to back.
    return { revision, chunks: this.#chunks(versions.sort((a, b) => a.rowId - b.rowId)) }
  }

  async commit(operations: readonly Operation[]): Promise<CommitResult> {
    this.#checkOpen()
    checkOperations(operations)
    checkSize(operations)
    const writes: Write[] = []
    for (const operation of operations) {
      const { version, isPending } = this.#pipeline.newest(operation.key)
      if (!expectationHolds(operation, version?.revision)) return this.#conflict(operation.key, version, isPending)
      if (operation.type !== 'check') writes.push(operation)
    }
    return this.#pipeline.commit(writes)
  }

  async *watch(prefix: string, options: WatchOptions): AsyncGenerator<EventBatch> {
    this.#checkOpen()
    for await (const { revision, events } of this.#log.follow(prefix, { ...options, clock: this.#clock })) {
      const batch = await this.#events(events)
      if (!batch) throw new StoreCompacted(this.compactRevision)
      yield { revision, events: batch }
    }
  }

  async compact(before: Revision): Promise<void> {
    this.#checkOpen()
    if (before > this.revision) throw new StoreFutureRevision(`revision ${before} is newer than the store's, ${this.revision}`)
    await this.#pipeline.compact(before)
  }

  close(): Promise<void> {
    this.#closing ??= this.#pipeline.close().finally(() => this.#log.close())
    return this.#closing
  }

  /** What stands in the way may itself not be durable yet: it is shown only once it is. */
  async #conflict(key: StoreKey, version: Version | undefined, isPending: boolean): Promise<CommitResult> {
    if (isPending) await this.#pipeline.settled()
    const current = version && (await this.#entries([version]))[0]
    return { type: 'conflict', key, current }
  }

  async *#chunks(versions: readonly Version[]): AsyncGenerator<readonly Entry[]> {
    const unpin = this.#pipeline.pin()
    try {
      let next = this.#entries(versions.slice(0, scanRows))
      for (let at = 0; at < versions.length; at += scanRows) {
        const entries = await next
        // The next chunk is read while this one is decoded.
        if (at + scanRows < versions.length) next = this.#entries(versions.slice(at + scanRows, at + 2 * scanRows))
        next.catch(() => undefined)
        yield entries
      }
    } finally {
      unpin()
    }
  }

  async #entries(versions: readonly Version[], signal?: AbortSignal): Promise<Entry[]> {
    const values = await this.#values(versions, signal)
    return versions.map(({ key, revision, createRevision }, i) => {
      const value = values[i]
      if (!value) throw new StoreUnavailable(`the row of ${key} at revision ${revision} is missing`)
      return { key, value, revision, createRevision }
    })
  }

  /** In the order of `versions`; undefined where the row has been forgotten. */
  async #values(versions: readonly Version[], signal?: AbortSignal): Promise<(Uint8Array | undefined)[]> {
    const values = versions.map((version) => version.value)
    const missing = versions.flatMap((version, i) => (version.value ? [] : [i]))
    if (missing.length === 0) return values
    const unpin = this.#pipeline.pin()
    try {
      for (let at = 0; at < missing.length; at += readRows) {
        const part = missing.slice(at, at + readRows)
        const read = toValues(await this.#pipeline.read(part.map((i) => versions[i]!.rowId)))
        for (const [n, i] of part.entries()) values[i] = read[n]
        signal?.throwIfAborted()
      }
    } finally {
      unpin()
    }
    return values
  }

  /** Undefined when a compaction has overtaken the reader. */
  async #events(changes: readonly Change[]): Promise<StoreEvent[] | undefined> {
    const told = changes.map(lastTold)
    const missing = changes.flatMap(({ current, previous }, i) => (told[i] ? [] : [current ?? previous!]))
    const values = (await this.#values(missing)).values()
    const events: StoreEvent[] = []
    for (const [i, { key, revision, current, previous }] of changes.entries()) {
      const value = told[i] ?? values.next().value
      if (!value) return undefined
      if (current) events.push({ type: 'put', key, revision, createRevision: current.createRevision, value, previous: previous?.revision })
      else
        events.push({
          type: 'delete',
          key,
          revision,
          previous: { key, value, revision: previous!.revision, createRevision: previous!.createRevision },
        })
    }
    return events
  }

  #checkOpen(): void {
    if (this.#closing) throw new StoreUnavailable('the store is closed')
  }
}

/** Takes what the event of a deletion tells, once: whoever asks later is told what was stored. */
function lastTold(change: Change): Uint8Array | undefined {
  const { last } = change
  if (last) change.last = undefined
  return last
}

async function* joined<T>(...sources: readonly AsyncIterable<T>[]): AsyncGenerator<T> {
  for (const source of sources) yield* source
}

/** Rows of one chunk of a scan, and of one read. */
const scanRows = 512
const readRows = 1024
