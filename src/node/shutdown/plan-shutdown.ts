import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { systemCriticalPriority } from '../../kinds/static-pod.ts'

/** Pods from this priority on, up to the next period's, get so long to end when the machine is about to stop. */
export type ShutdownPeriod = { readonly priority: number; readonly seconds: number }
export type ShutdownGroup = ShutdownPeriod & { readonly pods: readonly Pod[] }

/** The two periods of upstream's `shutdownGracePeriod` and `shutdownGracePeriodCriticalPods`: the whole, and what of it is left to the critical ones. */
export function shutdownPeriods(totalSeconds: number, criticalSeconds: number): ShutdownPeriod[] {
  if (totalSeconds === 0 || criticalSeconds > totalSeconds) return []
  return [
    { priority: 0, seconds: totalSeconds - criticalSeconds },
    { priority: systemCriticalPriority, seconds: criticalSeconds },
  ]
}

/**
 * Which pods end together, the least important first. Those below every period's priority belong to the lowest.
 * https://kubernetes.io/docs/concepts/cluster-administration/node-shutdown/ Pure.
 */
export function shutdownGroups(periods: readonly ShutdownPeriod[], pods: readonly Pod[]): ShutdownGroup[] {
  const sorted = [...periods].sort((a, b) => a.priority - b.priority)
  const groupOf = ({ spec }: Pod) =>
    Math.max(
      0,
      sorted.findLastIndex(({ priority }) => priority <= (spec?.priority ?? 0)),
    )
  return sorted.map((period, i) => ({ ...period, pods: pods.filter((pod) => groupOf(pod) === i) })).filter((group) => group.pods.length > 0)
}

/** Its own grace, when that is shorter than its group's. */
export function shutdownGrace({ seconds }: ShutdownPeriod, { spec }: Pod): number {
  return Math.min(seconds, spec?.terminationGracePeriodSeconds ?? seconds)
}
