import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { qualifiedName } from '../../machinery/names.ts'
import { canonicalizeQuantities } from '../canonical-quantities.ts'
import { type Errors, immutable } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { copyField, defineKind } from '../define-kind.ts'
import type { ResourceQuota, ResourceQuotaSpec } from '../generated/types/core-v1.ts'
import { isStandardResource, validateResourceValue } from './pod-template/validate-resources.ts'

const scopes = [
  'Terminating',
  'NotTerminating',
  'BestEffort',
  'NotBestEffort',
  'PriorityClass',
  'CrossNamespacePodAffinity',
  'VolumeAttributesClass',
]
const podCounts = ['pods']
const podResources = [...podCounts, 'cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory']
const claimResources = ['persistentvolumeclaims', 'requests.storage']
/** What a quota with scopes may limit, beside names with a domain. */
const limitedBy = (scope: string) =>
  scope === 'BestEffort' ? podCounts : scope === 'VolumeAttributesClass' ? claimResources : podResources
/** Scopes in which an object is or is not: nothing to compare with. */
const plainScopes = ['Terminating', 'NotTerminating', 'BestEffort', 'NotBestEffort', 'CrossNamespacePodAffinity']
/** Scopes that no object can be in at once. */
const contradictions = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
] as const

export const resourceQuotas = defineKind<ResourceQuota>({
  group: '',
  version: 'v1',
  kind: 'ResourceQuota',
  shortNames: ['quota'],
  applyDefaults: ({ spec, status }) => {
    canonicalizeQuantities(spec?.hard)
    canonicalizeQuantities(status?.hard)
    canonicalizeQuantities(status?.used)
  },
  prepareForCreate: (quota) => {
    quota.status = {}
  },
  prepareForUpdate: (quota, old) => copyField(quota, old, 'status'),
  validate: ({ spec }) => {
    const errors: FieldError[] = []
    validateHard(errors, spec?.hard, 'spec.hard')
    validateScopes(errors, spec ?? {})
    return errors
  },
  validateUpdate: ({ spec }, { spec: old }) =>
    deepEqual([...(spec?.scopes ?? [])].sort(), [...(old?.scopes ?? [])].sort())
      ? []
      : [fieldErrors.invalid('spec.scopes', spec?.scopes ?? [], immutable)],
  validateStatusUpdate: ({ status }) => {
    const errors: FieldError[] = []
    validateHard(errors, status?.hard, 'status.hard')
    validateHard(errors, status?.used, 'status.used')
    return errors
  },
  columns: [
    nameColumn,
    column.string('Request', (quota) => usage(quota, false)),
    column.string('Limit', (quota) => usage(quota, true)),
    ageColumn,
  ],
})

/** `pods: 1/10, requests.cpu: 1/2`, limits apart from the rest. */
function usage({ status }: ResourceQuota, isLimit: boolean): string {
  return Object.keys(status?.hard ?? {})
    .sort()
    .filter((name) => name.startsWith('limits') === isLimit)
    .map((name) => `${name}: ${status?.used?.[name] ?? 0}/${status?.hard?.[name]}`)
    .join(', ')
}

function validateHard(errors: Errors, hard: Readonly<Record<string, string | number>> | undefined, path: string): void {
  for (const name in hard) {
    const at = `${path}[${name}]`
    const messages = qualifiedName(name)
    for (const message of messages) errors.push(fieldErrors.invalid(at, name, message))
    if (messages.length === 0 && !name.includes('/') && !isStandardResource(name))
      errors.push(fieldErrors.invalid(at, name, 'must be a standard resource for quota'))
    validateResourceValue(errors, name, hard[name]!, at)
  }
}

function validateScopes(errors: Errors, spec: ResourceQuotaSpec): void {
  const given = spec.scopes ?? []
  const unfit = (scope: string) =>
    Object.keys(spec.hard ?? {})
      .sort()
      .filter((name) => isStandardResource(name) && !limitedBy(scope).includes(name))
  for (const scope of given) {
    if (!scopes.includes(scope)) errors.push(fieldErrors.invalid('spec.scopes', given, 'unsupported scope'))
    for (const _ of unfit(scope)) errors.push(fieldErrors.invalid('spec.scopes', given, 'unsupported scope applied to resource'))
  }
  for (const [a, b] of contradictions)
    if (given.includes(a) && given.includes(b)) errors.push(fieldErrors.invalid('spec.scopes', given, 'conflicting scopes'))
  spec.scopeSelector?.matchExpressions?.forEach(({ scopeName, operator, values = [] }, i) => {
    const at = `spec.scopeSelector.matchExpressions[${i}]`
    if (!scopes.includes(scopeName)) errors.push(fieldErrors.invalid(`${at}.scopeName`, scopeName ?? '', 'unsupported scope'))
    for (const _ of unfit(scopeName))
      errors.push(fieldErrors.invalid('spec.scopeSelector.matchExpressions', spec.scopeSelector, 'unsupported scope applied to resource'))
    if (plainScopes.includes(scopeName) && operator !== 'Exists')
      errors.push(
        fieldErrors.invalid(
          `${at}.operator`,
          operator ?? '',
          "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
        ),
      )
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0)
        errors.push(
          fieldErrors.required(`${at}.values`, "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"),
        )
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length > 0)
        errors.push(
          fieldErrors.invalid(`${at}.values`, values, "must be no value when `operator` is 'Exists' or 'DoesNotExist' for scope selector"),
        )
    } else {
      errors.push(fieldErrors.invalid(`${at}.operator`, operator ?? '', 'not a valid selector operator'))
    }
  })
}
