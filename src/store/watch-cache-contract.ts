import type { CommitResult, EventBatch, Operation, Revision, Store, StoreKey } from './contract.ts'

/**
 * What the API server reads from: every live object's bytes in memory, a bounded history of events, and streams to
 * any number of watchers that share the same event objects (and so the same bytes). One per store.
 *
 * `T` is what a value is decoded to, once a revision (the API server's `CachedObject`: the client-ready bytes with the
 * revision spliced in, the labels, a lazily parsed object). The cache itself knows neither kinds nor encodings.
 */
export type WatchCache<T> = {
  /** The newest revision that the cache has applied. */
  readonly revision: Revision
  readonly oldestRevision: Revision
  /** Waits until the cache has applied `revision`; at once when it has. Rejects when the signal aborts. */
  waitFor(revision: Revision, signal?: AbortSignal): Promise<void>
  get(key: StoreKey): CacheEntry<T> | undefined
  /** Live entries under a prefix in key order, as of `revision` of the cache at the time of the call. Cheap: no copying of values. */
  list(prefix: string): readonly CacheEntry<T>[]
  /**
   * At most `limit` entries under a prefix with keys > `after`, as they were at `revision`, and how many follow them. It costs
   * what it gives, however many entries there are. Undefined when the history does not reach back, or not yet, to `revision`.
   */
  page(prefix: string, options: CachePageOptions): CachePage<T> | undefined
  /** How many `list` would give, without gathering them. */
  count(prefix: string): number
  /** The index of the entries under `folder` by a grouping: made when first asked for, of use once it is whole, current from then on. */
  index<G>(folder: string, grouping: Grouping<T, G>): CacheIndex<T, G>
  /**
   * A number that differs whenever anything under `/registry/GROUP/RESOURCE/` has changed, so that what was worked out of it can be
   * kept until then.
   */
  changeMark(resourcePrefix: string): number
  /**
   * Events after `after` under the prefix, in order, batched by arrival. Watching starts at the call, not at the first read.
   * Returns when the signal aborts. Throws StoreCompacted when `after` < oldestRevision or when the cache had to start over,
   * StreamOverflow when more than `sizeMax` events, or too many bytes, wait unread, StoreUnavailable when the cache closes.
   */
  watch(prefix: string, options: CacheWatchOptions<T>): AsyncIterable<CacheBatch<T>>
  /**
   * Commits through the store and resolves when the cache has applied it, so that the writer reads its own write.
   * `decoded` (one per put, and per delete with a last value, in order) spares the cache decoding what the writer just encoded.
   */
  commit(operations: Parameters<Store['commit']>[0], decoded?: readonly ((revision: Revision) => T)[]): ReturnType<Store['commit']>
  /** Several commits at once, each with a revision and an outcome of its own: what the store decides in one turn shares one sync. */
  commitEach(commits: readonly CacheCommit<T>[]): Promise<readonly PromiseSettledResult<CommitResult>[]>
  close(): Promise<void>
}

export type CacheCommit<T> = { readonly operations: readonly Operation[]; readonly decoded: readonly ((revision: Revision) => T)[] }

export type CacheWatchOptions<T = unknown> = {
  readonly after: Revision
  readonly signal: AbortSignal
  /** A batch of which no event passes is not delivered: who watches for a little of much is not woken by the rest. */
  readonly wants?: ((event: CacheEvent<T>) => boolean) | undefined
  /**
   * Only events of values that are, or were before, of this group come. However many watchers have groups of their own, an event
   * finds those of its own at once. The history that is there at the call comes as it is.
   */
  readonly only?: { readonly grouping: Grouping<T, unknown>; readonly group: unknown } | undefined
  /** Events that may wait unread (beyond those of the history that were there at the call). */
  readonly sizeMax?: number
  /**
   * Asked with their number before waiting events are taken; what it gives is awaited first, and all that has come meanwhile is
   * taken with them, as one batch: who gets few turns gets more at each.
   */
  readonly pace?: ((events: number) => Promise<void> | undefined) | undefined
  /**
   * Each delivery costs the reader, as a write to a connection does. Events that follow one another closely may come together then, a
   * tenth of a second late at most.
   */
  readonly gathers?: boolean
  /** Delivers an empty batch as a progress mark this often: every event ≤ its revision has been delivered. 0 or absent: never. */
  readonly progressMs?: number
}

export type CachePageOptions = { readonly revision: Revision; readonly after?: StoreKey | undefined; readonly limit?: number | undefined }

/** Which values are alike: those of one group. Equal groups are one and the same value; its terms are what queries look it up by. */
export type Grouping<T, G> = { groupOf(value: T): G; termsOf(group: G): readonly string[] }

export type CacheIndex<T, G> = {
  /** Takes in at most `count` entries more of those that are there; false: it is whole. */
  extend(count: number): boolean
  /**
   * What the query wants, in key order, at no cost for what it does not want. Undefined while the index is not whole, when the
   * history does not reach back to `revision`, and when it would be more than `max` entries.
   */
  select(selection: CacheSelection<G>): readonly SelectedEntry<T>[] | undefined
}

export type CacheSelection<G> = {
  readonly query: GroupQuery<G>
  /** The folder's own, or a longer one. */
  readonly prefix: string
  readonly revision: Revision
  readonly after?: StoreKey | undefined
  readonly max: number
}

/** `terms`: of each of these lists a group that is wanted has at least one. */
export type GroupQuery<G> = { readonly terms: readonly (readonly string[])[]; wants(group: G): boolean }

export type SelectedEntry<T> = Pick<CacheEntry<T>, 'key' | 'value'>

export type CachePage<T> = { readonly entries: readonly SelectedEntry<T>[]; readonly remaining: number }

export type CacheEntry<T> = { readonly key: StoreKey; readonly revision: Revision; readonly createRevision: Revision; readonly value: T }

export type CacheEvent<T> =
  | {
      readonly type: 'put'
      readonly key: StoreKey
      readonly revision: Revision
      readonly createRevision: Revision
      readonly value: T
      readonly previous: T | undefined
    }
  /** `value` is the last state, or what the writer says that it was, with the deletion's revision in it, as upstream's DELETED events carry it. */
  | { readonly type: 'delete'; readonly key: StoreKey; readonly revision: Revision; readonly value: T; readonly previous: T }

export type CacheBatch<T> = { readonly revision: Revision; readonly events: readonly CacheEvent<T>[] }

/** Decodes a stored value at a revision; pure. What comes of a scan it may keep; of other values, which may be small parts of
 * large buffers, it keeps copies. */
export type Decode<T> = (key: StoreKey, value: Uint8Array, revision: Revision) => T

export type { EventBatch }
