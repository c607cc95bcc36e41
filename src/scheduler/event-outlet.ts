import type { Cancel } from '../base/clock.ts'
import type { LoopContext } from '../control/contract.ts'
import type { Pod } from '../kinds/generated/types/core-v1.ts'

type Context = Pick<LoopContext, 'clock' | 'event' | 'eventsWritten'>
type PodEvent = { readonly pod: Pod; readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly message: string }

/** Events that may wait; one more is dropped and counted. Each holds its pod. */
export const waitingEventsMax = 16_384
/** From here on they go out beside the bindings. */
const pressing = waitingEventsMax / 2
/** What is told at a time, between two looks at whether somebody waits. */
const batchMax = 64
/** So long they wait for a quiet moment. */
const waitMaxMs = 1_000

/**
 * Tells what became of pods after the pods that still wait have been bound: an Event costs as much as a binding, and nobody waits for it.
 *
 *  1. They go out, in their order, while the scheduler is idle; where it is busy, after a second, or when half of the room is taken.
 *  2. Of at most `waitingEventsMax` none is lost. There is a timer only while some wait, and nothing while none do.
 */
export class EventOutlet {
  readonly #context: Context
  readonly #isBusy: () => boolean
  readonly #onDropped: () => void
  readonly #waiting: PodEvent[] = []
  #isDraining = false
  #proceed: (() => void) | undefined
  #cancelTimer: Cancel | undefined

  constructor(options: { readonly context: Context; readonly isBusy: () => boolean; readonly onDropped: () => void }) {
    this.#context = options.context
    this.#isBusy = options.isBusy
    this.#onDropped = options.onDropped
  }

  add(pod: Pod, event: Omit<PodEvent, 'pod'>): void {
    if (this.#waiting.length >= waitingEventsMax) return this.#onDropped()
    this.#waiting.push({ pod, ...event })
    if (this.#waiting.length >= pressing) this.#proceed?.()
    if (!this.#isDraining) void this.#drain()
  }

  /** To be called when there is nothing to decide or to bind. */
  idle(): void {
    this.#proceed?.()
  }

  /** Hands out what is left: the recorder takes as much as it has room for. */
  close(): void {
    for (const { pod, ...event } of this.#waiting.splice(0)) this.#context.event(pod, event)
    this.#proceed?.()
  }

  async #drain(): Promise<void> {
    this.#isDraining = true
    // What is recorded in this turn comes with it.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      if (this.#isBusy() && this.#waiting.length < pressing) await this.#quietMoment()
      for (const { pod, ...event } of this.#waiting.splice(0, batchMax)) this.#context.event(pod, event)
      await this.#context.eventsWritten()
    }
    this.#isDraining = false
  }

  async #quietMoment(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#proceed = resolve
      this.#cancelTimer = this.#context.clock.schedule(waitMaxMs, resolve)
    })
    this.#proceed = undefined
    this.#cancelTimer?.()
  }
}
