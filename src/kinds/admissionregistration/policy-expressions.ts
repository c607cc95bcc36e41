import { type CelType, celTypes } from '../../machinery/cel/cel-type.ts'
import type { Environment } from '../../machinery/cel/environment.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { fieldErrors } from '../../machinery/field-error.ts'
import { qualifiedName } from '../../machinery/names.ts'
import { checkRequired, type Errors } from '../checks.ts'
import type { MatchCondition, Variable } from '../generated/types/admissionregistration-v1.ts'
import type { PolicySpec } from './compiled-policy.ts'
import { compileExpression, type Expression, expressionEnvironment, type ExpressionScope, resultType } from './expressions.ts'

const conditionsMax = 64

/** Compiles an expression and notes at `field` what is wrong with it, as part of `shown`. */
export function checkExpression(
  errors: Errors,
  field: string,
  check: { readonly environment: Environment; readonly text: string; readonly results?: readonly CelType[]; readonly shown?: string },
): Expression {
  const { environment, text, results, shown = text } = check
  const expression = compileExpression(environment, text, results)
  if (expression.error !== undefined) errors.push(fieldErrors.invalid(field, shown, expression.error))
  return expression
}

/** Of webhooks and policies. */
export function validateMatchConditions(
  errors: Errors,
  conditions: readonly MatchCondition[] | undefined,
  { path, hasParams = false }: { readonly path: string; readonly hasParams?: boolean },
): void {
  if (!conditions?.length) return
  if (conditions.length > conditionsMax) errors.push(fieldErrors.tooMany(path, conditions.length, conditionsMax))
  const environment = expressionEnvironment({ hasAuthorizer: true, hasParams })
  conditions.forEach(({ name, expression }, i) => {
    const at = `${path}[${i}]`
    const text = expression?.trim() ?? ''
    if (checkRequired(errors, `${at}.expression`, text))
      checkExpression(errors, `${at}.expression`, { environment, text, results: [celTypes.bool] })
    if (checkRequired(errors, `${at}.name`, name))
      for (const message of qualifiedName(name)) errors.push(fieldErrors.invalid(`${at}.name`, name, message))
    if (name && conditions.findIndex((c) => c.name === name) < i) errors.push(fieldErrors.duplicate(`${at}.name`, name))
  })
}

/** Conditions that stand already are judged anew only with another kind of parameters. */
export function haveConditionsChanged(spec: PolicySpec, old: PolicySpec | undefined): boolean {
  return !deepEqual(spec.paramKind, old?.paramKind) || !deepEqual(spec.matchConditions, old?.matchConditions)
}

const identifier = /^[A-Za-z_][A-Za-z0-9_]*$/
const reserved = new Set(
  'as break const continue else false for function if import in let loop null package namespace return true var void while'.split(' '),
)

/** A policy's variables, each of which sees those before it. Gives their types; of one that does not compile, any. */
export function validateVariables(
  errors: Errors,
  variables: readonly Variable[] = [],
  { path, scope }: { readonly path: string; readonly scope: ExpressionScope },
): Readonly<Record<string, CelType>> {
  const types: Record<string, CelType> = {}
  variables.forEach(({ name, expression }, i) => {
    const at = `${path}[${i}]`
    if (checkRequired(errors, `${at}.name`, name?.trim(), 'name is not specified') && (!identifier.test(name) || reserved.has(name)))
      errors.push(fieldErrors.invalid(`${at}.name`, name, 'must be a valid CEL identifier'))
    if (!checkRequired(errors, `${at}.expression`, expression?.trim(), 'expression is not specified')) return
    const environment = expressionEnvironment({ ...scope, variables: { ...types } })
    types[name] = resultType(checkExpression(errors, `${at}.expression`, { environment, text: expression }))
  })
  return types
}
