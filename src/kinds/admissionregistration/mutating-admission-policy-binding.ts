import type { FieldError } from '../../machinery/field-error.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { countGeneration, defineKind, startGeneration } from '../define-kind.ts'
import type { MutatingAdmissionPolicyBinding } from '../generated/types/admissionregistration-v1.ts'
import { applyMatchDefaults, paramRefText, validateBindingMatch, validateMutatedOperations } from './match-resources.ts'

export const mutatingAdmissionPolicyBindings = defineKind<MutatingAdmissionPolicyBinding>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'MutatingAdmissionPolicyBinding',
  categories: ['api-extensions'],
  applyDefaults: ({ spec }) => {
    if (spec?.matchResources) applyMatchDefaults(spec.matchResources)
  },
  prepareForCreate: startGeneration,
  prepareForUpdate: countGeneration,
  validate: ({ spec }) => {
    const errors: FieldError[] = []
    validateBindingMatch(errors, spec)
    validateMutatedOperations(errors, spec?.matchResources, 'spec.matchResources')
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
