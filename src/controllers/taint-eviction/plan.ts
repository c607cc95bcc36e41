import { tolerates } from '../../control/taints.ts'
import type { Node, Pod } from '../../kinds/generated/types/core-v1.ts'

/**
 * When a pod must leave its node because of NoExecute taints: `never`, or a moment (wall clock, ms; in the past: now).
 * Each taint must be tolerated; the shortest tolerationSeconds counts from the taint's arrival, or from when it was first seen.
 */
export function evictionTimeMs(pod: Pod, node: Node, firstSeenMs: number): number | 'never' {
  const taints = (node.spec?.taints ?? []).filter(({ effect }) => effect === 'NoExecute')
  const tolerations = pod.spec?.tolerations ?? []
  let time: number | 'never' = 'never'
  for (const taint of taints) {
    const matching = tolerations.filter((toleration) => tolerates(toleration, taint))
    if (matching.length === 0) return firstSeenMs
    const seconds = matching.map(({ tolerationSeconds }) => tolerationSeconds).filter((value): value is number => value !== undefined)
    if (seconds.length === 0) continue
    const since = taint.timeAdded ? Date.parse(taint.timeAdded) : firstSeenMs
    const until = since + Math.max(0, Math.min(...seconds)) * 1000
    time = time === 'never' ? until : Math.min(time, until)
  }
  return time
}
