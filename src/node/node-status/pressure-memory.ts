import type { Pressure } from './node-status.ts'

/**
 * What ran short within the last `transitionMs`: a node that has just evicted a pod must not ask for the next one at once, to be short again.
 * Give it each look's pressure with the moment by the clock that nobody sets. Upstream's eviction-pressure-transition-period.
 */
export function pressureMemory(transitionMs: number): (now: Pressure, atMs: number) => Pressure {
  const seenAtMs: Record<keyof Pressure, number> = {
    memory: Number.NEGATIVE_INFINITY,
    disk: Number.NEGATIVE_INFINITY,
    processes: Number.NEGATIVE_INFINITY,
  }
  return (now, atMs) => {
    const lasts = (name: keyof Pressure) => {
      if (now[name]) seenAtMs[name] = atMs
      return now[name] || atMs - seenAtMs[name] < transitionMs
    }
    return { memory: lasts('memory'), disk: lasts('disk'), processes: lasts('processes') }
  }
}
