import type { CelType } from '../../machinery/cel/cel-type.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { checkEnum, checkRequired, type Errors } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { countGeneration, defineKind, startGeneration } from '../define-kind.ts'
import type { MutatingAdmissionPolicy, Mutation } from '../generated/types/admissionregistration-v1.ts'
import { mutationTypes } from './compiled-policy.ts'
import { expressionEnvironment, type ExpressionScope } from './expressions.ts'
import { applyPolicyDefaults, paramKindText, validateMutatedOperations, validatePolicyMatch } from './match-resources.ts'
import { checkExpression, haveConditionsChanged, validateMatchConditions, validateVariables } from './policy-expressions.ts'

export const mutatingAdmissionPolicies = defineKind<MutatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'MutatingAdmissionPolicy',
  categories: ['api-extensions'],
  applyDefaults: ({ spec }) => applyPolicyDefaults(spec),
  prepareForCreate: startGeneration,
  prepareForUpdate: countGeneration,
  validate: ({ spec = {} }, old) => {
    const errors: FieldError[] = []
    const path = 'spec.matchConditions'
    validatePolicyMatch(errors, spec)
    validateMutatedOperations(errors, spec.matchConstraints, 'spec.matchConstraints')
    const hasParams = spec.paramKind !== undefined
    if (!old || haveConditionsChanged(spec, old.spec)) validateMatchConditions(errors, spec.matchConditions, { path, hasParams })
    const scope: ExpressionScope = { hasParams, hasAuthorizer: true }
    const variables = validateVariables(errors, spec.variables, { path: 'spec.variables', scope })
    if (!spec.mutations?.length) errors.push(fieldErrors.required('spec.mutations', 'mutations must contain at least one item'))
    const inner = { ...scope, variables, makesMutations: true }
    spec.mutations?.forEach((mutation, i) => validateMutation(errors, mutation, { path: `spec.mutations[${i}]`, scope: inner }))
    checkEnum(errors, 'spec.reinvocationPolicy', spec.reinvocationPolicy, ['IfNeeded', 'Never'])
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

type At = { readonly path: string; readonly scope: ExpressionScope }

function validateMutation(errors: Errors, { patchType, applyConfiguration, jsonPatch }: Mutation, { path, scope }: At): void {
  if (patchType === 'ApplyConfiguration') {
    const at = { path: `${path}.applyConfiguration`, scope }
    if (applyConfiguration) checkMutation(errors, applyConfiguration.expression, mutationTypes.object, at)
    else errors.push(fieldErrors.required(at.path, 'must be specified when patchType is ApplyConfiguration'))
    if (jsonPatch)
      errors.push(fieldErrors.invalid(`${path}.jsonPatch`, '{jsonPatch}', 'must not be specified when patchType is ApplyConfiguration'))
  } else if (patchType === 'JSONPatch') {
    const at = { path: `${path}.jsonPatch`, scope }
    if (jsonPatch) checkMutation(errors, jsonPatch.expression, mutationTypes.patches, at)
    else errors.push(fieldErrors.required(at.path, 'must be specified when patchType is JSONPatch'))
    if (applyConfiguration)
      errors.push(
        fieldErrors.invalid(`${path}.applyConfiguration`, '{applyConfiguration}', 'must not be specified when patchType is JSONPatch'),
      )
  } else {
    checkEnum(errors, `${path}.patchType`, patchType, ['ApplyConfiguration', 'JSONPatch'])
  }
}

function checkMutation(errors: Errors, expression: string | undefined, result: CelType, { path, scope }: At): void {
  const text = expression?.trim() ?? ''
  if (checkRequired(errors, `${path}.expression`, text))
    checkExpression(errors, `${path}.expression`, { environment: expressionEnvironment(scope), text, results: [result] })
}
