import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { countGeneration, defineKind, startGeneration } from '../define-kind.ts'
import type { ValidatingAdmissionPolicyBinding } from '../generated/types/admissionregistration-v1.ts'
import { applyMatchDefaults, paramRefText, validateBindingMatch } from './match-resources.ts'

export const validatingAdmissionPolicyBindings = defineKind<ValidatingAdmissionPolicyBinding>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicyBinding',
  categories: ['api-extensions'],
  applyDefaults: ({ spec }) => {
    if (spec?.matchResources) applyMatchDefaults(spec.matchResources)
  },
  prepareForCreate: startGeneration,
  prepareForUpdate: countGeneration,
  validate: ({ spec }) => {
    const errors: FieldError[] = []
    validateBindingMatch(errors, spec)
    const actions = spec?.validationActions ?? []
    if (actions.length === 0) errors.push(fieldErrors.required('spec.validationActions', 'at least one validation action is required'))
    actions.forEach((action, i) => {
      const at = `spec.validationActions[${i}]`
      if (action !== 'Audit' && action !== 'Deny' && action !== 'Warn')
        errors.push(fieldErrors.notSupported(at, action, ['Audit', 'Deny', 'Warn']))
      if (actions.indexOf(action) < i) errors.push(fieldErrors.duplicate(at, action))
    })
    if (actions.includes('Deny') && actions.includes('Warn'))
      errors.push(
        fieldErrors.invalid(
          'spec.validationActions',
          actions,
          'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
        ),
      )
    return errors
  },
  columns: [
    nameColumn,
    column.string('PolicyName', ({ spec }) => spec?.policyName ?? ''),
    column.string('ParamRef', ({ spec }) => paramRefText(spec?.paramRef)),
    ageColumn,
  ],
  allowUnconditionalUpdate: false,
})
