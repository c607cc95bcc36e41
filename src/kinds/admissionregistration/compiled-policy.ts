import { type CelType, celTypes } from '../../machinery/cel/cel-type.ts'
import type { Environment } from '../../machinery/cel/environment.ts'
import type { MatchCondition, ParamKind, Variable } from '../generated/types/admissionregistration-v1.ts'
import { compileExpression, type Expression, expressionEnvironment, type ExpressionScope, resultType } from './expressions.ts'

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
  const { makesMutations: _, ...plain } = scope
  const variableTypes: Record<string, CelType> = {}
  const variables: { name: string; expression: Expression }[] = []
  for (const { name, expression: text } of spec.variables ?? []) {
    const expression = compileExpression(expressionEnvironment({ ...plain, variables: variableTypes }), text)
    variables.push({ name, expression })
    variableTypes[name] = resultType(expression)
  }
  const conditions = compileConditions(expressionEnvironment(plain), spec.matchConditions)
  const environment = expressionEnvironment({ ...scope, variables: variableTypes })
  return { conditions, variables, variableTypes, environment, scope }
}

export function compileConditions(environment: Environment, conditions: readonly MatchCondition[] | undefined): readonly Expression[] {
  return (conditions ?? []).map(({ expression }) => compileExpression(environment, expression, [celTypes.bool]))
}
