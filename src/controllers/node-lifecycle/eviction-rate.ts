/**
 * How fast nodes may be given the taint that evicts their pods: one in ten seconds. When most nodes seem dead at once, the fault is
 * more likely here or in the network between: then none is.
 */
export type EvictionRate = {
  /** Milliseconds to wait before this node may be tainted; 0: now, and that is counted. Infinity: not until more nodes are healthy. */
  take(counts: { readonly nodes: number; readonly unhealthy: number }, nowMs: number): number
}

const intervalMs = 10_000
/** From this share of unhealthy nodes on (and at least three of them) evictions stop. */
const partialDisruption = 0.55

export function evictionRate(): EvictionRate {
  let nextMs = 0
  return {
    take: ({ nodes, unhealthy }, nowMs) => {
      const isAll = unhealthy >= nodes
      const isMost = unhealthy > 2 && unhealthy / nodes >= partialDisruption
      if (isAll || isMost) return Number.POSITIVE_INFINITY
      if (nowMs < nextMs) return nextMs - nowMs
      nextMs = nowMs + intervalMs
      return 0
    },
  }
}
