/** How long, in seconds, a node's agent may use what it has read of Secrets and ConfigMaps. */
export const ttlAnnotation = 'node.alpha.kubernetes.io/ttl'

type Step = { readonly nodesMin: number; readonly nodesMax: number; readonly seconds: number }

/** Upstream's steps. They overlap, so that a cluster at a border does not go to and fro. */
const steps: readonly Step[] = [
  { nodesMin: 0, nodesMax: 100, seconds: 0 },
  { nodesMin: 90, nodesMax: 500, seconds: 15 },
  { nodesMin: 450, nodesMax: 1_000, seconds: 30 },
  { nodesMin: 900, nodesMax: 2_000, seconds: 60 },
  { nodesMin: 1_800, nodesMax: Number.POSITIVE_INFINITY, seconds: 300 },
]

/** The time for a cluster of so many nodes, coming from that of before. */
export function ttlSeconds(nodeCount: number, before: number): number {
  const held = steps.find(({ seconds }) => seconds === before)
  if (held && nodeCount >= held.nodesMin && nodeCount <= held.nodesMax) return before
  const isBelow = held !== undefined && nodeCount < held.nodesMin
  const fitting = steps.filter(({ nodesMin, nodesMax }) => nodeCount >= nodesMin && nodeCount <= nodesMax)
  return (isBelow ? fitting.at(-1) : fitting[0])?.seconds ?? 0
}
