import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { isPodReady, podCondition } from '../../kinds/pod-status.ts'

const phaseOrder: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 }

/** The annotation by which users say which pods are dear. */
const deletionCostAnnotation = 'controller.kubernetes.io/pod-deletion-cost'

type Ranked = { readonly pod: Pod; readonly keys: readonly number[]; readonly uid: string }

/**
 * Pods, the first to delete first: not on a node, not running, not ready, cheap, sharing its node with many of its kind,
 * ready for a short time, restarted often, young (https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/#scaling-a-replicaset).
 * Ages are compared by their order of magnitude, so that of many old pods not always the youngest goes.
 * `podsOnNode` counts the active pods of the same workload on a node.
 */
export function deletionOrder(pods: readonly Pod[], podsOnNode: ReadonlyMap<string, number>, nowMs: number): Pod[] {
  const ranked = pods.map((pod): Ranked => ({ pod, keys: keysOf(pod, podsOnNode, nowMs), uid: pod.metadata.uid ?? '' }))
  return ranked.sort(compare).map(({ pod }) => pod)
}

function keysOf(pod: Pod, podsOnNode: ReadonlyMap<string, number>, nowMs: number): number[] {
  const nodeName = pod.spec?.nodeName ?? ''
  const isReady = isPodReady(pod)
  const restarts = Math.max(0, ...(pod.status?.containerStatuses ?? []).map((status) => status.restartCount ?? 0))
  return [
    nodeName === '' ? 0 : 1,
    phaseOrder[pod.status?.phase ?? ''] ?? 0,
    isReady ? 1 : 0,
    deletionCost(pod),
    -(podsOnNode.get(nodeName) ?? 0),
    isReady ? magnitude(podCondition(pod, 'Ready')?.lastTransitionTime, nowMs) : 0,
    -restarts,
    magnitude(pod.metadata.creationTimestamp, nowMs),
  ]
}

function compare(a: Ranked, b: Ranked): number {
  for (let i = 0; i < a.keys.length; i++) {
    const difference = a.keys[i]! - b.keys[i]!
    if (difference !== 0) return difference
  }
  return a.uid < b.uid ? -1 : a.uid > b.uid ? 1 : 0
}

function deletionCost(pod: Pod): number {
  const text = pod.metadata.annotations?.[deletionCostAnnotation] ?? ''
  return /^(0|-?[1-9][0-9]*)$/.test(text) ? Number(text) : 0
}

/** The binary logarithm of an age in seconds; an unknown time counts as just now. */
function magnitude(time: string | null | undefined, nowMs: number): number {
  const seconds = time ? Math.max(0, (nowMs - Date.parse(time)) / 1000) : 0
  return Math.floor(Math.log2(seconds + 1))
}
