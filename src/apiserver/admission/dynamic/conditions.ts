import { type Budget, type Expression, matchCostMax, runExpression } from '../../../kinds/admissionregistration/expressions.ts'
import type { Bindings } from './bindings.ts'

export type ConditionsOutcome =
  | { readonly matches: boolean; readonly error?: undefined }
  | { readonly matches?: undefined; readonly error: string }

/** All hold, or one does not; an error counts only where none is false, and then as the failure policy says. */
export function runConditions(
  conditions: readonly Expression[],
  bindings: Bindings,
  failurePolicy: 'Fail' | 'Ignore' | undefined,
): ConditionsOutcome {
  const budget: Budget = { left: matchCostMax }
  const errors: string[] = []
  for (const condition of conditions) {
    const { value, error, isOutOfBudget } = runExpression(condition, bindings, budget)
    if (isOutOfBudget) return failurePolicy === 'Ignore' ? { matches: false } : { error }
    if (error !== undefined) errors.push(error)
    else if (value !== true) return { matches: false }
  }
  if (errors.length === 0) return { matches: true }
  if (failurePolicy === 'Ignore') return { matches: false }
  return { error: errors.length === 1 ? errors[0]! : `[${errors.join(', ')}]` }
}
