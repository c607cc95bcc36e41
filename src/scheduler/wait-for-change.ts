import type { Clock } from '../base/clock.ts'

/**
 * Resolves when `isDone` says so, asked at once and after every change. Rejects with what `isDone` throws, with the signal's reason, or
 * with `late` after `timeoutMs`.
 */
export async function waitForChange(options: {
  readonly clock: Clock
  /** Calls back after each change; returns the removal. */
  readonly onChange: (listener: () => void) => () => void
  readonly isDone: () => boolean
  readonly timeoutMs: number
  readonly late: string
  readonly signal: AbortSignal
}): Promise<void> {
  const { clock, onChange, isDone, timeoutMs, late, signal } = options
  let wake: (() => void) | undefined
  let isLate = false
  const stopListening = onChange(() => wake?.())
  const cancelTimeout = clock.schedule(timeoutMs, () => {
    isLate = true
    wake?.()
  })
  const onAbort = () => wake?.()
  signal.addEventListener('abort', onAbort)
  try {
    for (;;) {
      signal.throwIfAborted()
      if (isDone()) return
      if (isLate) throw new Error(late)
      await new Promise<void>((resolve) => (wake = resolve))
    }
  } finally {
    stopListening()
    cancelTimeout()
    signal.removeEventListener('abort', onAbort)
  }
}
