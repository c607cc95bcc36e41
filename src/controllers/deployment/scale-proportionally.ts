import type { ReplicaSet } from '../../kinds/generated/types/apps-v1.ts'
import { type Bounds, specReplicas, sum } from './bounds.ts'
import { maxReplicasAnnotation } from './replica-set-annotations.ts'

/**
 * New sizes when the number asked for changes in the middle of a rollout: each ReplicaSet grows or shrinks in proportion to
 * its part, so that the risk stays spread; what rounding leaves over goes to the largest.
 */
export function scaleProportionally(
  active: readonly ReplicaSet[],
  bounds: Bounds,
  statusReplicas: number,
): ReadonlyMap<ReplicaSet, number> {
  const allowed = bounds.replicas > 0 ? bounds.replicas + bounds.maxSurge : 0
  const toAdd = allowed - sum(active, specReplicas)
  // Growing favours the newer of two equal ones, shrinking takes from the older first.
  const sorted = [...active].sort((a, b) => specReplicas(b) - specReplicas(a) || (toAdd > 0 ? age(b, a) : age(a, b)))
  const sizes = new Map<ReplicaSet, number>()
  let added = 0
  for (const set of sorted) {
    const share = toAdd === 0 ? 0 : clamp(fraction(set, bounds, statusReplicas), toAdd - added)
    sizes.set(set, specReplicas(set) + share)
    added += share
  }
  const largest = sorted[0]
  if (largest && toAdd !== 0) sizes.set(largest, Math.max(0, (sizes.get(largest) ?? 0) + toAdd - added))
  return sizes
}

const age = (a: ReplicaSet, b: ReplicaSet) => (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? '')

function clamp(share: number, left: number): number {
  return left > 0 ? Math.min(share, left) : Math.max(share, left)
}

function fraction(set: ReplicaSet, bounds: Bounds, statusReplicas: number): number {
  const size = specReplicas(set)
  if (bounds.replicas === 0) return -size
  const recorded = Number.parseInt(set.metadata.annotations?.[maxReplicasAnnotation] ?? '', 10)
  const maxBefore = Number.isNaN(recorded) || recorded === 0 ? statusReplicas : recorded
  if (maxBefore === 0) return 0
  return Math.round((size * (bounds.replicas + bounds.maxSurge)) / maxBefore) - size
}
