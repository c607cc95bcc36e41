import { assert } from '../base/assert.ts'
import type { Clock } from '../base/clock.ts'
import { type Revision, StoreCompacted, StoreUnavailable } from './contract.ts'

/**
 * The events of a store since its compact revision, and any number of readers that follow it. A reader is a position in the
 * log, not a queue of its own: a slow one costs nothing and ends with StoreCompacted once the log has forgotten its place.
 *
 * `E` is what the backend keeps of an event; `group` holds those of one revision.
 */
export class EventLog<E extends { readonly key: string }> {
  #groups: EventGroup<E>[] = []
  #head = 0
  #eventCount = 0
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
    return this.#eventCount
  }

  /** Adds the events of the next revision. Readers hear of it at `wake`. */
  append(revision: Revision, events: readonly E[]): void {
    if (events.length > 0) this.#groups.push({ revision, events })
    this.#eventCount += events.length
    this.#revision = revision
  }

  /** Fills an empty log with groups in order, which are its own from then on. */
  load(groups: EventGroup<E>[]): void {
    assert(this.#groups.length === 0, 'load needs an empty log')
    this.#groups = groups
    for (const group of groups) this.#eventCount += group.events.length
    this.#revision = groups.at(-1)?.revision ?? this.#revision
  }

  /** Lets the readers see what was appended. */
  wake(): void {
    for (const resume of this.#waiting) resume()
    this.#waiting.clear()
  }

  /** Drops the groups up to `before` and gives them, oldest first. */
  compact(before: Revision): readonly EventGroup<E>[] {
    if (before <= this.#compactRevision) return []
    const end = this.#indexAfter(before)
    const dropped = this.#groups.slice(this.#head, end)
    for (const group of dropped) this.#eventCount -= group.events.length
    this.#head = end
    if (this.#head > 1024 && this.#head * 2 > this.#groups.length) {
      this.#groups = this.#groups.slice(this.#head)
      this.#head = 0
    }
    this.#compactRevision = before
    this.wake()
    return dropped
  }

  /** Drops the oldest groups until at most `eventsMax` events are left; gives them, oldest first. */
  trim(eventsMax: number): readonly EventGroup<E>[] {
    if (this.#eventCount <= eventsMax) return []
    let excess = this.#eventCount - eventsMax
    let at = this.#head
    for (; excess > 0; at++) excess -= this.#groups[at]!.events.length
    return this.compact(this.#groups[at - 1]!.revision)
  }

  /** Groups with a revision > `after`, newest first: what has to be undone to see the state at `after`. */
  *newestFirst(after: Revision): Generator<EventGroup<E>> {
    for (let i = this.#groups.length - 1; i >= this.#head && this.#groups[i]!.revision > after; i--) yield this.#groups[i]!
  }

  /** Every matching event with a revision > `after`, in order. */
  eventsAfter(prefix: string, after: Revision): E[] {
    const events: E[] = []
    for (let i = this.#indexAfter(after); i < this.#groups.length; i++) {
      for (const event of this.#groups[i]!.events) if (event.key.startsWith(prefix)) events.push(event)
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
    let revision = after
    for (let i = this.#indexAfter(after); i < this.#groups.length; i++) {
      const group = this.#groups[i]!
      for (const event of group.events) if (event.key.startsWith(prefix)) events.push(event)
      revision = group.revision
      if (events.length >= batchMax) return { revision, events }
    }
    return { revision: Math.max(revision, this.#revision) as Revision, events }
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

  /** Index of the first group with a revision > `after`. */
  #indexAfter(after: Revision): number {
    let low = this.#head
    let high = this.#groups.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#groups[middle]!.revision <= after) low = middle + 1
      else high = middle
    }
    return low
  }
}

export type EventGroup<E> = { readonly revision: Revision; readonly events: readonly E[] }

/** A batch ends with the revision that brings it to this many events. */
const batchMax = 1000
