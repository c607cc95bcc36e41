import type { KubeObject } from '../../machinery/object.ts'

/** Events are news: an hour after they were last told they go. Upstream's default of --event-ttl. */
export const defaultTtlMs = 3_600_000
/** Expired ones wait up to this long for others, so that a steady stream costs one look a minute. */
export const gatherMs = 60_000

export type Plan = {
  readonly expired: readonly KubeObject[]
  /** Undefined: there are no events. */
  readonly requeueAfterMs: number | undefined
}

/** `toldMs`: when an event was seen to be raised (wall clock, ms); undefined: not since its creation. */
export function planExpiry(
  events: readonly KubeObject[],
  toldMs: (uid: string) => number | undefined,
  nowMs: number,
  ttlMs = defaultTtlMs,
): Plan {
  const expired: KubeObject[] = []
  let nextMs = Number.POSITIVE_INFINITY
  for (const event of events) {
    const created = Date.parse(event.metadata.creationTimestamp ?? '')
    const endMs = Math.max(created, toldMs(event.metadata.uid ?? '') ?? 0) + ttlMs
    if (endMs <= nowMs) expired.push(event)
    else nextMs = Math.min(nextMs, endMs)
  }
  return { expired, requeueAfterMs: Number.isFinite(nextMs) ? Math.max(gatherMs, nextMs - nowMs) : undefined }
}
