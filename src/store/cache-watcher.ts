import { StreamOverflow } from '../base/bounded-stream.ts'
import type { Revision } from './contract.ts'
import type { CacheBatch } from './watch-cache-contract.ts'

/**
 * One watcher's queue of shared batches. Bounded by events, not by batches: when more than `sizeMax` wait unread the
 * watcher drops them and ends with StreamOverflow, which costs nobody else anything.
 */
export class CacheWatcher<T> implements AsyncIterableIterator<CacheBatch<T>> {
  readonly prefix: string
  /** Events up to here are not for this watcher. */
  readonly after: Revision
  readonly #sizeMax: number
  readonly #onEnd: (watcher: CacheWatcher<T>) => void
  #batches: CacheBatch<T>[] = []
  #head = 0
  #waitingEvents = 0
  #end: { readonly error: Error | undefined } | undefined
  #wake: (() => void) | undefined

  constructor(options: { prefix: string; after: Revision; sizeMax: number; onEnd: (watcher: CacheWatcher<T>) => void }) {
    this.prefix = options.prefix
    this.after = options.after
    this.#sizeMax = options.sizeMax
    this.#onEnd = options.onEnd
  }

  get isIdle(): boolean {
    return this.#head === this.#batches.length && this.#end === undefined
  }

  /** The history that was there at the call: not counted against the bound. */
  prime(batch: CacheBatch<T>): void {
    this.#batches.push(batch)
    this.#wake?.()
  }

  offer(batch: CacheBatch<T>): void {
    if (this.#end) return
    const mine = batch.events.length > 0 && batch.events[0]!.revision <= this.after ? this.#cut(batch) : batch
    if (!mine) return
    if (this.#waitingEvents + mine.events.length > this.#sizeMax) {
      this.end(new StreamOverflow(this.#sizeMax))
      return
    }
    this.#waitingEvents += mine.events.length
    this.#batches.push(mine)
    this.#wake?.()
  }

  /** Ends at once, dropping what waits; with an error the reader's next read throws it. Idempotent. */
  end(error?: Error): void {
    if (this.#end) return
    this.#end = { error }
    this.#batches = []
    this.#head = 0
    this.#wake?.()
    this.#onEnd(this)
  }

  async next(): Promise<IteratorResult<CacheBatch<T>>> {
    while (this.#head === this.#batches.length) {
      if (this.#end?.error) throw this.#end.error
      if (this.#end) return { done: true, value: undefined }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = undefined
    }
    const batch = this.#batches[this.#head++]!
    if (this.#head === this.#batches.length) {
      this.#batches = []
      this.#head = 0
      this.#waitingEvents = 0
    } else {
      this.#waitingEvents -= Math.min(batch.events.length, this.#waitingEvents)
    }
    return { done: false, value: batch }
  }

  async return(): Promise<IteratorResult<CacheBatch<T>>> {
    this.end()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** For a watch that starts in the future of a cache that lags behind its store. */
  #cut(batch: CacheBatch<T>): CacheBatch<T> | undefined {
    const events = batch.events.filter((event) => event.revision > this.after)
    return events.length > 0 ? { revision: batch.revision, events } : undefined
  }
}
