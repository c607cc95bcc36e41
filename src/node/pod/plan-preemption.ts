import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { podRequests, type ResourceAmounts } from '../../kinds/pod-requests.ts'
import { type QosClass, qosClass } from '../../kinds/qos.ts'
import { isCriticalPod } from '../../kinds/static-pod.ts'

/** What is missing of a resource for a pod to fit: milli-CPU for cpu, else whole units. */
export type MissingAmount = { readonly resource: string; readonly amount: number }
export type Preemption = { readonly victims: readonly Pod[] } | { readonly error: string }

type Candidate = { readonly pod: Pod; readonly requests: ResourceAmounts }

/**
 * The pods that end so that a critical one has room: as few as may be, first of all those that were promised least. Upstream's agent does so
 * for critical pods alone: whoever else does not fit is refused. Pure.
 */
export function planPreemption(pod: Pod, others: readonly Pod[], missing: readonly MissingAmount[]): Preemption {
  const classes: Record<QosClass, Candidate[]> = { BestEffort: [], Burstable: [], Guaranteed: [] }
  for (const other of others)
    if (givesWay(other, pod)) classes[qosClass(other.spec!)].push({ pod: other, requests: { ...podRequests(other), pods: 1 } })
  const { BestEffort: bestEffort, Burstable: burstable, Guaranteed: guaranteed } = classes
  const left = without(missing, [...bestEffort, ...burstable, ...guaranteed])
  if (left.length > 0) return { error: `no set of running pods found to reclaim resources: ${listText(left)}` }
  const best = nearest(guaranteed, without(missing, [...bestEffort, ...burstable]))
  const better = nearest(burstable, without(missing, [...bestEffort, ...best]))
  const good = nearest(bestEffort, without(missing, [...better, ...best]))
  return { victims: [...good, ...better, ...best].map(({ pod }) => pod) }
}

/** Whether a pod may end for a critical one: it is none itself, or a less important one. */
function givesWay(other: Pod, { spec }: Pod): boolean {
  if (!isCriticalPod(other)) return true
  const [theirs, own] = [other.spec?.priority, spec?.priority]
  return theirs !== undefined && own !== undefined && own > theirs
}

/** One after the other whoever comes closest to what is still missing; of equals the one that asks for less. */
function nearest(candidates: readonly Candidate[], missing: readonly MissingAmount[]): Candidate[] {
  const chosen: Candidate[] = []
  const rest = [...candidates]
  for (let left = missing; left.length > 0 && rest.length > 0; left = without(missing, chosen)) {
    rest.sort((a, b) => distance(a, left) - distance(b, left) || asksLess(a, b))
    chosen.push(rest.shift()!)
  }
  return chosen
}

function distance({ requests }: Candidate, missing: readonly MissingAmount[]): number {
  return missing.reduce((sum, { resource, amount }) => sum + (Math.max(0, amount - (requests[resource] ?? 0)) / amount) ** 2, 0)
}

function asksLess(a: Candidate, b: Candidate): number {
  const by = (name: string) => (a.requests[name] ?? 0) - (b.requests[name] ?? 0)
  return by('memory') || by('cpu')
}

function without(missing: readonly MissingAmount[], freed: readonly Candidate[]): MissingAmount[] {
  return missing.flatMap(({ resource, amount }) => {
    const left = freed.reduce((rest, { requests }) => rest - (requests[resource] ?? 0), amount)
    return left > 0 ? [{ resource, amount: left }] : []
  })
}

function listText(missing: readonly MissingAmount[]): string {
  return `[${missing.map(({ resource, amount }) => `(res: ${resource}, q: ${amount}), `).join('')}]`
}
