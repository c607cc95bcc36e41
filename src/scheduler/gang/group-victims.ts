import type { Budget, Candidate } from '../core/preemption.ts'
import type { PodEntry } from '../core/snapshot.ts'
import { ineligible } from '../preemptor.ts'
import type { AskedMember } from './group-seating.ts'

/** Victims for one member of a group, beside those that leave for the others already: no budget is broken for a group. */
export function groupVictims(
  { profile: { core }, target }: AskedMember,
  { budgets, leaving }: { readonly budgets: readonly Budget[]; readonly leaving: readonly PodEntry[] },
): readonly PodEntry[] | undefined {
  const diagnosis = core.diagnose(target)
  if (diagnosis.nodeCount === 0 || ineligible(core, target, diagnosis)) return undefined
  const whole = (candidate: Candidate) => (candidate.violations > 0 ? undefined : candidate)
  // Where there is nothing to break the core need not ask about each candidate.
  return core.preempt(target, diagnosis, lessened(budgets, leaving), budgets.length > 0 ? whole : undefined).candidate?.victims
}

/** What the budgets allow once these have left. */
function lessened(budgets: readonly Budget[], leaving: readonly PodEntry[]): readonly Budget[] {
  if (leaving.length === 0) return budgets
  return budgets.map((budget) => {
    const counted = leaving.filter(
      ({ pod, shape }) =>
        shape.namespace === budget.namespace && budget.matches(shape.labels) && !budget.disrupted.has(pod.metadata.name ?? ''),
    )
    return counted.length === 0 ? budget : { ...budget, allowed: budget.allowed - counted.length }
  })
}
