import type { Clock } from '../../base/clock.ts'
import type { RequestEnd } from '../http/request-end.ts'
import type { LoopShare } from './loop-share.ts'

/**
 * How one request shares the event loop: whoever works through many objects asks `slice` every so often, and whoever is about to send
 * many bytes or events asks first. Undefined: go on at once.
 */
export type Pace = {
  slice(): Promise<void> | undefined
  block(bytes: number): Promise<void> | undefined
  events(count: number): Promise<void> | undefined
}

/** A piece of work between two looks at the clock's turn. */
const sliceMs = 3
/** Copying, encrypting and writing. Both are guesses that the share corrects by real time. */
const msPerByte = 1 / 1_000_000
const msPerEvent = 0.003

export type PaceOptions = {
  readonly clock: Clock
  readonly share: LoopShare
  readonly flow: string
  /** Throws where nobody waits for the work any more: asked before each slice. */
  readonly end?: Pick<RequestEnd, 'proceed'> | undefined
}

export const createPace = (options: PaceOptions): Pace => new RequestPace(options)

/** Of a class, for each request has one: closures would take four times the memory. */
class RequestPace implements Pace {
  readonly #options: PaceOptions
  #startMs: number

  constructor(options: PaceOptions) {
    this.#options = options
    this.#startMs = options.clock.monotonicMs()
  }

  slice(): Promise<void> | undefined {
    const { clock, share, flow, end } = this.#options
    end?.proceed()
    const usedMs = clock.monotonicMs() - this.#startMs
    if (usedMs < sliceMs) return undefined
    const turn = share.turn(flow, usedMs)
    if (!turn) {
      this.#startMs += usedMs
      return undefined
    }
    return turn.then(() => void (this.#startMs = clock.monotonicMs()))
  }

  block(bytes: number): Promise<void> | undefined {
    return this.#options.share.turn(this.#options.flow, bytes * msPerByte)
  }

  events(count: number): Promise<void> | undefined {
    return this.#options.share.turn(this.#options.flow, count * msPerEvent)
  }
}

/** Maps a list in slices; without a pace, or while nobody else wants the loop, in one go. */
export async function mapPaced<T, R>(items: readonly T[], pace: Pace | undefined, make: (item: T) => R): Promise<R[]> {
  const results: R[] = []
  for (let i = 0; i < items.length; i++) {
    results.push(make(items[i]!))
    if (i % 32 !== 31) continue
    const turn = pace?.slice()
    if (turn) await turn
  }
  return results
}
