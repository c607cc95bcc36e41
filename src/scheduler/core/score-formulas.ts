/**
 * The arithmetic of scores, exactly as upstream rounds it (integers, truncation). Amounts are in base units: millicores,
 * bytes. Sources: kubernetes.io/docs/concepts/scheduling-eviction/resource-bin-packing and docs/formulas.md.
 */
export const scoreMax = 100

/** 100 × free/allocatable, truncated: 0 where nothing is left or the node is over-committed. */
export function leastRequestedScore(requested: number, allocatable: number): number {
  if (allocatable === 0 || requested > allocatable) return 0
  return Math.floor(((allocatable - requested) * scoreMax) / allocatable)
}

/** 100 × used/allocatable, truncated: 100 where the node is over-committed. */
export function mostRequestedScore(requested: number, allocatable: number): number {
  if (allocatable === 0) return 0
  return Math.floor((Math.min(requested, allocatable) * scoreMax) / allocatable)
}

/** A point of a curve: utilisation in percent (0..100) and score (0..10). */
export type ShapePoint = { readonly utilization: number; readonly score: number }

/** The piecewise-linear curve over utilisation, truncated towards zero between the points. */
export function curveScore(points: readonly ShapePoint[], requested: number, allocatable: number): number {
  const scale = (score: number) => score * (scoreMax / 10)
  const utilization = allocatable === 0 || requested > allocatable ? 100 : Math.floor((requested * 100) / allocatable)
  for (let i = 0; i < points.length; i++) {
    const point = points[i]!
    if (utilization > point.utilization) continue
    const before = points[i - 1]
    if (!before) return scale(point.score)
    const rise = (scale(point.score) - scale(before.score)) * (utilization - before.utilization)
    return scale(before.score) + Math.trunc(rise / (point.utilization - before.utilization))
  }
  return scale(points.at(-1)?.score ?? 0)
}

/** 100 × (1 − standard deviation of the used fractions), truncated; fractions above 1 count as 1, resources the node lacks not at all. */
export function balancedScore(requested: readonly number[], allocatable: readonly number[]): number {
  const fractions: number[] = []
  for (let i = 0; i < requested.length; i++) if (allocatable[i] !== 0) fractions.push(Math.min(1, requested[i]! / allocatable[i]!))
  return Math.trunc((1 - standardDeviation(fractions)) * scoreMax)
}

/** Of the balance with the pod and without it: 75 where it stays as it is, up to 100 where the pod betters it, down to 50 where it worsens it. */
export function balanceChangeScore(withPod: number, without: number): number {
  return scoreMax / 2 + Math.trunc((scoreMax / 2 + withPod - without) / 2)
}

function standardDeviation(values: readonly number[]): number {
  if (values.length < 2) return 0
  if (values.length === 2) return Math.abs((values[0]! - values[1]!) / 2)
  const mean = values.reduce((a, b) => a + b, 0) / values.length
  return Math.sqrt(values.reduce((sum, v) => sum + (v - mean) * (v - mean), 0) / values.length)
}

/** 100 × raw/max, truncated; with `isReversed` 100 minus that. A maximum of 0 gives 0, or 100 when reversed. */
export function defaultNormalise(raw: number, max: number, isReversed: boolean): number {
  if (max === 0) return isReversed ? scoreMax : 0
  const share = Math.trunc((scoreMax * raw) / max)
  return isReversed ? scoreMax - share : share
}

/** 100 × (raw − min)/(max − min), truncated; 0 where all are equal (inter-pod affinity). */
export function minMaxNormalise(raw: number, min: number, max: number): number {
  return max > min ? Math.trunc(scoreMax * ((raw - min) / (max - min))) : 0
}

/** 100 × (max + min − raw)/max, truncated; 100 where nothing is counted anywhere (topology spread). */
export function spreadNormalise(raw: number, min: number, max: number): number {
  return max === 0 ? scoreMax : Math.trunc((scoreMax * (max + min - raw)) / max)
}

/** What one constraint adds to a node's raw spread score, before rounding the sum: count × ln(domains + 2) + (maxSkew − 1). */
export function spreadConstraintScore(count: number, domains: number, maxSkew: number): number {
  return count * Math.log(domains + 2) + (maxSkew - 1)
}

const mebibyte = 1024 * 1024

/** Bytes of the pod's images that are on the node, each scaled by the share of nodes that have it, between 23 MiB and 1000 MiB a container. */
export function imageLocalityScore(sumBytes: number, containers: number): number {
  const min = 23 * mebibyte
  const max = 1000 * mebibyte * containers
  if (max <= min) return 0
  const clamped = Math.min(max, Math.max(min, sumBytes))
  return Math.floor((scoreMax * (clamped - min)) / (max - min))
}

/** One image's scaled size: bytes × nodes that have it / all nodes, truncated. */
export function scaledImageBytes(sizeBytes: number, nodesWithImage: number, nodes: number): number {
  return Math.trunc(sizeBytes * (nodesWithImage / nodes))
}
