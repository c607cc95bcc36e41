/**
 * The only source of time above `platform/`. The system clock and the virtual clock both implement it, so a whole
 * cluster runs deterministically under test.
 */
export type Clock = {
  /** Wall-clock milliseconds since the Unix epoch. */
  now(): number
  /** Monotonic milliseconds with fraction, for durations only. */
  monotonicMs(): number
  /** Runs `callback` once after `delayMs` (≥ 0). The returned function cancels it; calling it later is harmless. */
  schedule(delayMs: number, callback: () => void): Cancel
}

export type Cancel = () => void

/** Resolves after `delayMs`; rejects with the signal's reason when it aborts first. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const onAbort = () => {
      cancel()
      reject(signal!.reason)
    }
    const cancel = clock.schedule(delayMs, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** RFC 3339 in whole seconds, as `metav1.Time` is written. */
export function toTime(ms: number): string {
  // Under load thousands of objects are stamped with one of a few seconds.
  const second = Math.floor(ms / 1000)
  let text = texts.get(second)
  if (text === undefined) {
    if (texts.size >= textsMax) texts.clear()
    texts.set(second, (text = `${new Date(ms).toISOString().slice(0, 19)}Z`))
  }
  return text
}

const textsMax = 64
const texts = new Map<number, string>()

/** RFC 3339 with six digits of fraction, as `metav1.MicroTime` is written. */
export function toMicroTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23)}000Z`
}
