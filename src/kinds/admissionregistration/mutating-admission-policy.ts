import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { checkEnum, checkRequired, type Errors } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { countGeneration, defineKind, startGeneration } from '../define-kind.ts'
import type { MutatingAdmissionPolicy, Mutation } from '../generated/types/admissionregistration-v1.ts'
import { applyPolicyDefaults, paramKindText, validateMatchConditions, validatePolicyMatch, validateVariables } from './match-resources.ts'

export const mutatingAdmissionPolicies = defineKind<MutatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'MutatingAdmissionPolicy',
  categories: ['api-extensions'],
  applyDefaults: ({ spec }) => applyPolicyDefaults(spec),
  prepareForCreate: startGeneration,
  prepareForUpdate: countGeneration,
  validate: ({ spec }) => {
    const errors: FieldError[] = []
    validatePolicyMatch(errors, spec)
    if (!spec?.mutations?.length) errors.push(fieldErrors.required('spec.mutations', 'mutations must contain at least one item'))
    spec?.mutations?.forEach((mutation, i) => validateMutation(errors, mutation, `spec.mutations[${i}]`))
    checkEnum(errors, 'spec.reinvocationPolicy', spec?.reinvocationPolicy, ['IfNeeded', 'Never'])
    validateVariables(errors, spec?.variables, 'spec.variables')
    validateMatchConditions(errors, spec?.matchConditions, 'spec.matchConditions')
    return errors
  },
  columns: [
    nameColumn,
    column.integer('Mutations', ({ spec }) => spec?.mutations?.length ?? 0),
    column.string('ParamKind', ({ spec }) => paramKindText(spec?.paramKind)),
    ageColumn,
  ],
  allowUnconditionalUpdate: false,
})

function validateMutation(errors: Errors, { patchType, applyConfiguration, jsonPatch }: Mutation, path: string): void {
  if (patchType === 'ApplyConfiguration') {
    if (applyConfiguration) checkRequired(errors, `${path}.applyConfiguration.expression`, applyConfiguration.expression?.trim())
    else errors.push(fieldErrors.required(`${path}.applyConfiguration`, 'must be specified when patchType is ApplyConfiguration'))
    if (jsonPatch)
      errors.push(fieldErrors.invalid(`${path}.jsonPatch`, '{jsonPatch}', 'must not be specified when patchType is ApplyConfiguration'))
  } else if (patchType === 'JSONPatch') {
    if (jsonPatch) checkRequired(errors, `${path}.jsonPatch.expression`, jsonPatch.expression?.trim())
    else errors.push(fieldErrors.required(`${path}.jsonPatch`, 'must be specified when patchType is JSONPatch'))
    if (applyConfiguration)
      errors.push(
        fieldErrors.invalid(`${path}.applyConfiguration`, '{applyConfiguration}', 'must not be specified when patchType is JSONPatch'),
      )
  } else {
    checkEnum(errors, `${path}.patchType`, patchType, ['ApplyConfiguration', 'JSONPatch'])
  }
}
