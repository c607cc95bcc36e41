import { StreamOverflow } from '../base/bounded-stream.ts'
import type { Revision } from './contract.ts'
import type { CacheBatch, CacheWatchOptions } from './watch-cache-contract.ts'

export type WatcherBounds<T> = {
  readonly eventsMax: number
  readonly bytesMax: number
  readonly sizeOf: (batch: CacheBatch<T>) => number
}

/**
 * One watcher's queue of shared batches. Bounded by events and by the bytes of their values, not by batches: when more wait unread the
 * watcher drops them and ends with StreamOverflow, which costs nobody else anything.
 */
export class CacheWatcher<T> implements AsyncIterableIterator<CacheBatch<T>> {
  readonly prefix: string
  /** Events up to here are not for this watcher. */
  readonly after: Revision
  readonly only: CacheWatchOptions<T>['only']
  /** Whether events may gather before they come. */
  readonly gathers: boolean
  readonly #bounds: WatcherBounds<T>
  readonly #onEnd: (watcher: CacheWatcher<T>) => void
  readonly #pace: CacheWatchOptions<T>['pace']
  readonly #wants: CacheWatchOptions<T>['wants']
  #batches: CacheBatch<T>[] = []
  #waitingEvents = 0
  #waitingBytes = 0
  #end: { readonly error: Error | undefined } | undefined
  /** Set while the reader waits. */
  #wake: (() => void) | undefined
  #onBack: (() => void) | undefined

  constructor(options: {
    prefix: string
    after: Revision
    bounds: WatcherBounds<T>
    onEnd: (watcher: CacheWatcher<T>) => void
    pace?: CacheWatchOptions<T>['pace']
    wants?: CacheWatchOptions<T>['wants']
    only?: CacheWatchOptions<T>['only']
    gathers?: boolean | undefined
  }) {
    this.prefix = options.prefix
    this.after = options.after
    this.#bounds = options.bounds
    this.#onEnd = options.onEnd
    this.#pace = options.pace
    this.#wants = options.wants
    this.only = options.only
    this.gathers = options.gathers ?? false
  }

  get isIdle(): boolean {
    return this.#batches.length === 0 && this.#end === undefined
  }

  /** The history that was there at the call: not counted against the bound. */
  prime(batch: CacheBatch<T>): void {
    this.#batches.push(batch)
    this.#wake?.()
  }

  /** True when the reader waits for just this: then `onBack` is called once, as soon as it comes for more or ends. */
  offer(batch: CacheBatch<T>, onBack?: () => void): boolean {
    if (this.#end || (this.#wants && !batch.events.some(this.#wants))) return false
    const mine = batch.events.length > 0 && batch.events[0]!.revision <= this.after ? this.#cut(batch) : batch
    if (!mine) return false
    const { eventsMax, bytesMax, sizeOf } = this.#bounds
    const bytes = sizeOf(mine)
    // A batch that is too large by itself still reaches who waits for nothing else.
    const isTooMuch = this.#waitingBytes > 0 && this.#waitingBytes + bytes > bytesMax
    if (isTooMuch || this.#waitingEvents + mine.events.length > eventsMax) {
      this.end(new StreamOverflow(eventsMax))
      return false
    }
    this.#waitingEvents += mine.events.length
    this.#waitingBytes += bytes
    this.#batches.push(mine)
    if (!this.#wake) return false
    this.#wake()
    this.#wake = undefined
    this.#onBack = onBack
    return onBack !== undefined
  }

  /** Ends at once, dropping what waits; with an error the reader's next read throws it. Idempotent. */
  end(error?: Error): void {
    if (this.#end) return
    this.#end = { error }
    this.#batches = []
    this.#wake?.()
    this.#onEnd(this)
    this.#back()
  }

  #back(): void {
    const onBack = this.#onBack
    this.#onBack = undefined
    onBack?.()
  }

  async next(): Promise<IteratorResult<CacheBatch<T>>> {
    this.#back()
    let isPaced = this.#pace === undefined
    for (;;) {
      if (this.#batches.length > 0) {
        if (isPaced) break
        isPaced = true
        const turn = this.#pace?.(this.#waitingEvents)
        if (!turn) break
        await turn
        continue
      }
      if (this.#end?.error) throw this.#end.error
      if (this.#end) return { done: true, value: undefined }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = undefined
    }
    return { done: false, value: this.#take() }
  }

  /** Everything that waits, up to a size at which nothing is gained by more. A progress mark stays what it is. */
  #take(): CacheBatch<T> {
    let count = 1
    let events = this.#batches[0]!.events.length
    while (events > 0 && count < this.#batches.length) {
      const more = this.#batches[count]!.events.length
      if (more === 0 || events + more > takenEventsMax) break
      events += more
      count++
    }
    const taken = this.#batches.splice(0, count)
    const isEmpty = this.#batches.length === 0
    this.#waitingEvents = isEmpty ? 0 : Math.max(0, this.#waitingEvents - events)
    const bytes = isEmpty ? this.#waitingBytes : taken.reduce((sum, batch) => sum + this.#bounds.sizeOf(batch), 0)
    this.#waitingBytes = Math.max(0, this.#waitingBytes - bytes)
    return joined(taken)
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

const takenEventsMax = 256

/** By the first batch and how many follow it: watchers of one prefix that have fallen behind by the same share what they get. */
const joinedBatches = new WeakMap<object, Map<number, object>>()

function joined<T>(batches: readonly CacheBatch<T>[]): CacheBatch<T> {
  const first = batches[0]!
  const last = batches[batches.length - 1]!
  if (first === last) return first
  let known = joinedBatches.get(first)
  if (!known) joinedBatches.set(first, (known = new Map()))
  const shared = known.get(batches.length) as CacheBatch<T> | undefined
  // One of the watchers may have begun in between.
  if (shared && shared.revision === last.revision && shared.events[shared.events.length - 1] === last.events.at(-1)) return shared
  const batch = { revision: last.revision, events: batches.flatMap((one) => one.events) }
  known.set(batches.length, batch)
  return batch
}
