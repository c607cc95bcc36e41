/** Every expression of a webhook configuration or policy, compiled: its place, its text, and what is wrong with it. */
import type {
  MatchCondition,
  MutatingAdmissionPolicySpec,
  ValidatingAdmissionPolicySpec,
} from '../../../kinds/generated/types/admissionregistration-v1.ts'
import { celTypes } from '../../../machinery/cel/cel-type.ts'
import { compileConditions } from '../dynamic/conditions.ts'
import { compileExpression, type Expression, expressionEnvironment, type ExpressionScope } from '../dynamic/expressions.ts'
import { compileBase, mutationTypes, type PolicySpec } from './compiled-policy.ts'

export type PlacedExpression = { readonly field: string; readonly expression: Expression }
type Types = Pick<ExpressionScope, 'objectType' | 'paramsType'>

export function webhookExpressions(webhooks: readonly { readonly matchConditions?: readonly MatchCondition[] }[]): PlacedExpression[] {
  const environment = expressionEnvironment({ hasAuthorizer: true })
  return webhooks.flatMap(({ matchConditions }, i) =>
    compileConditions(environment, matchConditions).map((expression, k) => ({
      field: `webhooks[${i}].matchConditions[${k}].expression`,
      expression,
    })),
  )
}

function baseExpressions(base: ReturnType<typeof compileBase>): PlacedExpression[] {
  return [
    ...base.variables.map(({ expression }, i) => ({ field: `spec.variables[${i}].expression`, expression })),
    ...base.conditions.map((expression, i) => ({ field: `spec.matchConditions[${i}].expression`, expression })),
  ]
}

export function validatingExpressions(spec: ValidatingAdmissionPolicySpec & PolicySpec, types: Types = {}): PlacedExpression[] {
  const base = compileBase(spec, types)
  const messages = expressionEnvironment({ ...base.scope, hasAuthorizer: false, variables: base.variableTypes })
  const validations = (spec.validations ?? []).flatMap(({ expression, messageExpression }, i) => [
    { field: `spec.validations[${i}].expression`, expression: compileExpression(base.environment, expression, [celTypes.bool]) },
    ...(messageExpression
      ? [
          {
            field: `spec.validations[${i}].messageExpression`,
            expression: compileExpression(messages, messageExpression, [celTypes.string]),
          },
        ]
      : []),
  ])
  const annotations = (spec.auditAnnotations ?? []).map(({ valueExpression }, i) => ({
    field: `spec.auditAnnotations[${i}].valueExpression`,
    expression: compileExpression(base.environment, valueExpression, [celTypes.string, celTypes.null]),
  }))
  return [...baseExpressions(base), ...validations, ...annotations]
}

export function mutatingExpressions(spec: MutatingAdmissionPolicySpec & PolicySpec): PlacedExpression[] {
  const base = compileBase(spec, { makesMutations: true })
  const mutations = (spec.mutations ?? []).map(({ patchType, applyConfiguration, jsonPatch }, i) => {
    const isPatch = patchType === 'JSONPatch'
    const text = (isPatch ? jsonPatch?.expression : applyConfiguration?.expression) ?? ''
    const results = [isPatch ? mutationTypes.patches : mutationTypes.object]
    const field = `spec.mutations[${i}].${isPatch ? 'jsonPatch' : 'applyConfiguration'}.expression`
    return { field, expression: compileExpression(base.environment, text, results) }
  })
  return [...baseExpressions(base), ...mutations]
}
