import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { checkEnum, checkRequired } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { defineKind, keepAllButStatusStrictly } from '../define-kind.ts'
import type { ValidatingAdmissionPolicy } from '../generated/types/admissionregistration-v1.ts'
import { applyMatchDefaults, paramKindText, validateMatchConditions, validateMatchResources, validateParamKind } from './match-resources.ts'

export const validatingAdmissionPolicies = defineKind<ValidatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicy',
  categories: ['api-extensions'],
  applyDefaults: ({ spec }) => {
    if (!spec) return
    spec.failurePolicy ??= 'Fail'
    if (spec.matchConstraints) applyMatchDefaults(spec.matchConstraints)
  },
  prepareForStatusUpdate: keepAllButStatusStrictly,
  validate: ({ spec }) => {
    const errors: FieldError[] = []
    if (spec?.failurePolicy !== undefined) checkEnum(errors, 'spec.failurePolicy', spec.failurePolicy, ['Fail', 'Ignore'])
    validateParamKind(errors, spec?.paramKind, 'spec.paramKind')
    if (!spec?.matchConstraints) errors.push(fieldErrors.required('spec.matchConstraints'))
    else {
      validateMatchResources(errors, spec.matchConstraints, 'spec.matchConstraints')
      if (!spec.matchConstraints.resourceRules?.length) errors.push(fieldErrors.required('spec.matchConstraints.resourceRules'))
    }
    if (!spec?.validations?.length && !spec?.auditAnnotations?.length) {
      errors.push(fieldErrors.required('spec.validations', 'validations or auditAnnotations must contain at least one item'))
      errors.push(fieldErrors.required('spec.auditAnnotations', 'validations or auditAnnotations must contain at least one item'))
    }
    spec?.validations?.forEach(({ expression }, i) => {
      if (!expression?.trim()) errors.push(fieldErrors.required(`spec.validations[${i}].expression`, 'expression is not specified'))
    })
    spec?.variables?.forEach(({ name, expression }, i) => {
      checkRequired(errors, `spec.variables[${i}].name`, name, 'name is not specified')
      checkRequired(errors, `spec.variables[${i}].expression`, expression?.trim(), 'expression is not specified')
    })
    spec?.auditAnnotations?.forEach(({ key, valueExpression }, i) => {
      checkRequired(errors, `spec.auditAnnotations[${i}].key`, key)
      checkRequired(errors, `spec.auditAnnotations[${i}].valueExpression`, valueExpression?.trim())
    })
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
