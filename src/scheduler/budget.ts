import type { PodDisruptionBudget } from '../kinds/generated/types/policy-v1.ts'
import { matches, selectorFrom, selectsEverything } from '../machinery/label-selector.ts'
import type { Budget } from './core/preemption.ts'

/** A budget as preemption and plans read it. */
export function budgetOf(budget: PodDisruptionBudget): Budget {
  const selector = selectorFrom(budget.spec?.selector)
  // Upstream's preemption takes an empty selector as matching nothing.
  const isEmpty = selectsEverything(selector)
  return {
    namespace: budget.metadata.namespace ?? '',
    matches: (labels) => !isEmpty && matches(selector, labels),
    allowed: budget.status?.disruptionsAllowed ?? 0,
    disrupted: new Set(Object.keys(budget.status?.disruptedPods ?? {})),
  }
}
