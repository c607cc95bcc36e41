import type { Clock } from '../base/clock.ts'
import { systemClock } from '../platform/system-clock.ts'
import {
  type CommitResult,
  type Entry,
  type EventBatch,
  type ListOptions,
  type ListResult,
  noRevision,
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
} from './contract.ts'
import { EventLog } from './event-log.ts'
import { checkOperations, checkSize, expectationHolds } from './expectation.ts'
import { SortedMap } from './sorted-map.ts'

export type MemoryStoreOptions = {
  /** Only for the watches' progress marks. */
  readonly clock?: Clock
  /** Events kept at most; older ones are compacted away by themselves. */
  readonly historyEventsMax?: number
}

/**
 * The model of a store: every call takes effect before it returns, so that the same calls give the same history.
 * Durable for the life of the process. Behind tests, simulations and embedded clusters.
 */
export function createMemoryStore(options: MemoryStoreOptions = {}): Store {
  return new MemoryStore(options.clock ?? systemClock, options.historyEventsMax ?? 20_000)
}

/** An event with what it takes to undo it. */
type MemoryEvent = { readonly key: StoreKey; readonly revision: Revision; readonly event: StoreEvent; readonly previous: Entry | undefined }

class MemoryStore implements Store {
  readonly #clock: Clock
  readonly #historyEventsMax: number
  readonly #live = new SortedMap<Entry>()
  readonly #log = new EventLog<MemoryEvent>({ revision: noRevision, compactRevision: noRevision })
  #isClosed = false

  constructor(clock: Clock, historyEventsMax: number) {
    this.#clock = clock
    this.#historyEventsMax = historyEventsMax
  }

  get revision(): Revision {
    return this.#log.revision
  }

  freshRevision(): Revision {
    return this.revision
  }

  get compactRevision(): Revision {
    return this.#log.compactRevision
  }

  async get(key: StoreKey): Promise<Entry | undefined> {
    this.#checkOpen()
    return this.#live.get(key)
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListResult> {
    this.#checkOpen()
    options.signal?.throwIfAborted()
    const revision = options.revision ?? this.revision
    if (revision > this.revision) throw new StoreFutureRevision(`revision ${revision} is newer than the store's, ${this.revision}`)
    if (revision < this.compactRevision) throw new StoreCompacted(this.compactRevision)
    const state = revision === this.revision ? this.#live : this.#stateAt(prefix, revision)
    const from = options.after === undefined || options.after < prefix ? prefix : `${options.after}\0`
    const entries = state.range(from, prefixEnd(prefix), options.limit)
    return { entries, revision, remaining: state.count(from, prefixEnd(prefix)) - entries.length }
  }

  async scan(prefix: string): Promise<{ revision: Revision; chunks: AsyncIterable<readonly Entry[]> }> {
    const { entries, revision } = await this.list(prefix)
    const chunks = (async function* () {
      yield entries
    })()
    return { revision, chunks }
  }

  async commit(operations: readonly Operation[]): Promise<CommitResult> {
    this.#checkOpen()
    checkOperations(operations)
    checkSize(operations)
    for (const operation of operations) {
      const current = this.#live.get(operation.key)
      if (!expectationHolds(operation, current?.revision)) return { type: 'conflict', key: operation.key, current }
    }
    const revision = (this.revision + 1) as Revision
    const events = operations.flatMap((operation) => (operation.type === 'check' ? [] : [this.#apply(operation, revision)]))
    this.#log.append(revision, events)
    this.#log.trim(this.#historyEventsMax)
    this.#log.wake()
    return { type: 'committed', revision }
  }

  async *watch(prefix: string, options: WatchOptions): AsyncGenerator<EventBatch> {
    this.#checkOpen()
    for await (const { revision, events } of this.#log.follow(prefix, { ...options, clock: this.#clock })) {
      yield { revision, events: events.map(({ event }) => event) }
    }
  }

  async compact(before: Revision): Promise<void> {
    this.#checkOpen()
    if (before > this.revision) throw new StoreFutureRevision(`revision ${before} is newer than the store's, ${this.revision}`)
    this.#log.compact(before)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#log.close()
  }

  #apply(operation: Exclude<Operation, { type: 'check' }>, revision: Revision): MemoryEvent {
    const { key } = operation
    const previous = this.#live.get(key)
    if (operation.type === 'delete') {
      this.#live.delete(key)
      const told = operation.last ? { ...previous!, value: operation.last } : previous!
      return { key, revision, event: { type: 'delete', key, revision, previous: told }, previous }
    }
    const { value } = operation
    const createRevision = previous?.createRevision ?? revision
    // A copy: the writer's bytes may be a piece of something much larger.
    this.#live.set(key, { key, value: new Uint8Array(value), revision, createRevision })
    return { key, revision, event: { type: 'put', key, revision, createRevision, value, previous: previous?.revision }, previous }
  }

  #stateAt(prefix: string, revision: Revision): SortedMap<Entry> {
    const state = new Map(this.#live.range(prefix, prefixEnd(prefix)).map((entry) => [entry.key as string, entry]))
    for (const { key, previous } of this.#log.newestFirst(revision)) {
      if (!key.startsWith(prefix)) continue
      if (previous) state.set(key, previous)
      else state.delete(key)
    }
    const sorted = new SortedMap<Entry>()
    sorted.load(state)
    return sorted
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new StoreUnavailable('the store is closed')
  }
}
