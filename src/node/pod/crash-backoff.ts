import type { ContainerRecord } from './pod-records.ts'

/** First delay, longest delay, and the quiet time after which a container starts with a clean record. */
export const crashBackoff = { initialMs: 10_000, maxMs: 300_000, resetMs: 600_000 } as const

/** Until when a container that ended at `endedMs` must wait, and its delay; undefined: it may start at once. */
export function crashWait(
  record: ContainerRecord | undefined,
  specHash: string,
  endedMs: number,
  monotonicMs: number,
): { readonly untilMs: number; readonly delayMs: number } | undefined {
  const backoff = record?.backoff
  if (!backoff || backoff.specHash !== specHash || endedMs - backoff.updatedMs > crashBackoff.resetMs) return undefined
  const untilMs = endedMs + backoff.delayMs
  return monotonicMs < untilMs ? { untilMs, delayMs: backoff.delayMs } : undefined
}

/** The back-off that the next end will meet, after a restart now. */
export function nextCrashBackoff(
  record: ContainerRecord,
  specHash: string,
  endedMs: number,
  monotonicMs: number,
): ContainerRecord['backoff'] {
  const old = record.backoff
  const isFresh = !old || old.specHash !== specHash || endedMs - old.updatedMs > crashBackoff.resetMs
  return { specHash, delayMs: isFresh ? crashBackoff.initialMs : Math.min(old.delayMs * 2, crashBackoff.maxMs), updatedMs: monotonicMs }
}

/** As Go prints a duration of whole seconds: `10s`, `1m20s`, `5m0s`, `1h0m0s`. */
export function formatDuration(ms: number): string {
  const total = Math.round(ms / 1000)
  const hours = Math.floor(total / 3600)
  const minutes = Math.floor((total % 3600) / 60)
  if (hours > 0) return `${hours}h${minutes}m${total % 60}s`
  return minutes > 0 ? `${minutes}m${total % 60}s` : `${total}s`
}
