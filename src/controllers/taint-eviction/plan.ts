import { tolerates } from '../../control/taints.ts'
import type { Node, Pod } from '../../kinds/generated/types/core-v1.ts'

/**
 * When a pod must leave its node because of NoExecute taints: `never`, or a moment (wall clock, ms; in the past: now).
 * Each taint must be tolerated; of several tolerations the first counts, as upstream's. The shortest tolerationSeconds of all taints
 * counts from the taint's arrival, or from when it was first seen.
 */
export function evictionTimeMs(pod: Pod, node: Node, firstSeenMs: number): number | 'never' {
  const taints = (node.spec?.taints ?? []).filter(({ effect }) => effect === 'NoExecute')
  const tolerations = pod.spec?.tolerations ?? []
  let time: number | 'never' = 'never'
  for (const taint of taints) {
    const toleration = tolerations.find((one) => tolerates(one, taint))
    if (!toleration) return firstSeenMs
    const seconds = toleration.tolerationSeconds
    if (seconds === undefined) continue
    const since = taint.timeAdded ? Date.parse(taint.timeAdded) : firstSeenMs
    const until = since + Math.max(0, seconds) * 1000
    time = time === 'never' ? until : Math.min(time, until)
  }
  return time
}
