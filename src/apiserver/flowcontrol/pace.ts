import type { Clock } from '../../base/clock.ts'
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

export function createPace(clock: Clock, share: LoopShare, flow: string): Pace {
  let startMs = clock.monotonicMs()
  return {
    slice: () => {
      const usedMs = clock.monotonicMs() - startMs
      if (usedMs < sliceMs) return undefined
      const turn = share.turn(flow, usedMs)
      if (!turn) {
        startMs += usedMs
        return undefined
      }
      return turn.then(() => void (startMs = clock.monotonicMs()))
    },
    block: (bytes) => share.turn(flow, bytes * msPerByte),
    events: (count) => share.turn(flow, count * msPerEvent),
  }
}

/** Works on as `pace` lets it, for as long as anybody waits for it: `proceed` throws where nobody does. */
export function endingPace(pace: Pace, proceed: () => void): Pace {
  return {
    ...pace,
    slice: () => {
      proceed()
      return pace.slice()
    },
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
