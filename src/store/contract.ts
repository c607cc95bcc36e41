import type { Brand } from '../base/brand.ts'

/**
 * The store's whole contract. Keys, bytes and revisions; it knows nothing of kinds.
 *
 * Invariants, each with a test of its name in conformance.ts that every backend runs:
 *  I1 growing      every commit that succeeds gets a revision greater than every one before it; no revision is given twice,
 *                  also across restarts and crashes.
 *  I2 durable      a commit resolves only after it would survive kill -9 and a power cut (memory backend: process life).
 *  I3 visible      durable before visible: no reader and no watcher sees a write that a crash could take back.
 *  I4 conditional  a commit whose expectation does not hold changes nothing and says what is there.
 *  I5 atomic       all operations of one commit appear at one revision, or none.
 *  Watch promises  W1 ordered (by revision), W2 unique (no event twice), W3 reliable (no event missing between two seen),
 *                  W4 atomic (the events of a revision arrive in one batch), W5 resumable (from any revision not compacted),
 *                  W6 bookmarkable (a progress mark at revision r promises that every event ≤ r has been delivered).
 */
export type Store = {
  /** The newest revision known here that is durable and visible; 0 in an empty store that was never written. */
  readonly revision: Revision
  /**
   * A revision at or past every commit that anybody has been answered before this call: reading what is no older is a linearizable
   * read. At once where this process is the only writer; a promise where it has to be asked for.
   */
  freshRevision(): Revision | Promise<Revision>
  /** The oldest revision from which a watch or a read can still start, as far as this process knows. */
  readonly compactRevision: Revision
  get(key: StoreKey): Promise<Entry | undefined>
  /** Entries whose keys start with `prefix`, in key order (`compareKeys`), as of one revision. */
  list(prefix: string, options?: ListOptions): Promise<ListResult>
  /**
   * Every entry under `prefix` as of `revision`, in chunks and in whatever order the backend reads fastest: how a cache fills
   * itself at start without ever holding a second copy of everything. The values of a chunk may lie in one buffer, and are dense
   * there: whoever keeps one keeps little more than that.
   */
  scan(prefix: string): Promise<{ readonly revision: Revision; readonly chunks: AsyncIterable<readonly Entry[]> }>
  /**
   * One conditional, atomic, durable write of 1 to `operationsMax` puts and deletes, all operations on distinct keys. A conflict is a value, not an error.
   * Values are kept by reference: the caller never changes the bytes afterwards. Fails with StoreRequestTooLarge past `commitBytesMax`.
   */
  commit(operations: readonly Operation[]): Promise<CommitResult>
  /**
   * Batches of events with revision > `after`, in order, one revision never split over two batches.
   * Returns when the signal aborts. Throws StoreCompacted when `after` < compactRevision, also when a slow reader falls behind
   * it, StreamOverflow when a backend cannot hold more for a slow reader, and StoreUnavailable when the store closes.
   */
  watch(prefix: string, options: WatchOptions): AsyncIterable<EventBatch>
  /**
   * Makes `before` the compact revision: forgets the events up to it and what was overwritten or deleted by then. Runs in
   * chunks so that no write waits long. Fails with StoreFutureRevision past `revision`; does nothing below `compactRevision`.
   */
  compact(before: Revision): Promise<void>
  /** Flushes and closes. Idempotent; commits under way are finished, later calls fail. */
  close(): Promise<void>
}

export type Revision = Brand<number, 'Revision'>
export type StoreKey = Brand<string, 'StoreKey'>

/** `revision` is that of the last change of the key; `createRevision` that of its creation. */
export type Entry = { readonly key: StoreKey; readonly value: Uint8Array; readonly revision: Revision; readonly createRevision: Revision }

export type ListOptions = {
  /** At most this many entries (> 0). */
  readonly limit?: number
  /** Start strictly after this key. */
  readonly after?: StoreKey
  /** As of this revision (≤ revision, ≥ compactRevision); the newest when absent. Fails with StoreCompacted or StoreFutureRevision. */
  readonly revision?: Revision
  /** Rejects with its reason where it aborts: what is under way ends, where the backend can end it, and nothing more begins. */
  readonly signal?: AbortSignal
}

export type ListResult = {
  readonly entries: readonly Entry[]
  readonly revision: Revision
  /** How many more entries follow the last one; 0 at the end. */
  readonly remaining: number
}

export type Operation =
  | { readonly type: 'put'; readonly key: StoreKey; readonly value: Uint8Array; readonly expected: Expectation }
  /** `last`: what the first watcher in this process is told as the last value, where others write to the store, too: what is stored. */
  | { readonly type: 'delete'; readonly key: StoreKey; readonly expected: Revision | 'any'; readonly last?: Uint8Array | undefined }
  /** Changes nothing: the commit happens only while this holds. Beside at least one put or delete, and at most `checksMax` a commit. */
  | { readonly type: 'check'; readonly key: StoreKey; readonly expected: Revision | 'absent' }

/**
 * `'absent'`: the key must not exist. A revision: the key's revision must be this one. `'any'`: no condition.
 * A delete always needs the key to exist: one of a missing key is a conflict, whatever it expects.
 */
export type Expectation = Revision | 'absent' | 'any'

export type CommitResult =
  | { readonly type: 'committed'; readonly revision: Revision }
  /** `current`: what is stored under the first key whose expectation failed. */
  | { readonly type: 'conflict'; readonly key: StoreKey; readonly current: Entry | undefined }

export type WatchOptions = {
  readonly after: Revision
  readonly signal: AbortSignal
  /** Also deliver an empty batch as a progress mark at least this often while nothing happens; 0 or absent: never. */
  readonly progressMs?: number
}

/** All events up to and including `revision` that the stream had not delivered yet; empty for a progress mark. */
export type EventBatch = { readonly revision: Revision; readonly events: readonly StoreEvent[] }

/** A put carries only the revisions of what it replaced (`undefined`: the key is new); a delete carries the last entry whole. */
export type StoreEvent =
  | {
      readonly type: 'put'
      readonly key: StoreKey
      readonly revision: Revision
      readonly createRevision: Revision
      readonly value: Uint8Array
      readonly previous: Revision | undefined
    }
  | { readonly type: 'delete'; readonly key: StoreKey; readonly revision: Revision; readonly previous: Entry }

/** The revision asked for has been compacted away: start over from a fresh list. */
export class StoreCompacted extends Error {
  override name = 'StoreCompacted'
  readonly compactRevision: Revision
  constructor(compactRevision: Revision) {
    super(`the required revision has been compacted; the oldest is ${compactRevision}`)
    this.compactRevision = compactRevision
  }
}

/** The revision asked for has not happened yet. */
export class StoreFutureRevision extends Error {
  override name = 'StoreFutureRevision'
}

/**
 * The store can take no writes now (closed, disk full, quorum lost). Reads may still work. A write that failed with this may have
 * happened when the store is a cluster whose members stopped answering: its message then says so.
 */
export class StoreUnavailable extends Error {
  override name = 'StoreUnavailable'
}

export const noRevision = 0 as Revision

/** Bytes of the values of one commit, at most: what an etcd with its own limits takes, so that every store can become one. */
export const commitBytesMax = 1.5 * 1024 * 1024

/** The write is larger than the store takes at once; nothing was changed. */
export class StoreRequestTooLarge extends Error {
  override name = 'StoreRequestTooLarge'
}

/** Puts and deletes in one commit, at most: what an etcd with its own limits (128 a transaction) takes with the store's bookkeeping. */
export const operationsMax = 120
/** Checks beside them: the writer's own, and that of who encrypts. */
export const checksMax = 2

/**
 * The order of keys everywhere: by UTF-16 code units, which for keys without characters past U+D7FF is also the order of their
 * UTF-8 bytes that a backend on disk or on the network sorts by.
 */
export function compareKeys(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1
}

/** The smallest string above every one that starts with `prefix`; undefined for the empty prefix, which has none. */
export function prefixEnd(prefix: string): string | undefined {
  if (prefix === '') return undefined
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)
}
