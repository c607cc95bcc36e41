import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { canonicalizeQuantities } from '../canonical-quantities.ts'
import { type Errors, immutable } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { copyField, defineKind } from '../define-kind.ts'
import type { ResourceQuota, ResourceQuotaSpec, ScopedResourceSelectorRequirement } from '../generated/types/core-v1.ts'
import { validateResourceValue } from './pod-template/validate-resources.ts'
import { isStandardQuotaResource, validateQuotaResourceName } from './resource-name.ts'

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
    validateScopeSelector(errors, spec ?? {})
    return errors
  },
  validateUpdate: ({ spec }, { spec: old }) =>
    deepEqual([...(spec?.scopes ?? [])].sort(), [...(old?.scopes ?? [])].sort())
      ? []
      : [fieldErrors.invalid('spec.scopes', spec?.scopes, immutable)],
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
    validateQuotaResourceName(errors, name, at)
    validateResourceValue(errors, name, hard[name]!, at)
  }
}

function validateScopes(errors: Errors, spec: ResourceQuotaSpec): void {
  const { scopes: given = [] } = spec
  for (const scope of given) {
    if (!scopes.includes(scope)) errors.push(fieldErrors.invalid('spec.scopes', given, 'unsupported scope'))
    for (const _ of unfitFor(spec, scope)) errors.push(fieldErrors.invalid('spec.scopes', given, 'unsupported scope applied to resource'))
  }
  checkContradictions(errors, spec, given, 'spec.scopes')
}

/** What the quota limits beside what the scope allows. */
function unfitFor({ hard = {} }: ResourceQuotaSpec, scope: string): string[] {
  if (!scopes.includes(scope)) return []
  return Object.keys(hard)
    .sort()
    .filter((name) => isStandardQuotaResource(name) && !limitedBy(scope).includes(name))
}

function checkContradictions(errors: Errors, spec: ResourceQuotaSpec, given: readonly string[], path: string): void {
  for (const [a, b] of contradictions)
    if (given.includes(a) && given.includes(b)) errors.push(fieldErrors.invalid(path, spec.scopes, 'conflicting scopes'))
}

/** Upstream leaves the places of the expressions out of its paths. */
const selectorPath = 'spec.scopeSelector.matchExpressions'

function validateScopeSelector(errors: Errors, spec: ResourceQuotaSpec): void {
  const expressions = spec.scopeSelector?.matchExpressions ?? []
  for (const expression of expressions) {
    const { scopeName = '' } = expression as { scopeName?: string }
    if (!scopes.includes(scopeName)) errors.push(fieldErrors.invalid(`${selectorPath}.scopeName`, scopeName, 'unsupported scope'))
    for (const _ of unfitFor(spec, scopeName))
      errors.push(fieldErrors.invalid(selectorPath, shownSelector(expressions), 'unsupported scope applied to resource'))
    validateOperator(errors, expression)
  }
  checkContradictions(
    errors,
    spec,
    expressions.map(({ scopeName }) => scopeName),
    selectorPath,
  )
}

function validateOperator(errors: Errors, { scopeName, operator, values = [] }: ScopedResourceSelectorRequirement): void {
  const complain = (detail: string) => errors.push(fieldErrors.invalid(`${selectorPath}.operator`, operator ?? '', detail))
  if (plainScopes.includes(scopeName) && operator !== 'Exists')
    complain(
      "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
    )
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length > 0) return
    const detail = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
    errors.push(fieldErrors.required(`${selectorPath}.values`, detail))
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length === 0) return
    const detail = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
    errors.push(fieldErrors.invalid(`${selectorPath}.values`, values, detail))
  } else complain('not a valid selector operator')
}

/** As upstream's messages write it. */
function shownSelector(expressions: readonly ScopedResourceSelectorRequirement[]): object {
  const show = ({ scopeName, operator, values }: ScopedResourceSelectorRequirement) => ({
    ScopeName: scopeName,
    Operator: operator,
    Values: values ?? null,
  })
  return { MatchExpressions: expressions.map(show) }
}
