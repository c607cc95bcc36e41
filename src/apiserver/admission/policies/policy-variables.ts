import type { PolicyBase } from '../../../kinds/admissionregistration/compiled-policy.ts'
import { type Budget, runExpression, variablesType } from '../../../kinds/admissionregistration/expressions.ts'
import { EvaluationError } from '../../../machinery/cel/evaluation-error.ts'
import { lazyStruct, type Value } from '../../../machinery/cel/value.ts'
import type { Bindings } from '../dynamic/bindings.ts'

/** The bindings with `variables`, each computed when it is first asked for, within the same budget. */
export function withPolicyVariables({ variables, variableTypes }: PolicyBase, bindings: Bindings, budget: Budget): Bindings {
  const byName = new Map(variables.map(({ name, expression }) => [name, expression]))
  const all: { variables?: Value } & Record<string, Value | undefined> = { ...bindings }
  all.variables = lazyStruct(variablesType(variableTypes), (name) => {
    const expression = byName.get(name)
    if (!expression) return undefined
    if (!expression.program) throw new EvaluationError(`composited variable ${JSON.stringify(name)} fails to compile: ${expression.error}`)
    const outcome = runExpression(expression, all, budget)
    if (outcome.error !== undefined)
      throw new EvaluationError(`composited variable ${JSON.stringify(name)} fails to evaluate: ${outcome.cause}`)
    return outcome.value
  })
  return all
}
