import { assert } from '../base/assert.ts'
import type { Clock } from '../base/clock.ts'
import { type Revision, StoreCompacted, StoreUnavailable } from './contract.ts'

/**
 * The events of a store since its compact revision, and any number of readers that follow it. A reader is a position in the
 * log, not a queue of its own: a slow one costs nothing and ends with StoreCompacted once the log has forgotten its place.
 *
 * `E` is what the backend keeps of an event. Those of one revision follow one another; nothing is kept around them, for there are
 * hundreds of thousands.
 */
export class EventLog<E extends LoggedEvent> {
  #events: E[] = []
  #head = 0
  #revision: Revision
  #compactRevision: Revision
  #isClosed = false
  readonly #waiting = new Set<() => void>()

  constructor(start: { revision: Revision; compactRevision: Revision }) {
    this.#revision = start.revision
    this.#compactRevision = start.compactRevision
  }

  get revision(): Revision {
    return this.#revision
  }

  get compactRevision(): Revision {
    return this.#compactRevision
  }

  get eventCount(): number {
    return this.#events.length - this.#head
  }

  /** Adds the events of the next revision. Readers hear of it at `wake`. */
  append(revision: Revision, events: readonly E[]): void {
    for (const event of events) this.#events.push(event)
    this.#revision = revision
  }

  /** Fills an empty log with events in order, which are its own from then on. */
  load(events: E[]): void {
    assert(this.#events.length === 0, 'load needs an empty log')
    this.#events = events
    this.#revision = events.at(-1)?.revision ?? this.#revision
  }

  /** Lets the readers see what was appended. */
  wake(): void {
    for (const resume of this.#waiting) resume()
    this.#waiting.clear()
  }

  /** Drops the events up to `before` and gives them, oldest first. */
  compact(before: Revision): readonly E[] {
    if (before <= this.#compactRevision) return []
    const end = this.#indexAfter(before)
    const dropped = this.#events.slice(this.#head, end)
    // What is in front of the head must not keep anything alive: its places are given to the oldest event that is left.
    if (end === this.#events.length) {
      this.#events = []
      this.#head = 0
    } else {
      this.#events.fill(this.#events[end]!, this.#head, end)
      this.#head = end
    }
    if (this.#head > 1024 && this.#head * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#head)
      this.#head = 0
    }
    this.#compactRevision = before
    this.wake()
    return dropped
  }

  /** Drops the oldest revisions until at most `eventsMax` events are left; gives theirs, oldest first. */
  trim(eventsMax: number): readonly E[] {
    const excess = this.eventCount - eventsMax
    return excess > 0 ? this.compact(this.#events[this.#head + excess - 1]!.revision) : []
  }

  /** Events with a revision > `after`, newest first: what has to be undone to see the state at `after`. */
  *newestFirst(after: Revision): Generator<E> {
    for (let i = this.#events.length - 1; i >= this.#head && this.#events[i]!.revision > after; i--) yield this.#events[i]!
  }

  /** Every matching event with a revision > `after`, in order. */
  eventsAfter(prefix: string, after: Revision): E[] {
    const events: E[] = []
    for (let i = this.#indexAfter(after); i < this.#events.length; i++) {
      if (this.#events[i]!.key.startsWith(prefix)) events.push(this.#events[i]!)
    }
    return events
  }

  close(): void {
    this.#isClosed = true
    this.wake()
  }

  /**
   * Batches of matching events after `after`, each read at most `batchMax` events past the last. Empty batches are
   * progress marks. Returns when the signal aborts.
   */
  async *follow(
    prefix: string,
    options: { after: Revision; signal: AbortSignal; progressMs?: number; clock: Clock },
  ): AsyncGenerator<{
    readonly revision: Revision
    readonly events: readonly E[]
  }> {
    let position = options.after
    let isMarkDue = false
    while (!options.signal.aborted) {
      if (this.#isClosed) throw new StoreUnavailable('the store is closed')
      if (position < this.#compactRevision) throw new StoreCompacted(this.#compactRevision)
      const batch = this.#read(prefix, position)
      position = batch.revision
      if (batch.events.length > 0 || isMarkDue) {
        isMarkDue = false
        yield batch
      } else if (position >= this.#revision) {
        isMarkDue = (await this.#more(options)) === 'mark'
      }
    }
  }

  #read(prefix: string, after: Revision): { revision: Revision; events: readonly E[] } {
    const events: E[] = []
    for (let i = this.#indexAfter(after), revision = after; i < this.#events.length; i++) {
      const event = this.#events[i]!
      if (events.length >= batchMax && event.revision !== revision) return { revision, events }
      ;({ revision } = event)
      if (event.key.startsWith(prefix)) events.push(event)
    }
    return { revision: this.#revision, events }
  }

  async #more(options: { signal: AbortSignal; progressMs?: number; clock: Clock }): Promise<'event' | 'mark'> {
    let cancel: (() => void) | undefined
    let resume: () => void = () => {}
    const result = await new Promise<'event' | 'mark'>((resolve) => {
      resume = () => resolve('event')
      this.#waiting.add(resume)
      options.signal.addEventListener('abort', resume, { once: true })
      if (options.progressMs) cancel = options.clock.schedule(options.progressMs, () => resolve('mark'))
    })
    cancel?.()
    this.#waiting.delete(resume)
    options.signal.removeEventListener('abort', resume)
    return result
  }

  /** Index of the first event with a revision > `after`. */
  #indexAfter(after: Revision): number {
    let low = this.#head
    let high = this.#events.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#events[middle]!.revision <= after) low = middle + 1
      else high = middle
    }
    return low
  }
}

type LoggedEvent = { readonly key: string; readonly revision: Revision }

/** A batch ends with the revision that brings it to this many events. */
const batchMax = 1000
