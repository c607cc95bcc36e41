import type { Pod, PodCondition } from './generated/types/core-v1.ts'

/** The annotation that holds a pod's desired run state; absent means running. Keelson's own. */
export const runStateAnnotation = 'keelson.dev/run-state'

export type RunState = 'running' | 'stopped' | 'paused'

/** What the pod is wanted to do; unknown words count as running. */
export function podRunState(pod: Pod): RunState {
  const state = pod.metadata.annotations?.[runStateAnnotation]
  return state === 'stopped' || state === 'paused' ? state : 'running'
}

export function podCondition(pod: Pod, type: string): PodCondition | undefined {
  return pod.status?.conditions?.find((c) => c.type === type)
}

/** Condition Ready is True. */
export function isPodReady(pod: Pod): boolean {
  return podCondition(pod, 'Ready')?.status === 'True'
}

/** Ready, and so for at least `minReadySeconds`. `nowMs` is wall-clock time. */
export function isPodAvailable(pod: Pod, minReadySeconds: number, nowMs: number): boolean {
  const ready = podCondition(pod, 'Ready')
  if (ready?.status !== 'True') return false
  if (minReadySeconds <= 0) return true
  const since = ready.lastTransitionTime ? Date.parse(ready.lastTransitionTime) : Number.NaN
  return !Number.isNaN(since) && since + minReadySeconds * 1000 <= nowMs
}

/** When a ready pod becomes available, in milliseconds from now: 0 when it is, undefined when it is not ready. */
export function podAvailableInMs(pod: Pod, minReadySeconds: number, nowMs: number): number | undefined {
  const ready = podCondition(pod, 'Ready')
  if (ready?.status !== 'True') return undefined
  const since = Date.parse(ready.lastTransitionTime ?? '')
  return minReadySeconds <= 0 ? 0 : Math.max(0, (Number.isNaN(since) ? nowMs : since) + minReadySeconds * 1000 - nowMs)
}

/** Succeeded or Failed: its containers have ended for good. */
export function isPodTerminal(pod: Pod): boolean {
  const phase = pod.status?.phase
  return phase === 'Succeeded' || phase === 'Failed'
}

/** Being deleted. */
export function isPodTerminating(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined
}

/** Neither terminal nor being deleted: counts towards a workload's replicas. */
export function isPodActive(pod: Pod): boolean {
  return !isPodTerminal(pod) && !isPodTerminating(pod)
}

/** Bound to a node. */
export function isPodScheduled(pod: Pod): boolean {
  return (pod.spec?.nodeName ?? '') !== ''
}

/** For a condition that somebody adds to a pod: which version of it was looked at. */
export function observedGeneration({ metadata }: Pod): { observedGeneration?: number } {
  return metadata.generation === undefined ? {} : { observedGeneration: metadata.generation }
}
