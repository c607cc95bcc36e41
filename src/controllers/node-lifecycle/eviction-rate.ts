/**
 * How fast nodes may be given the taint that evicts their pods, zone by zone
 * (https://kubernetes.io/docs/concepts/architecture/nodes/#rate-limits-on-eviction): one in ten seconds. When most of a zone seems dead
 * the fault may be here or in the network between: then one in a hundred seconds in a large zone, none in a small one. When
 * every zone is dead as a whole none is evicted anywhere.
 */
import type { EvictionSettings } from '../settings.ts'

export type ZoneCounts = { readonly nodes: number; readonly unhealthy: number }

export type EvictionRate = {
  /** Milliseconds to wait before a node of the zone may be tainted; 0: now, and that is counted. Infinity: not until more nodes are healthy. `nowMs`: on a clock that nobody sets. */
  take(zone: string, zones: ReadonlyMap<string, ZoneCounts>, nowMs: number): number
}

export type ZoneState = 'Normal' | 'PartialDisruption' | 'FullDisruption'

/** From so many unhealthy nodes on a zone may be partially disrupted. */
const unhealthyMin = 3

export function zoneState({ nodes, unhealthy }: ZoneCounts, unhealthyShare = 0.55): ZoneState {
  if (nodes > 0 && unhealthy >= nodes) return 'FullDisruption'
  return unhealthy >= unhealthyMin && unhealthy / nodes >= unhealthyShare ? 'PartialDisruption' : 'Normal'
}

export function evictionRate(settings: EvictionSettings = {}): EvictionRate {
  const lastMs = new Map<string, number>()
  return {
    take: (zone, zones, nowMs) => {
      for (const known of lastMs.keys()) if (!zones.has(known)) lastMs.delete(known)
      const wait = intervalOf(zone, zones, settings)
      if (wait === Number.POSITIVE_INFINITY) return wait
      const leftMs = (lastMs.get(zone) ?? Number.NEGATIVE_INFINITY) + wait - nowMs
      if (leftMs > 0) return leftMs
      lastMs.set(zone, nowMs)
      return 0
    },
  }
}

function intervalOf(zone: string, zones: ReadonlyMap<string, ZoneCounts>, settings: EvictionSettings): number {
  const { perSecond = 0.1, secondaryPerSecond = 0.01, unhealthyShare, smallZoneMax = 50 } = settings
  const state = (counts: ZoneCounts) => zoneState(counts, unhealthyShare)
  if ([...zones.values()].every((counts) => state(counts) === 'FullDisruption')) return Number.POSITIVE_INFINITY
  const counts = zones.get(zone) ?? { nodes: 0, unhealthy: 0 }
  // A zone that is dead as a whole while others live is evicted at the full rate: its pods have where to go.
  if (state(counts) !== 'PartialDisruption') return 1000 / perSecond
  return counts.nodes > smallZoneMax ? 1000 / secondaryPerSecond : Number.POSITIVE_INFINITY
}
