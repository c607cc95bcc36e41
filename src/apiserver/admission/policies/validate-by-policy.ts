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
  type Outcome,
  requestCostMax,
  runExpression,
} from '../../../kinds/admissionregistration/expressions.ts'
import { compileBase, type PolicyBase } from '../../../kinds/admissionregistration/compiled-policy.ts'
import { type Check, checkErrorOf } from './policy-metrics.ts'
import { withPolicyVariables } from './policy-variables.ts'

type Compiled = {
  readonly base: PolicyBase
  readonly validations: readonly {
    readonly validation: Validation
    readonly expression: Expression
    readonly message: Expression | undefined
  }[]
  readonly annotations: readonly { readonly annotation: AuditAnnotation; readonly expression: Expression }[]
}

export type Denial = {
  readonly message: string
  readonly reason: string
  /** Which validation; 0 also where all failed at once. */
  readonly index: number
  readonly check: Check
}
export type Judgement = {
  readonly denials: readonly Denial[]
  readonly annotations: readonly { readonly key: string; readonly value: string }[]
  /** Expressions that failed and let the request pass all the same. */
  readonly ignored: readonly Check[]
  /** Of annotations that could not be told: denials, also where bindings only warn. */
  readonly faults: readonly string[]
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

/** What the policy says with one object of parameters. Errors are denials where its failure policy says so. `nowMs`: a clock to time it by. */
export function validateByPolicy(policy: ValidatingAdmissionPolicy, bindings: Bindings, nowMs: () => number): Judgement {
  const { base, validations, annotations } = compile(policy)
  const failurePolicy = policy.spec?.failurePolicy ?? 'Fail'
  const ignored: Check[] = []
  const failed = (message: string, index: number, check: Check): Denial[] => {
    if (failurePolicy !== 'Ignore') return [{ message, reason: '', index, check }]
    ignored.push(check)
    return []
  }
  const conditions = runConditions(base.conditions, bindings, failurePolicy)
  const nothing = { annotations: [], faults: [], ignored }
  if (conditions.error !== undefined) return { denials: failed(conditions.error, 0, { error: 'invalid_error', tookMs: 0 }), ...nothing }
  if (!conditions.matches) return { denials: [], ...nothing }
  const budget: Budget = { left: requestCostMax }
  const all = withPolicyVariables(base, bindings, budget)
  const outcomes: { readonly outcome: Outcome; readonly check: Check }[] = []
  for (const { expression } of validations) {
    const fromMs = nowMs()
    const outcome = runExpression(expression, all, budget)
    const check = { error: checkErrorOf(expression, outcome), tookMs: nowMs() - fromMs }
    if (outcome.isOutOfBudget) return { denials: failed(outcome.error, 0, check), ...nothing }
    outcomes.push({ outcome, check })
  }
  const denials = outcomes.flatMap(({ outcome: { value, error }, check }, index): Denial[] => {
    if (error !== undefined) return failed(error, index, check)
    if (value === true) return []
    const { validation, message } = validations[index]!
    return [{ message: denialMessage(validation, message, all, budget), reason: validation.reason ?? '', index, check }]
  })
  return { denials, ignored, ...annotate(base, annotations, bindings, failurePolicy) }
}

/** What is noted has a budget of its own. A value that cannot be told is a denial whatever the bindings say. */
function annotate(
  base: PolicyBase,
  annotations: Compiled['annotations'],
  bindings: Bindings,
  failurePolicy: 'Fail' | 'Ignore',
): Pick<Judgement, 'annotations' | 'faults'> {
  const budget: Budget = { left: requestCostMax }
  const all = withPolicyVariables(base, bindings, budget)
  const noted: { key: string; value: string }[] = []
  const faults: string[] = []
  for (const { annotation, expression } of annotations) {
    const { value, error } = runExpression(expression, all, budget)
    if (error !== undefined) faults.push(...(failurePolicy === 'Ignore' ? [] : [error]))
    else if (typeof value === 'string' && value.trim() !== '') noted.push({ key: annotation.key, value: value.trim() })
  }
  return { annotations: noted, faults }
}

function denialMessage({ message = '', expression }: Validation, made: Expression | undefined, bindings: Bindings, budget: Budget): string {
  const value = made && runExpression(made, bindings, budget).value
  if (typeof value === 'string') {
    const text = value.trim()
    if (text !== '' && !text.includes('\n') && Buffer.byteLength(text) <= messageBytesMax) return text
  }
  return message.trim() || `failed expression: ${expression.trim()}`
}
