/**
 * How fast nodes may be given the taint that evicts their pods, zone by zone
 * (https://kubernetes.io/docs/concepts/architecture/nodes/#rate-limits-on-eviction): one in ten seconds. When most of a zone seems dead
 * the fault may be here or in the network between: then one in a hundred seconds in a large cluster, none in a small one. When
 * every zone is dead as a whole none is evicted anywhere.
 */
export type ZoneCounts = { readonly nodes: number; readonly unhealthy: number }

export type EvictionRate = {
  /** Milliseconds to wait before a node of the zone may be tainted; 0: now, and that is counted. Infinity: not until more nodes are healthy. */
  take(zone: string, zones: ReadonlyMap<string, ZoneCounts>, nowMs: number): number
}

export type ZoneState = 'Normal' | 'PartialDisruption' | 'FullDisruption'

const intervalMs = 10_000
const largeClusterIntervalMs = 100_000
/** Clusters of at most so many nodes stop when a zone is partially disrupted. */
const smallClusterMax = 50
/** From this share of unhealthy nodes on, and at least three of them. */
const partialDisruption = 0.55

export function zoneState({ nodes, unhealthy }: ZoneCounts): ZoneState {
  if (nodes > 0 && unhealthy >= nodes) return 'FullDisruption'
  return unhealthy > 2 && unhealthy / nodes >= partialDisruption ? 'PartialDisruption' : 'Normal'
}

export function evictionRate(): EvictionRate {
  const lastMs = new Map<string, number>()
  return {
    take: (zone, zones, nowMs) => {
      for (const known of lastMs.keys()) if (!zones.has(known)) lastMs.delete(known)
      const wait = intervalOf(zone, zones)
      if (wait === Number.POSITIVE_INFINITY) return wait
      const leftMs = (lastMs.get(zone) ?? Number.NEGATIVE_INFINITY) + wait - nowMs
      if (leftMs > 0) return leftMs
      lastMs.set(zone, nowMs)
      return 0
    },
  }
}

function intervalOf(zone: string, zones: ReadonlyMap<string, ZoneCounts>): number {
  const all = [...zones.values()]
  if (all.every((counts) => zoneState(counts) === 'FullDisruption')) return Number.POSITIVE_INFINITY
  // A zone that is dead as a whole while others live is evicted at the full rate: its pods have where to go.
  if (zoneState(zones.get(zone) ?? { nodes: 0, unhealthy: 0 }) !== 'PartialDisruption') return intervalMs
  return all.reduce((sum, { nodes }) => sum + nodes, 0) > smallClusterMax ? largeClusterIntervalMs : Number.POSITIVE_INFINITY
}
