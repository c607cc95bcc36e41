/** One validating policy on one request: its expressions, run. Loaded with the first policy. */
import type { AuditAnnotation, ValidatingAdmissionPolicy, Validation } from '../../../kinds/generated/types/admissionregistration-v1.ts'
import { celTypes } from '../../../machinery/cel/cel-type.ts'
import type { Bindings } from '../dynamic/bindings.ts'
import { runConditions } from '../dynamic/conditions.ts'
import {
  type Budget,
  compileExpression,
  type Expression,
  expressionEnvironment,
  requestCostMax,
  runExpression,
} from '../dynamic/expressions.ts'
import { compileBase, type PolicyBase, withPolicyVariables } from './compiled-policy.ts'

type Compiled = {
  readonly base: PolicyBase
  readonly validations: readonly {
    readonly validation: Validation
    readonly expression: Expression
    readonly message: Expression | undefined
  }[]
  readonly annotations: readonly { readonly annotation: AuditAnnotation; readonly expression: Expression }[]
}

export type Denial = { readonly message: string; readonly reason: string /** Which validation; -1: none. */; readonly index: number }
export type Judgement = {
  readonly denials: readonly Denial[]
  readonly annotations: readonly { readonly key: string; readonly value: string }[]
}

const messageBytesMax = 5 * 1024
const compiled = new WeakMap<object, Compiled>()

function compile(policy: ValidatingAdmissionPolicy): Compiled {
  const known = compiled.get(policy)
  if (known) return known
  const { spec = {} } = policy
  const base = compileBase(spec)
  const messages = expressionEnvironment({ ...base.scope, hasAuthorizer: false, variables: base.variableTypes })
  const result: Compiled = {
    base,
    validations: (spec.validations ?? []).map((validation) => ({
      validation,
      expression: compileExpression(base.environment, validation.expression, [celTypes.bool]),
      message: validation.messageExpression?.trim()
        ? compileExpression(messages, validation.messageExpression, [celTypes.string])
        : undefined,
    })),
    annotations: (spec.auditAnnotations ?? []).map((annotation) => ({
      annotation,
      expression: compileExpression(base.environment, annotation.valueExpression, [celTypes.string, celTypes.null]),
    })),
  }
  compiled.set(policy, result)
  return result
}

/** What the policy says with one object of parameters. Errors are denials where its failure policy says so. */
export function validateByPolicy(policy: ValidatingAdmissionPolicy, bindings: Bindings): Judgement {
  const { base, validations, annotations } = compile(policy)
  const failurePolicy = policy.spec?.failurePolicy ?? 'Fail'
  const budget: Budget = { left: requestCostMax }
  const failed = (message: string, index: number): Denial[] => (failurePolicy === 'Ignore' ? [] : [{ message, reason: '', index }])
  const conditions = runConditions(base.conditions, bindings, { budget, failurePolicy })
  if (conditions.error !== undefined) return { denials: failed(conditions.error, -1), annotations: [] }
  if (!conditions.matches) return { denials: [], annotations: [] }
  const all = withPolicyVariables(base, bindings, budget)
  const denials = validations.flatMap(({ validation, expression, message }, index): Denial[] => {
    const { value, error } = runExpression(expression, all, budget)
    if (error !== undefined) return failed(error, index)
    if (value === true) return []
    return [{ message: denialMessage(validation, message, all, budget), reason: validation.reason ?? '', index }]
  })
  const noted: { key: string; value: string }[] = []
  for (const { annotation, expression } of annotations) {
    const { value, error } = runExpression(expression, all, budget)
    if (error !== undefined) denials.push(...failed(error, -1))
    else if (typeof value === 'string' && value.trim() !== '') noted.push({ key: annotation.key, value: value.trim() })
  }
  return { denials, annotations: noted }
}

function denialMessage({ message = '', expression }: Validation, made: Expression | undefined, bindings: Bindings, budget: Budget): string {
  const value = made && runExpression(made, bindings, budget).value
  if (typeof value === 'string') {
    const text = value.trim()
    if (text !== '' && !text.includes('\n') && Buffer.byteLength(text) <= messageBytesMax) return text
  }
  return message.trim() || `failed expression: ${expression.trim()}`
}
