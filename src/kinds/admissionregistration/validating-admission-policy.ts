import { celTypes } from '../../machinery/cel/cel-type.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { qualifiedName } from '../../machinery/names.ts'
import { checkRequired, type Errors } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { defineKind, keepAllButStatusStrictly } from '../define-kind.ts'
import type { AuditAnnotation, ValidatingAdmissionPolicy, Validation } from '../generated/types/admissionregistration-v1.ts'
import { expressionEnvironment, type ExpressionScope } from './expressions.ts'
import { applyPolicyDefaults, paramKindText, validatePolicyMatch } from './match-resources.ts'
import { checkExpression, haveConditionsChanged, validateMatchConditions, validateVariables } from './policy-expressions.ts'

export const validatingAdmissionPolicies = defineKind<ValidatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicy',
  categories: ['api-extensions'],
  applyDefaults: ({ spec }) => applyPolicyDefaults(spec),
  prepareForStatusUpdate: keepAllButStatusStrictly,
  validate: ({ metadata, spec = {} }, old) => {
    const errors: FieldError[] = []
    const path = 'spec.matchConditions'
    validatePolicyMatch(errors, spec)
    const hasParams = spec.paramKind !== undefined
    if (!old || haveConditionsChanged(spec, old.spec)) validateMatchConditions(errors, spec.matchConditions, { path, hasParams })
    const scope: ExpressionScope = { hasParams, hasAuthorizer: true }
    const variables = validateVariables(errors, spec.variables, { path: 'spec.variables', scope })
    const inner = spec.variables?.length ? { ...scope, variables } : scope
    if (!spec.validations?.length && !spec.auditAnnotations?.length) {
      errors.push(fieldErrors.required('spec.validations', 'validations or auditAnnotations must contain at least one item'))
      errors.push(fieldErrors.required('spec.auditAnnotations', 'validations or auditAnnotations must contain at least one item'))
    }
    spec.validations?.forEach((validation, i) => validateValidation(errors, validation, { path: `spec.validations[${i}]`, scope: inner }))
    validateAuditAnnotations(errors, spec.auditAnnotations, { policy: metadata.name ?? '', scope: inner })
    return errors
  },
  columns: [
    nameColumn,
    column.integer('Validations', ({ spec }) => spec?.validations?.length ?? 0),
    column.string('ParamKind', ({ spec }) => paramKindText(spec?.paramKind)),
    ageColumn,
  ],
  allowUnconditionalUpdate: false,
})

const reasons = ['Forbidden', 'Invalid', 'RequestEntityTooLarge']
const auditAnnotationsMax = 20
const expressionBytesMax = 5 * 1024

function validateValidation(
  errors: Errors,
  { expression, message, messageExpression, reason }: Validation,
  { path, scope }: { readonly path: string; readonly scope: ExpressionScope },
): void {
  if (!expression?.trim()) errors.push(fieldErrors.required(`${path}.expression`, 'expression is not specified'))
  else
    checkExpression(errors, `${path}.expression`, { environment: expressionEnvironment(scope), text: expression, results: [celTypes.bool] })
  if (messageExpression) {
    const environment = expressionEnvironment({ ...scope, hasAuthorizer: false })
    if (messageExpression.trim() === '')
      errors.push(fieldErrors.invalid(`${path}.messageExpression`, messageExpression, 'must be non-empty if specified'))
    else checkExpression(errors, `${path}.messageExpression`, { environment, text: messageExpression, results: [celTypes.string] })
  }
  const text = message?.trim() ?? ''
  if (message && text === '') errors.push(fieldErrors.invalid(`${path}.message`, message, 'must be non-empty if specified'))
  else if (/[\r\n]/.test(text)) errors.push(fieldErrors.invalid(`${path}.message`, message, 'must not contain line breaks'))
  if (reason !== undefined && !reasons.includes(reason)) errors.push(fieldErrors.notSupported(`${path}.reason`, reason, reasons))
}

function validateAuditAnnotations(
  errors: Errors,
  annotations: readonly AuditAnnotation[] = [],
  { policy, scope }: { readonly policy: string; readonly scope: ExpressionScope },
): void {
  const path = 'spec.auditAnnotations'
  if (annotations.length > auditAnnotationsMax)
    errors.push(fieldErrors.invalid(path, annotations, `must not have more than ${auditAnnotationsMax} auditAnnotations`))
  annotations.forEach(({ key = '', valueExpression = '' }: Partial<AuditAnnotation>, i) => {
    const at = `${path}[${i}]`
    if (policy === '') errors.push(fieldErrors.invalid(`${at}.key`, key, 'requires metadata.name be non-empty'))
    else for (const message of qualifiedName(`${policy}/${key}`)) errors.push(fieldErrors.invalid(`${at}.key`, `${policy}/${key}`, message))
    const text = valueExpression.trim()
    if (checkRequired(errors, `${at}.valueExpression`, text, 'valueExpression is not specified')) {
      if (Buffer.byteLength(text) > expressionBytesMax)
        errors.push(fieldErrors.required(`${at}.valueExpression`, `must not exceed ${expressionBytesMax} bytes in length`))
      else
        checkExpression(errors, `${at}.valueExpression`, {
          environment: expressionEnvironment(scope),
          text,
          results: [celTypes.string, celTypes.null],
          shown: valueExpression,
        })
    }
    if (annotations.findIndex((other) => (other.key ?? '') === key) < i) errors.push(fieldErrors.duplicate(`${at}.key`, key))
  })
}
