import type { Cancel, Clock } from '../base/clock.ts'
import type { Pod } from '../kinds/generated/types/core-v1.ts'
import type { PodEvent } from './event-series.ts'

/** Events that may wait, some 300 bytes each; one more is dropped and counted. */
export const waitingEventsMax = 65_536
/** From here on they go out beside the bindings. */
const pressing = waitingEventsMax / 2
/** Of what is left at the end so many are still told. */
const lastWordsMax = 1_000
/** What is told at a time, between two looks at whether somebody waits. */
const batchMax = 64
/** A moment is quiet when there has been nothing to decide for so long: the pods of a workload come in waves. */
const quietMs = 100
/** So long they wait for a quiet moment. */
const waitMaxMs = 1_000

/**
 * Tells what became of pods after the pods that still wait have been bound: an Event costs as much as a binding, and nobody waits for it.
 *
 *  1. They go out, in their order and with the time at which they happened, once the scheduler has been idle for a tenth of a second; where
 *     it is busy, after a second, or when half of the room is taken.
 *  2. Of at most `waitingEventsMax` none is lost. There is a timer only while some wait, and nothing while none do.
 */
export class EventOutlet {
  readonly #clock: Clock
  readonly #write: (events: readonly PodEvent[]) => Promise<void>
  readonly #isBusy: () => boolean
  readonly #onDropped: () => void
  readonly #waiting: PodEvent[] = []
  #isDraining = false
  /** Nothing has happened since a quiet moment came. */
  #isQuiet = false
  #proceed: (() => void) | undefined
  #cancelQuiet: Cancel | undefined

  /** `write` resolves when all have been written or dropped. */
  constructor(options: {
    readonly clock: Clock
    readonly write: (events: readonly PodEvent[]) => Promise<void>
    readonly isBusy: () => boolean
    readonly onDropped: () => void
  }) {
    this.#clock = options.clock
    this.#write = options.write
    this.#isBusy = options.isBusy
    this.#onDropped = options.onDropped
  }

  add(event: Omit<PodEvent, 'atMs'>): void {
    if (this.#waiting.length >= waitingEventsMax) return this.#onDropped()
    const { pod, related } = event
    this.#waiting.push({ ...event, pod: namesOf(pod), ...(related ? { related: namesOf(related) } : {}), atMs: this.#clock.now() })
    this.#isQuiet = false
    this.#awaitQuiet()
    if (this.#waiting.length >= pressing) this.#proceed?.()
    if (!this.#isDraining) void this.#drain()
  }

  /** To be called when there is nothing to decide or to bind. */
  idle(): void {
    if (this.#waiting.length > 0 && !this.#isQuiet) this.#awaitQuiet()
  }

  /** Hands out what is left. */
  close(): void {
    this.#cancelQuiet?.()
    const last = this.#waiting.splice(0, lastWordsMax)
    for (const _ of this.#waiting.splice(0)) this.#onDropped()
    if (last.length > 0) void this.#write(last)
    this.#proceed?.()
  }

  async #drain(): Promise<void> {
    this.#isDraining = true
    // What is recorded in this turn comes with it.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      if (!this.#isQuiet && this.#waiting.length < pressing) await this.#quietMoment()
      await this.#write(this.#waiting.splice(0, batchMax))
    }
    this.#isDraining = false
  }

  async #quietMoment(): Promise<void> {
    let cancel: Cancel | undefined
    await new Promise<void>((resolve) => {
      this.#proceed = resolve
      cancel = this.#clock.schedule(waitMaxMs, resolve)
    })
    this.#proceed = undefined
    cancel?.()
  }

  /** Begins to wait anew. Whoever is busy says when that has ended. */
  #awaitQuiet(): void {
    this.#cancelQuiet?.()
    this.#cancelQuiet = this.#isBusy() ? undefined : this.#clock.schedule(quietMs, () => this.#beQuiet())
  }

  #beQuiet(): void {
    this.#cancelQuiet = undefined
    if (this.#isBusy()) return
    this.#isQuiet = true
    this.#proceed?.()
  }
}

/** What an Event tells of a pod: the rest of it need not wait too. */
function namesOf({ metadata: { namespace, name, uid, resourceVersion } }: Pod): Pod {
  return {
    metadata: {
      ...(namespace ? { namespace } : {}),
      ...(name ? { name } : {}),
      ...(uid ? { uid } : {}),
      ...(resourceVersion ? { resourceVersion } : {}),
    },
  }
}
