import type { Clock } from '../base/clock.ts'

/** Real time. Timers do not keep the process alive: whoever waits holds a task of its own. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  schedule: (delayMs, callback) => {
    if (delayMs === 0) {
      // After what is ready on the sockets; a timer would wait for a whole millisecond.
      const immediate = setImmediate(callback)
      return () => clearImmediate(immediate)
    }
    // setTimeout fires at once past 2^31-1 ms; a longer wait is cut there, and every loop here re-checks its deadline.
    const timer = setTimeout(callback, Math.min(Math.max(0, delayMs), 2 ** 31 - 1))
    return () => clearTimeout(timer)
  },
}
