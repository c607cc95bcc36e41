import { backoffMs } from '../base/backoff.ts'
import { type Clock, sleep } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import { isStatus } from '../machinery/status-error.ts'
import { systemClock } from '../platform/system-clock.ts'
import { systemRandom } from '../platform/system-random.ts'

export type RetryOptions = {
  /** How often `work` is called at most, from 1. Default 5, as in client-go. */
  readonly attemptsMax?: number
  readonly signal?: AbortSignal
  readonly clock?: Clock
  readonly random?: Random
}

const conflictBackoff = { initialMs: 10, maxMs: 1_000, factor: 5, jitter: 0.1 } as const

/**
 * Calls `work` until it is not answered with 409 Conflict, and gives what it gives. `work` reads the object anew, changes it and
 * updates it: somebody else has written in between. The last conflict is thrown, every other error at once.
 *
 * @example
 * await retryOnConflict(async () => {
 *   const map = await configMaps.get('settings')
 *   await configMaps.update({ ...map, data: { ...map.data, level: 'debug' } })
 * })
 */
export async function retryOnConflict<T>(work: () => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const { attemptsMax = 5, signal, clock = systemClock, random = systemRandom } = options
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted()
    try {
      return await work()
    } catch (error) {
      if (!isStatus(error, 'Conflict') || attempt >= attemptsMax) throw error
    }
    await sleep(clock, backoffMs(conflictBackoff, attempt - 1, random), signal)
  }
}
