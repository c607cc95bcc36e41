/**
 * A kind's objects, kept current by one list and one watch.
 *  1. Nothing polls: after the list only the watch's events change anything; a cut watch resumes where it was.
 *  2. A relist happens only at the start and after 410 Expired.
 *  3. An object never goes back in time: an event or write result with an older resourceVersion than what is here is dropped.
 *  4. A writer in this process may show its result at once (observeWrite, observeDelete); the watch's later echo changes nothing.
 *     So a loop reads its own writes, and a stale cache can not make it create too much.
 */
import { backoffMs } from '../base/backoff.ts'
import { type Clock, sleep } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { KindRef } from '../kinds/kind.ts'
import { apiVersionOf, keyOf, type KubeObject } from '../machinery/object.ts'
import { isStatus } from '../machinery/status-error.ts'
import type { Client, ResourceClient } from './contract.ts'
import type { Informer } from './informer-contract.ts'
import { ObjectIndex } from './object-index.ts'
import { compareResourceVersions } from './resource-version.ts'

export type InformerOptions<T extends KubeObject> = {
  readonly client: Client
  readonly kind: KindRef<T>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Only this namespace; all when absent. */
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  /** Takes the first state as a stream of events (WatchList) in place of a list in pages. */
  readonly streamsInitialList?: boolean
  /** Keeps less of each object than the server sends. */
  readonly transform?: (object: T) => T
}

type Change<T> = { readonly current: T | undefined; readonly old: T | undefined }

const retryBackoff = { initialMs: 200, maxMs: 30_000, factor: 2, jitter: 0.5 } as const
/** Upstream's. In the server's own process this is how long a page holds up everybody else: some milliseconds. */
const pageSize = 500
/** A watch that ends sooner than this without an event counts as a failure, so that a broken server is not hammered. */
const shortWatchMs = 1_000

/** Starts empty; `run` fills it and keeps it current until the signal aborts. */
export class ObjectInformer<T extends KubeObject> implements Informer<T> {
  readonly #options: InformerOptions<T>
  readonly #resource: ResourceClient<T>
  readonly #index = new ObjectIndex<T>()
  /** A new list with each that comes or goes: a change walks the one that there was, without an iterator. */
  #handlers: readonly ((change: Change<T>) => void)[] = []
  /** UIDs whose deletion was answered with success but whose DELETED event has not come yet. */
  readonly #deletedUids = new Map<string, string>()
  readonly #synced = Promise.withResolvers<void>()
  #hasSynced = false
  #needsList = true
  #resourceVersion = ''

  constructor(options: InformerOptions<T>) {
    this.#options = options
    this.#resource = options.client.resource(options.kind, options.namespace)
  }

  get hasSynced(): boolean {
    return this.#hasSynced
  }

  get resourceVersion(): string {
    return this.#resourceVersion
  }

  async synced(signal?: AbortSignal): Promise<void> {
    if (this.#hasSynced) return
    if (!signal) return this.#synced.promise
    signal.throwIfAborted()
    const aborted = Promise.withResolvers<never>()
    const onAbort = () => aborted.reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    await Promise.race([this.#synced.promise, aborted.promise]).finally(() => signal.removeEventListener('abort', onAbort))
  }

  get(key: string): T | undefined {
    return this.#index.get(key)
  }

  list(namespace?: string): readonly T[] {
    return this.#index.list(namespace)
  }

  byIndex(index: string, value: string): readonly T[] {
    return this.#index.byIndex(index, value)
  }

  indexValues(index: string): Iterable<string> {
    return this.#index.values(index)
  }

  addIndex(name: string, valuesOf: (object: T) => readonly string[]): void {
    this.#index.addIndex(name, valuesOf)
  }

  onChange(handler: (change: Change<T>) => void): () => void {
    if (!this.#handlers.includes(handler)) this.#handlers = [...this.#handlers, handler]
    for (const current of this.#index.list()) handler({ current, old: undefined })
    return () => void (this.#handlers = this.#handlers.filter((other) => other !== handler))
  }

  /** Lists and watches until the signal aborts; resolves then. Never rejects: failures are logged and retried with back-off. */
  async run(signal: AbortSignal): Promise<void> {
    let failures = 0
    while (!signal.aborted) {
      const startedMs = this.#options.clock.monotonicMs()
      const progress = { eventCount: 0 }
      const isShort = () => progress.eventCount === 0 && this.#options.clock.monotonicMs() - startedMs < shortWatchMs
      try {
        if (this.#needsList && !this.#options.streamsInitialList) await this.#relist(signal)
        await this.#watch(signal, progress)
        failures = isShort() ? failures + 1 : 0
      } catch (error) {
        if (signal.aborted) return
        // One that worked for a while and was cut then says nothing bad of the server: the back-off starts over.
        if (!isShort()) failures = 0
        const isExpired = isStatus(error, 'Expired') || isStatus(error, 'Gone')
        if (isExpired) this.#needsList = true
        const level = isExpired ? 'debug' : 'warn'
        this.#options.log[level]({ kind: this.#options.kind.kind, error: String(error) }, 'watch broken; trying again')
        failures++
      }
      if (failures > 0 && !signal.aborted) await this.#pause(failures - 1, signal)
    }
  }

  /** Shows a write's result before the watch brings it. Ignored when the watch is already past it. */
  observeWrite(object: T): void {
    const { resourceVersion = '', uid = '' } = object.metadata
    if (!this.#hasSynced || resourceVersion === '' || this.#deletedUids.has(uid)) return
    if (compareResourceVersions(resourceVersion, this.#resourceVersion) <= 0) return
    this.#put(object)
  }

  /** Hides an object whose deletion has been answered with success, until the watch confirms it. */
  observeDelete(key: string, uid: string): void {
    const current = this.#index.get(key)
    if (!current || current.metadata.uid !== uid) return
    this.#deletedUids.set(uid, key)
    this.#set(key, undefined)
  }

  async #pause(failures: number, signal: AbortSignal): Promise<void> {
    try {
      await sleep(this.#options.clock, backoffMs(retryBackoff, failures, this.#options.random), signal)
    } catch {
      // The signal aborted: run() sees it.
    }
  }

  async #relist(signal: AbortSignal): Promise<void> {
    // The first list may come from the server's cache; one after 410 must be current, or the next watch could expire again.
    const isFirst = !this.#hasSynced
    const seen = this.#beginReplace()
    let next = ''
    let resourceVersion = ''
    do {
      const page = await this.#resource.list({
        signal,
        ...this.#selectors(),
        limit: pageSize,
        ...(next ? { continue: next } : isFirst ? { resourceVersion: '0' } : {}),
      })
      for (const item of page.items) this.#replaceOne(seen, item.kind === undefined ? this.#withType(item) : item)
      next = page.metadata.continue ?? ''
      // In the server's own process no page waits for anything: requests get their turn between two.
      if (next) await sleep(this.#options.clock, 0, signal)
      resourceVersion = page.metadata.resourceVersion ?? ''
    } while (next)
    this.#endReplace(seen, resourceVersion)
  }

  async #watch(signal: AbortSignal, progress: { eventCount: number }): Promise<void> {
    const isStreaming = this.#needsList
    const initial: T[] = []
    let isInitial = isStreaming
    const stream = this.#resource.watch({
      signal,
      ...this.#selectors(),
      allowWatchBookmarks: true,
      ...(isStreaming ? { sendInitialEvents: true } : { resourceVersion: this.#resourceVersion }),
    })
    for await (const event of stream) {
      progress.eventCount++
      if (event.type === 'BOOKMARK') {
        if (isInitial && event.isInitialEventsEnd) {
          isInitial = false
          const seen = this.#beginReplace()
          for (const object of initial.splice(0)) this.#replaceOne(seen, object)
          this.#endReplace(seen, event.resourceVersion)
        } else if (!isInitial) this.#advance(event.resourceVersion)
      } else if (isInitial) initial.push(event.object)
      else this.#apply(event.type, event.object)
    }
  }

  /** Lists over HTTP leave the type of their items out. */
  #withType(item: T): T {
    return { apiVersion: apiVersionOf(this.#options.kind), kind: this.#options.kind.kind, ...item }
  }

  #selectors() {
    const { labelSelector, fieldSelector } = this.#options
    return { ...(labelSelector ? { labelSelector } : {}), ...(fieldSelector ? { fieldSelector } : {}) }
  }

  #advance(resourceVersion: string): void {
    if (compareResourceVersions(resourceVersion, this.#resourceVersion) > 0) this.#resourceVersion = resourceVersion
  }

  /** The keys that come, unless there is nothing that could be missing among them. */
  #beginReplace(): Set<string> | undefined {
    // Whose end was heard of before the list is not in it.
    this.#deletedUids.clear()
    return this.#index.size > 0 ? new Set() : undefined
  }

  /** Page by page: a big list taken in at one go at its end would stop everything else in the process for its time. */
  #replaceOne(seen: Set<string> | undefined, object: T): void {
    seen?.add(keyOf(object))
    if (!this.#deletedUids.has(object.metadata.uid ?? '')) this.#put(object)
  }

  #endReplace(seen: ReadonlySet<string> | undefined, resourceVersion: string): void {
    this.#resourceVersion = resourceVersion
    this.#needsList = false
    for (const key of seen ? [...this.#index.keys()] : []) {
      const own = this.#index.get(key)?.metadata.resourceVersion ?? ''
      // What a write of our own showed after the list's moment stays.
      if (!seen!.has(key) && compareResourceVersions(own, resourceVersion) <= 0) this.#set(key, undefined)
    }
    this.#hasSynced = true
    this.#synced.resolve()
  }

  #apply(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): void {
    this.#advance(object.metadata.resourceVersion ?? '')
    const uid = object.metadata.uid ?? ''
    if (type !== 'DELETED') {
      if (!this.#deletedUids.has(uid)) this.#put(object)
      return
    }
    this.#deletedUids.delete(uid)
    const key = keyOf(object)
    if (this.#index.get(key)?.metadata.uid === uid) this.#set(key, undefined)
  }

  #put(object: T): void {
    const key = keyOf(object)
    const old = this.#index.get(key)
    const isNewer = compareResourceVersions(object.metadata.resourceVersion ?? '', old?.metadata.resourceVersion ?? '') > 0
    if (isNewer) this.#set(key, this.#options.transform ? this.#options.transform(object) : object)
  }

  #set(key: string, current: T | undefined): void {
    const change = { current, old: this.#index.set(key, current) }
    const handlers = this.#handlers
    for (let i = 0; i < handlers.length; i++) {
      const handler = handlers[i]!
      // One before it may have taken it out.
      if (handlers !== this.#handlers && !this.#handlers.includes(handler)) continue
      try {
        handler(change)
      } catch (error) {
        // One reader's bug must not stop the others' view of the world.
        this.#options.log.error({ kind: this.#options.kind.kind, key, error: String(error) }, 'a change handler failed')
      }
    }
  }
}
