import type { MatchCondition, ParamKind, Variable } from '../../../kinds/generated/types/admissionregistration-v1.ts'
import { type CelType, celTypes } from '../../../machinery/cel/cel-type.ts'
import type { Environment } from '../../../machinery/cel/environment.ts'
import { EvaluationError } from '../../../machinery/cel/evaluation-error.ts'
import { lazyStruct, type Value } from '../../../machinery/cel/value.ts'
import type { Bindings } from '../dynamic/bindings.ts'
import { compileConditions } from '../dynamic/conditions.ts'
import {
  type Budget,
  compileExpression,
  type Expression,
  expressionEnvironment,
  type ExpressionScope,
  resultType,
  runExpression,
  variablesType,
} from '../dynamic/expressions.ts'

/** What validating and mutating policies have in common. */
export type PolicyBase = {
  readonly conditions: readonly Expression[]
  readonly variables: readonly { readonly name: string; readonly expression: Expression }[]
  readonly variableTypes: Readonly<Record<string, CelType>>
  /** The environment of the policy's own expressions, its variables among them. */
  readonly environment: Environment
  readonly scope: ExpressionScope
}

export type PolicySpec = {
  readonly paramKind?: ParamKind
  readonly variables?: readonly Variable[]
  readonly matchConditions?: readonly MatchCondition[]
}

/** What mutations evaluate to. */
export const mutationTypes = {
  object: { kind: 'object', name: 'Object', fields: new Map() } as CelType,
  patches: celTypes.list({ kind: 'object', name: 'JSONPatch', fields: new Map() }) as CelType,
}

/** Compiles conditions and variables, each variable seeing those before it. `types` are those of a type check. */
export function compileBase(
  spec: PolicySpec,
  types: Pick<ExpressionScope, 'objectType' | 'paramsType' | 'makesMutations'> = {},
): PolicyBase {
  const scope: ExpressionScope = { ...types, hasParams: spec.paramKind !== undefined, hasAuthorizer: true }
  const variableTypes: Record<string, CelType> = {}
  const variables: { name: string; expression: Expression }[] = []
  for (const { name, expression: text } of spec.variables ?? []) {
    const expression = compileExpression(expressionEnvironment({ ...scope, variables: variableTypes }), text)
    variables.push({ name, expression })
    variableTypes[name] = resultType(expression)
  }
  const conditions = compileConditions(expressionEnvironment(scope), spec.matchConditions?.slice())
  const environment = expressionEnvironment({ ...scope, variables: variableTypes })
  return { conditions, variables, variableTypes, environment, scope }
}

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
      throw new EvaluationError(`composited variable ${JSON.stringify(name)} fails to evaluate: ${outcome.error}`)
    return outcome.value
  })
  return all
}
