import { assert } from '../base/assert.ts'
import { type Clock, sleep } from '../base/clock.ts'
import { type Log, silentLog } from '../base/log.ts'
import { CacheDispatch } from './cache-dispatch.ts'
import { GroupIndex } from './cache-index.ts'
import { CacheWatcher } from './cache-watcher.ts'
import {
  type CommitResult,
  type EventBatch,
  type Operation,
  prefixEnd,
  type Revision,
  type Store,
  StoreCompacted,
  type StoreEvent,
  type StoreKey,
  StoreUnavailable,
} from './contract.ts'
import { EventLog } from './event-log.ts'
import { pastRange } from './past-range.ts'
import { SortedMap } from './sorted-map.ts'
import type {
  CacheBatch,
  CacheCommit,
  CacheEntry,
  CacheEvent,
  CacheIndex,
  CachePage,
  CachePageOptions,
  CacheWatchOptions,
  Decode,
  Grouping,
  WatchCache,
} from './watch-cache-contract.ts'

export type WatchCacheOptions<T> = {
  readonly store: Store
  readonly decode: Decode<T>
  /** For the values of a scan, which may be kept as they are; default: `decode`. */
  readonly decodeScanned?: Decode<T>
  readonly clock: Clock
  readonly log?: Log
  /** Bytes that a value takes; default: none. */
  readonly sizeOf?: (value: T) => number
  /** Events that a new watcher can start from, at most. */
  readonly historyEventsMax?: number
  /** Bytes of values that nothing but those events keeps, at most: few events of large objects are as much as many of usual ones. */
  readonly historyBytesMax?: number
  /** Events that may wait for one watcher when it does not say. */
  readonly watcherSizeMax?: number
  /** Bytes of their values. */
  readonly watcherBytesMax?: number
}

/**
 * Fills a cache with all that the store holds and follows it from there.
 *
 * When its own watch on the store breaks (compacted, unavailable), the cache starts over from a fresh scan and ends its
 * watchers with StoreCompacted: they cannot know what they missed. Rejects when the first scan fails.
 */
export async function createWatchCache<T>(options: WatchCacheOptions<T>): Promise<WatchCache<T>> {
  const cache = new LiveWatchCache(options)
  await cache.start()
  return cache
}

class LiveWatchCache<T> implements WatchCache<T> {
  readonly #store: Store
  readonly #decode: Decode<T>
  readonly #decodeScanned: Decode<T>
  readonly #clock: Clock
  readonly #warnings: Log
  readonly #sizeOf: (value: T) => number
  readonly #sizeOfBatch: (batch: CacheBatch<T>) => number
  readonly #historyEventsMax: number
  readonly #historyBytesMax: number
  readonly #watcherSizeMax: number
  readonly #watcherBytesMax: number
  readonly #dispatch: CacheDispatch<T>
  readonly #stopping = new AbortController()
  /** By the value's identity: in-process stores give their watchers the very bytes that were committed. */
  readonly #handedOver = new WeakMap<Uint8Array, { readonly key: StoreKey; readonly decoded: (revision: Revision) => T }>()
  #entries = new SortedMap<CacheEntry<T>>()
  #history = new EventLog<CacheEvent<T>>({ revision: 0 as Revision, compactRevision: 0 as Revision })
  #historyBytes = 0
  /** By a grouping of values of any type, each only ever asked for with its own. */
  #indexes: GroupIndex<T, unknown>[] = []
  #waiters: Waiter[] = []
  /** By resource, the revision of its last change; of those that have not changed since the last scan, that scan's. */
  readonly #changedAt = new Map<string, Revision>()
  #scannedAt = 0 as Revision
  #following: Promise<void> = Promise.resolve()

  constructor(options: WatchCacheOptions<T>) {
    this.#store = options.store
    this.#decode = options.decode
    this.#decodeScanned = options.decodeScanned ?? options.decode
    this.#clock = options.clock
    this.#dispatch = new CacheDispatch(options.clock)
    this.#warnings = options.log ?? silentLog
    this.#sizeOf = options.sizeOf ?? (() => 0)
    this.#sizeOfBatch = batchSizes(this.#sizeOf)
    this.#historyEventsMax = options.historyEventsMax ?? 16_384
    this.#historyBytesMax = options.historyBytesMax ?? 128 << 20
    this.#watcherSizeMax = options.watcherSizeMax ?? 10_000
    this.#watcherBytesMax = options.watcherBytesMax ?? 64 << 20
  }

  get revision(): Revision {
    return this.#history.revision
  }

  get oldestRevision(): Revision {
    return this.#history.compactRevision
  }

  async start(): Promise<void> {
    await this.#fill()
    this.#following = this.#follow()
  }

  async waitFor(revision: Revision, signal?: AbortSignal): Promise<void> {
    if (revision <= this.revision) return
    signal?.throwIfAborted()
    await this.#applied(revision, signal)
  }

  #applied(revision: Revision, signal?: AbortSignal): Promise<void> {
    if (this.#stopping.signal.aborted) return Promise.reject(closed())
    return new Promise<void>((resolve, reject) => {
      const waiter: Waiter = { revision, resolve, reject }
      this.#waiters.push(waiter)
      if (!signal) return
      const onAbort = () => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter)
        reject(signal.reason as Error)
      }
      signal.addEventListener('abort', onAbort, { once: true })
      waiter.resolve = () => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      }
    })
  }

  get(key: StoreKey): CacheEntry<T> | undefined {
    return this.#entries.get(key)
  }

  list(prefix: string): readonly CacheEntry<T>[] {
    return this.#entries.range(prefix, prefixEnd(prefix))
  }

  page(prefix: string, { revision, after, limit }: CachePageOptions): CachePage<T> | undefined {
    if (revision > this.revision || revision < this.oldestRevision) return undefined
    const from = after === undefined || after < prefix ? prefix : `${after}\0`
    const { values, remaining } = pastRange<CachePage<T>['entries'][number], CacheEvent<T>>(
      { live: this.#entries, log: this.#history },
      revision,
      { from, to: prefixEnd(prefix), limit },
      ({ key, previous }) => (previous === undefined ? undefined : { key, value: previous }),
    )
    return { entries: values, remaining }
  }

  count(prefix: string): number {
    return this.#entries.count(prefix, prefixEnd(prefix))
  }

  index<G>(folder: string, grouping: Grouping<T, G>): CacheIndex<T, G> {
    const known = this.#indexes.find((index) => index.folder === folder && index.grouping === (grouping as Grouping<T, unknown>))
    if (known) return known as GroupIndex<T, G>
    const index = new GroupIndex<T, G>({ folder, grouping, live: this.#entries, log: this.#history })
    this.#indexes.push(index as GroupIndex<T, unknown>)
    return index
  }

  changeMark(resourcePrefix: string): number {
    return this.#changedAt.get(resourcePrefix) ?? this.#scannedAt
  }

  watch(prefix: string, options: CacheWatchOptions<T>): AsyncIterable<CacheBatch<T>> {
    const { after, signal, sizeMax = this.#watcherSizeMax, progressMs = 0, pace, wants, only, gathers } = options
    let cancelMark: (() => void) | undefined
    const onAbort = () => watcher.end()
    const onEnd = () => {
      this.#dispatch.remove(watcher)
      cancelMark?.()
      signal.removeEventListener('abort', onAbort)
    }
    const bounds = { eventsMax: sizeMax, bytesMax: this.#watcherBytesMax, sizeOf: this.#sizeOfBatch }
    const watcher = new CacheWatcher<T>({ prefix, after, bounds, onEnd, pace, wants, only, gathers })
    if (signal.aborted) watcher.end()
    else if (this.#stopping.signal.aborted) watcher.end(closed())
    else if (after < this.oldestRevision) watcher.end(new StoreCompacted(this.oldestRevision))
    else {
      signal.addEventListener('abort', onAbort, { once: true })
      this.#dispatch.add(watcher)
      const missed = this.#history.eventsAfter(prefix, after)
      if (missed.length > 0) watcher.prime({ revision: this.revision, events: missed })
      const mark = () => {
        this.#dispatch.settle(watcher)
        if (watcher.isIdle && this.revision >= after) watcher.prime({ revision: this.revision, events: [] })
        cancelMark = this.#clock.schedule(progressMs, mark)
      }
      if (progressMs > 0) cancelMark = this.#clock.schedule(progressMs, mark)
    }
    return watcher
  }

  async commit(operations: readonly Operation[], decoded?: readonly ((revision: Revision) => T)[]): ReturnType<Store['commit']> {
    if (decoded) this.#handOver(operations, decoded)
    const result = await this.#store.commit(operations)
    const seen = this.#seenBy(result)
    const revision = seen instanceof Promise ? await seen : seen
    if (revision > this.revision) await this.#applied(revision)
    return result
  }

  async commitEach(commits: readonly CacheCommit<T>[]): Promise<readonly PromiseSettledResult<CommitResult>[]> {
    const outcomes = await Promise.allSettled(
      commits.map(({ operations, decoded }) => {
        this.#handOver(operations, decoded)
        return this.#store.commit(operations)
      }),
    )
    let newest = this.revision
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome.status !== 'fulfilled') continue
      try {
        const seen = this.#seenBy(outcome.value)
        const revision = seen instanceof Promise ? await seen : seen
        if (revision > newest) newest = revision
      } catch (reason) {
        // That the present state cannot be told after one conflict says nothing against the others.
        outcomes[i] = { status: 'rejected', reason }
      }
    }
    await this.waitFor(newest)
    return outcomes
  }

  /** What a commit has seen of the store: who meets a conflict tries again on that state, not on the one that made the conflict. */
  #seenBy(result: CommitResult): Revision | Promise<Revision> {
    if (result.type === 'committed') return result.revision
    return result.current?.revision ?? this.#store.freshRevision()
  }

  async close(): Promise<void> {
    this.#stopping.abort()
    await this.#following
    for (const watcher of [...this.#dispatch.watchers()]) watcher.end(closed())
    for (const waiter of this.#waiters.splice(0)) waiter.reject(closed())
  }

  #handOver(operations: readonly Operation[], decoded: readonly ((revision: Revision) => T)[]): void {
    let next = 0
    for (const operation of operations) {
      const value = operation.type === 'put' ? operation.value : operation.type === 'delete' ? operation.last : undefined
      if (value) this.#handedOver.set(value, { key: operation.key, decoded: decoded[next++]! })
    }
    assert(next === decoded.length, 'one decoded value for each that is written or told')
  }

  async #fill(): Promise<void> {
    const { revision, chunks } = await this.#store.scan('')
    const entries = SortedMap.unsorted<CacheEntry<T>>()
    for await (const chunk of chunks) {
      this.#stopping.signal.throwIfAborted()
      for (const { key, value, revision, createRevision } of chunk) {
        entries.set(key, { key, revision, createRevision, value: this.#decodeScanned(key, value, revision) })
      }
    }
    entries.sort()
    this.#entries = entries
    this.#history = new EventLog({ revision, compactRevision: revision })
    this.#historyBytes = 0
    this.#indexes = []
    this.#changedAt.clear()
    this.#scannedAt = revision
    for (const watcher of [...this.#dispatch.watchers()]) watcher.end(new StoreCompacted(revision))
    this.#resolveWaiters()
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stopping
    for (let retryMs = retryMinMs; !signal.aborted; retryMs = Math.min(retryMs * 2, retryMaxMs)) {
      try {
        for await (const batch of this.#store.watch('', { after: this.revision, signal })) {
          this.#apply(batch)
          retryMs = retryMinMs
        }
      } catch (error) {
        this.#warnings.warn({ error, revision: this.revision }, 'the watch on the store broke; starting over from a fresh scan')
        await this.#refill(retryMs)
      }
    }
  }

  /** Never rejects: a failure here is met again, and reported, by the next round. */
  async #refill(waitMs: number): Promise<void> {
    try {
      await sleep(this.#clock, waitMs, this.#stopping.signal)
      await this.#fill()
    } catch (error) {
      if (!this.#stopping.signal.aborted) this.#warnings.warn({ error }, 'the store cannot be scanned')
    }
  }

  #apply(batch: EventBatch): void {
    const events: CacheEvent<T>[] = []
    for (let i = 0; i < batch.events.length; ) {
      const { revision } = batch.events[i]!
      const start = events.length
      for (; i < batch.events.length && batch.events[i]!.revision === revision; i++) events.push(this.#applyEvent(batch.events[i]!))
      this.#history.append(revision, events.slice(start))
    }
    if (batch.revision > this.revision) this.#history.append(batch.revision, [])
    this.#trimHistory(events)
    this.#dispatch.dispatch(events, batch.revision)
    this.#resolveWaiters()
  }

  #trimHistory(added: readonly CacheEvent<T>[]): void {
    const history = this.#history
    for (const event of added) this.#historyBytes += this.#keptBy(event)
    const forget = (eventsMax: number) => {
      for (const event of history.trim(eventsMax)) this.#historyBytes -= this.#keptBy(event)
    }
    forget(this.#historyEventsMax)
    while (this.#historyBytes > this.#historyBytesMax && history.eventCount > 0) forget(Math.floor(history.eventCount * 0.9))
  }

  /** What a put brings is there without the event, or another event's `previous`. */
  #keptBy(event: CacheEvent<T>): number {
    const previous = event.previous === undefined ? 0 : this.#sizeOf(event.previous)
    return event.type === 'delete' ? previous + this.#sizeOf(event.value) : previous
  }

  #applyEvent(event: StoreEvent): CacheEvent<T> {
    const { key, revision } = event
    this.#changedAt.set(resourcePrefixOf(key), revision)
    const old = this.#entries.get(key)
    if (event.type === 'delete') {
      this.#entries.delete(key)
      const value = this.#decoded(key, event.previous.value, revision)
      this.#noteInIndexes(key, old?.value, undefined)
      return { type: 'delete', key, revision, value, previous: old?.value ?? value }
    }
    const { createRevision } = event
    const value = this.#decoded(key, event.value, revision)
    this.#entries.set(key, { key, revision, createRevision, value })
    this.#noteInIndexes(key, old?.value, value)
    return { type: 'put', key, revision, createRevision, value, previous: old?.value }
  }

  #decoded(key: StoreKey, bytes: Uint8Array, revision: Revision): T {
    const handed = this.#handedOver.get(bytes)
    if (handed) this.#handedOver.delete(bytes)
    return handed?.key === key ? handed.decoded(revision) : this.#decode(key, bytes, revision)
  }

  #noteInIndexes(key: StoreKey, old: T | undefined, current: T | undefined): void {
    for (const index of this.#indexes) if (key.startsWith(index.folder)) index.note(key, old, current)
  }

  #resolveWaiters(): void {
    if (this.#waiters.length === 0) return
    const { revision } = this
    const ready = this.#waiters.filter((waiter) => waiter.revision <= revision)
    if (ready.length === 0) return
    this.#waiters = this.#waiters.filter((waiter) => waiter.revision > revision)
    for (const waiter of ready) waiter.resolve()
  }
}

/** Bytes of a batch's values, reckoned once for all watchers that get it. */
function batchSizes<T>(sizeOf: (value: T) => number): (batch: CacheBatch<T>) => number {
  const known = new WeakMap<CacheBatch<T>, number>()
  return (batch) => {
    let size = known.get(batch)
    if (size === undefined) known.set(batch, (size = batch.events.reduce((sum, { value }) => sum + sizeOf(value), 0)))
    return size
  }
}

/** `/registry/GROUP/RESOURCE/` of a key. */
function resourcePrefixOf(key: StoreKey): string {
  const resource = key.indexOf('/', key.indexOf('/', 1) + 1)
  return key.slice(0, key.indexOf('/', resource + 1) + 1)
}

type Waiter = { readonly revision: Revision; resolve: () => void; readonly reject: (reason: Error) => void }

const retryMinMs = 50
const retryMaxMs = 5_000

const closed = () => new StoreUnavailable('the watch cache is closed')
