import type { Log } from '../../base/log.ts'
import { type CommitResult, type Operation, type Revision, type StoreKey, StoreUnavailable } from '../contract.ts'
import { CompactionQueue } from './compaction-queue.ts'
import type { ForgetRequest, Values } from './messages.ts'
import { RecentValues } from './recent-values.ts'
import { bytesKeptBy, type Change, garbageOf, type RowState, type Version } from './row-state.ts'
import { WalKeeper } from './wal-keeper.ts'
import type { WorkerLink } from './worker-link.ts'
import { type PendingCommit, takeCommits, toValues, toWriteRequest } from './write-batch.ts'

export type CommitPipelineOptions = {
  readonly state: RowState
  readonly writer: WorkerLink
  readonly startReader: () => Promise<WorkerLink>
  readonly log: Log
  readonly historyEventsMax: number
  readonly historyBytesMax: number
  readonly checkpointBytes: number
}

export type Write = Exclude<Operation, { type: 'check' }>

/**
 * Commits on their way from the front to the disk, one transaction under way at a time, and the rows that compaction wants
 * gone, a chunk a transaction. The invariants are those of sqlite-store.ts.
 */
export class CommitPipeline {
  readonly #live: RowState['live']
  readonly #log: RowState['log']
  readonly #writer: WorkerLink
  readonly #wal: WalKeeper
  readonly #warnings: Log
  readonly #historyEventsMax: number
  readonly #historyBytesMax: number
  readonly #compaction: CompactionQueue
  readonly #recent = new RecentValues(recentBytesMax)
  /** The newest state of each key that is on its way; without a version: it will be deleted. */
  readonly #overlay = new Map<StoreKey, { readonly revision: Revision; readonly version: Version | undefined }>()
  #queue: PendingCommit[] = []
  #queuedBytes = 0
  /** What the values take that are there for the history alone. */
  #historyBytes: number
  #last: Promise<CommitResult> | undefined
  #isUnderWay = false
  #isFlushDue = false
  /** After a failure commits and compaction go apart, so that a full disk can be emptied while writes keep failing. */
  #isRecovering = false
  #revision: Revision
  #nextRowId: number
  #whenIdle: (() => void) | undefined
  /** To be called when those who follow the store closely have had the last transaction: they know its values by their identity. */
  #delivered: (() => void) | undefined
  #isClosing = false

  constructor(options: CommitPipelineOptions) {
    const { state, writer } = options
    this.#live = state.live
    this.#log = state.log
    this.#writer = writer
    this.#warnings = options.log
    this.#historyEventsMax = options.historyEventsMax
    this.#historyBytesMax = options.historyBytesMax
    this.#historyBytes = state.historyBytes
    this.#wal = new WalKeeper(options)
    this.#revision = state.log.revision
    this.#nextRowId = state.nextRowId
    this.#compaction = new CompactionQueue(state.garbage)
    if (this.#compaction.isReady) this.#flushSoon()
  }

  /** What a condition on the key is judged by: the newest state decided, durable or not. */
  newest(key: StoreKey): { readonly version: Version | undefined; readonly isPending: boolean } {
    const pending = this.#overlay.get(key)
    return pending ? { version: pending.version, isPending: true } : { version: this.#live.get(key), isPending: false }
  }

  /** Whether the last write failed; until one succeeds again. */
  get isFailing(): boolean {
    return this.#isRecovering
  }

  /** Resolves when everything decided so far is durable; rejects when some of it failed. */
  async settled(): Promise<void> {
    await this.#last
  }

  /** The conditions hold by `newest`, judged in this same turn. */
  commit(operations: readonly Write[]): Promise<CommitResult> {
    const bytes = operations.reduce((sum, operation) => sum + (operation.type === 'put' ? operation.value.byteLength : 0), 0)
    if (this.#queue.length >= queueCommitsMax || this.#queuedBytes + bytes > queueBytesMax) {
      return Promise.reject(new StoreUnavailable('too many writes wait for the disk'))
    }
    const revision = (this.#revision + 1) as Revision
    this.#revision = revision
    const changes = operations.map((operation) => this.#change(operation, revision))
    this.#queuedBytes += bytes
    this.#last = new Promise((resolve, reject) => this.#queue.push({ revision, changes, resolve, reject, bytes }))
    this.#flushSoon()
    return this.#last
  }

  /** Takes the events up to `before` out of the history at once; resolves when their rows are gone. */
  async compact(before: Revision): Promise<void> {
    if (before <= this.#log.compactRevision) return
    await this.#forget(this.#log.compact(before))
  }

  pin(): () => void {
    return this.#compaction.pin(() => this.#flushSoon())
  }

  read(rowIds: readonly number[]): Promise<Values> {
    return this.#wal.reader.read(rowIds)
  }

  /** Writes what is queued, then ends the threads. */
  async close(): Promise<void> {
    this.#isClosing = true
    if (this.#isUnderWay || this.#queue.length > 0) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve
      })
    }
    this.#compaction.fail(new StoreUnavailable('the store is closed'))
    await this.#wal.close()
    await this.#writer.close()
  }

  #change(operation: Write, revision: Revision): Change {
    const { key } = operation
    const rowId = this.#nextRowId++
    const previous = this.newest(key).version
    const current: Version | undefined =
      operation.type === 'put'
        ? {
            key,
            rowId,
            revision,
            createRevision: previous?.createRevision ?? revision,
            bytes: operation.value.byteLength,
            value: operation.value,
          }
        : undefined
    this.#overlay.set(key, { revision, version: current })
    if (operation.type === 'put' || !operation.last) return { key, rowId, revision, current, previous }
    return { key, rowId, revision, current, previous, last: operation.last }
  }

  /** At the end of this turn of the event loop, so that the writes of all requests that it read share a transaction. */
  #flushSoon(): void {
    if (this.#isFlushDue || this.#isUnderWay) return
    this.#isFlushDue = true
    setImmediate(() => {
      this.#isFlushDue = false
      this.#flush()
    })
  }

  #flush(): void {
    if (this.#isUnderWay) return
    let forget = this.#isClosing
      ? undefined
      : this.#compaction.take({ compactRevision: this.#log.compactRevision, revision: this.#log.revision })
    const commits = this.#isRecovering && forget ? [] : takeCommits(this.#queue, { rowsMax: batchRowsMax, bytesMax: batchBytesMax })
    if (this.#isRecovering && commits.length > 0) forget = undefined
    if (commits.length === 0 && !forget) {
      this.#whenIdle?.()
      return
    }
    for (const commit of commits) this.#queuedBytes -= commit.bytes
    const wanted = wantedBy(commits)
    this.#isUnderWay = true
    const request = toWriteRequest({ commits, wanted, forget })
    this.#writer.write(request).then(
      (answer) => {
        if (answer.wanted) this.#keepWanted(wanted, answer.wanted)
        this.#written(commits, forget, answer.walBytes)
        this.#delivered?.()
        const { slab } = request
        this.#delivered = slab instanceof SharedArrayBuffer ? () => keepSlab(commits, slab) : undefined
      },
      (error: unknown) => this.#failed(commits, error),
    )
  }

  #keepWanted(wanted: readonly Change[], values: Values): void {
    for (const [i, value] of toValues(values).entries()) {
      const previous = wanted[i]!.previous!
      previous.value = value
      this.#recent.keep(previous)
    }
  }

  #written(commits: readonly PendingCommit[], forget: ForgetRequest | undefined, walBytes: number): void {
    this.#isUnderWay = false
    this.#isRecovering = false
    if (forget) this.#compaction.forgotten(forget, this.#log.compactRevision)
    // The next transaction is on its way to the disk before the answers of this one are given.
    this.#flush()
    for (const { revision, changes } of commits) {
      for (const change of changes) this.#apply(change)
      this.#log.append(revision, changes)
      this.#historyBytes += bytesKeptBy(changes)
    }
    if (this.#log.eventCount > this.#historyEventsMax) this.#trim(this.#historyEventsMax >> 1)
    while (this.#historyBytes > this.#historyBytesMax && this.#log.eventCount > 0) this.#trim(this.#log.eventCount >> 1)
    this.#log.wake()
    for (const { revision, resolve } of commits) resolve({ type: 'committed', revision })
    this.#wal.grown(walBytes)
  }

  #apply({ key, revision, current }: Change): void {
    if (this.#overlay.get(key)?.revision === revision) this.#overlay.delete(key)
    if (current) {
      this.#live.set(key, current)
      this.#recent.keep(current)
    } else {
      this.#live.delete(key)
    }
  }

  /** S2: everything queued was decided on top of what failed. S3: the revisions stay used up. */
  #failed(commits: readonly PendingCommit[], error: unknown): void {
    this.#isUnderWay = false
    this.#isRecovering = true
    const failure = new StoreUnavailable(error instanceof Error ? error.message : String(error), { cause: error })
    const failing = [...commits, ...this.#queue]
    this.#queue = []
    this.#queuedBytes = 0
    this.#overlay.clear()
    this.#warnings.error({ error, commits: failing.length }, 'a write to the store failed')
    this.#compaction.fail(failure)
    for (const { reject } of failing) reject(failure)
    this.#whenIdle?.()
  }

  #trim(eventsMax: number): void {
    this.#forget(this.#log.trim(eventsMax)).catch((error: unknown) =>
      this.#warnings.warn({ error }, 'the oldest events could not be compacted away'),
    )
  }

  #forget(dropped: readonly Change[]): Promise<void> {
    this.#historyBytes -= bytesKeptBy(dropped)
    const done = this.#compaction.add(garbageOf(dropped))
    this.#flushSoon()
    return done
  }
}

/** What is deleted and whose value is not at hand: its event has it. */
function wantedBy(commits: readonly PendingCommit[]): Change[] {
  const wanted: Change[] = []
  for (const { changes } of commits)
    for (const change of changes) if (!change.current && !change.previous!.value && !change.last) wanted.push(change)
  return wanted
}

/**
 * The values of a transaction as they lie in what the thread was sent: then what the writers brought, each in memory of its own, goes
 * while it is young. Kept for as long as recent values are, it was what V8 collected its whole heap for.
 */
function keepSlab(commits: readonly PendingCommit[], slab: SharedArrayBuffer): void {
  let offset = 0
  for (const { changes } of commits)
    for (const { current } of changes) {
      if (!current) continue
      if (current.value) current.value = new Uint8Array(slab, offset, current.bytes)
      offset += current.bytes
    }
}

/** One transaction takes about this much at most; what is over waits for the next. */
const batchRowsMax = 1024
const batchBytesMax = 8 << 20
const queueCommitsMax = 100_000
const queueBytesMax = 256 << 20
const recentBytesMax = 16 << 20
