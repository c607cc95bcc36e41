import type { MatchCondition } from '../../../kinds/generated/types/admissionregistration-v1.ts'
import { celTypes } from '../../../machinery/cel/cel-type.ts'
import type { Environment } from '../../../machinery/cel/environment.ts'
import type { Bindings } from './bindings.ts'
import { type Budget, compileExpression, type Expression, runExpression } from './expressions.ts'

export type ConditionsOutcome =
  | { readonly matches: boolean; readonly error?: undefined }
  | { readonly matches?: undefined; readonly error: string }

export function compileConditions(environment: Environment, conditions: readonly MatchCondition[] | undefined): readonly Expression[] {
  return (conditions ?? []).map(({ expression }) => compileExpression(environment, expression, [celTypes.bool]))
}

/** All hold, or one does not; an error counts only where none is false, and then as the failure policy says. */
export function runConditions(
  conditions: readonly Expression[],
  bindings: Bindings,
  { budget, failurePolicy }: { readonly budget: Budget; readonly failurePolicy: 'Fail' | 'Ignore' | undefined },
): ConditionsOutcome {
  const errors: string[] = []
  for (const condition of conditions) {
    const { value, error } = runExpression(condition, bindings, budget)
    if (error !== undefined) errors.push(error)
    else if (value !== true) return { matches: false }
  }
  if (errors.length === 0) return { matches: true }
  if (failurePolicy === 'Ignore') return { matches: false }
  return { error: errors.length === 1 ? errors[0]! : `[${errors.join(', ')}]` }
}
