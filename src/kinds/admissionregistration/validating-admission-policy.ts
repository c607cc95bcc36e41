import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { qualifiedName } from '../../machinery/names.ts'
import { checkRequired, type Errors } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { defineKind, keepAllButStatusStrictly } from '../define-kind.ts'
import type { AuditAnnotation, ValidatingAdmissionPolicy, Validation } from '../generated/types/admissionregistration-v1.ts'
import { applyPolicyDefaults, paramKindText, validateMatchConditions, validatePolicyMatch, validateVariables } from './match-resources.ts'

export const validatingAdmissionPolicies = defineKind<ValidatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicy',
  categories: ['api-extensions'],
  applyDefaults: ({ spec }) => applyPolicyDefaults(spec),
  prepareForStatusUpdate: keepAllButStatusStrictly,
  validate: ({ spec }) => {
    const errors: FieldError[] = []
    validatePolicyMatch(errors, spec)
    if (!spec?.validations?.length && !spec?.auditAnnotations?.length) {
      errors.push(fieldErrors.required('spec.validations', 'validations or auditAnnotations must contain at least one item'))
      errors.push(fieldErrors.required('spec.auditAnnotations', 'validations or auditAnnotations must contain at least one item'))
    }
    spec?.validations?.forEach((validation, i) => validateValidation(errors, validation, `spec.validations[${i}]`))
    validateVariables(errors, spec?.variables, 'spec.variables')
    validateAuditAnnotations(errors, spec?.auditAnnotations, 'spec.auditAnnotations')
    validateMatchConditions(errors, spec?.matchConditions, 'spec.matchConditions')
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

function validateValidation(errors: Errors, { expression, message, messageExpression, reason }: Validation, path: string): void {
  if (!expression?.trim()) errors.push(fieldErrors.required(`${path}.expression`, 'expression is not specified'))
  if (messageExpression !== undefined && messageExpression.trim() === '')
    errors.push(fieldErrors.invalid(`${path}.messageExpression`, messageExpression, 'must be non-empty if specified'))
  const text = message?.trim() ?? ''
  if (message !== undefined && text === '') errors.push(fieldErrors.invalid(`${path}.message`, message, 'must be non-empty if specified'))
  else if (text.includes('\n')) errors.push(fieldErrors.invalid(`${path}.message`, message, 'must not contain line breaks'))
  if (reason !== undefined && !reasons.includes(reason)) errors.push(fieldErrors.notSupported(`${path}.reason`, reason, reasons))
}

function validateAuditAnnotations(errors: Errors, annotations: readonly AuditAnnotation[] = [], path: string): void {
  if (annotations.length > auditAnnotationsMax)
    errors.push(fieldErrors.invalid(path, annotations.length, `must not have more than ${auditAnnotationsMax} auditAnnotations`))
  annotations.forEach(({ key, valueExpression }, i) => {
    const at = `${path}[${i}]`
    if (checkRequired(errors, `${at}.key`, key))
      for (const message of qualifiedName(key)) errors.push(fieldErrors.invalid(`${at}.key`, key, message))
    if (annotations.findIndex((other) => other.key === key) < i) errors.push(fieldErrors.duplicate(`${at}.key`, key))
    const text = valueExpression?.trim()
    if (checkRequired(errors, `${at}.valueExpression`, text) && Buffer.byteLength(text) > expressionBytesMax)
      errors.push(fieldErrors.required(`${at}.valueExpression`, `must not exceed ${expressionBytesMax} bytes in length`))
  })
}
