import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { validateLabelSelector } from '../../machinery/label-selector.ts'
import { dns1035Label, dns1123Subdomain, pathSegmentName } from '../../machinery/names.ts'
import { checkEnum, checkRequired, type Errors } from '../checks.ts'
import type { MatchResources, NamedRuleWithOperations, ParamRef, RuleWithOperations } from '../generated/types/admissionregistration-v1.ts'
import type { LabelSelector } from '../generated/types/meta-v1.ts'

const operations = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE']
const scopes = ['*', 'Cluster', 'Namespaced']

/** What webhooks and policies look at: fills what is left out. */
export function applyMatchDefaults(match: MatchResources): void {
  match.matchPolicy ??= 'Equivalent'
  match.namespaceSelector ??= {}
  match.objectSelector ??= {}
  applyRuleDefaults(match.resourceRules)
  applyRuleDefaults(match.excludeResourceRules)
}

export function applyRuleDefaults(rules: readonly (RuleWithOperations | NamedRuleWithOperations)[] | undefined): void {
  for (const rule of rules ?? []) rule.scope ??= '*'
}

function validateMatchResources(errors: Errors, match: MatchResources, path: string): void {
  if (match.matchPolicy !== undefined && match.matchPolicy !== 'Exact' && match.matchPolicy !== 'Equivalent')
    errors.push(fieldErrors.notSupported(`${path}.matchPolicy`, match.matchPolicy, ['Equivalent', 'Exact']))
  if (match.namespaceSelector) errors.push(...validateLabelSelector(match.namespaceSelector, `${path}.namespaceSelector`))
  if (match.objectSelector) errors.push(...validateLabelSelector(match.objectSelector, `${path}.objectSelector`))
  for (const field of ['resourceRules', 'excludeResourceRules'] as const)
    match[field]?.forEach((rule, i) => {
      validateResourceNames(errors, rule.resourceNames ?? [], `${path}.${field}[${i}].resourceNames`)
      validateRule(errors, rule, `${path}.${field}[${i}]`)
    })
}

function validateResourceNames(errors: Errors, names: readonly string[], path: string): void {
  for (const [i, name] of names.entries()) {
    for (const message of pathSegmentName(name)) errors.push(fieldErrors.invalid(`${path}[${i}]`, name, message))
    if (names.indexOf(name) < i) errors.push(fieldErrors.duplicate(`${path}[${i}]`, name))
  }
}

type PolicySpec = {
  failurePolicy?: string
  readonly paramKind?: { readonly apiVersion?: string; readonly kind?: string }
  readonly matchConstraints?: MatchResources
}

/** What policies that judge and policies that change have alike. */
export function applyPolicyDefaults(spec: { failurePolicy?: 'Fail' | 'Ignore'; matchConstraints?: MatchResources } | undefined): void {
  if (!spec) return
  spec.failurePolicy ??= 'Fail'
  if (spec.matchConstraints) applyMatchDefaults(spec.matchConstraints)
}

export function validatePolicyMatch(errors: Errors, spec: PolicySpec | undefined): void {
  if (spec?.failurePolicy !== undefined) checkEnum(errors, 'spec.failurePolicy', spec.failurePolicy, ['Fail', 'Ignore'])
  validateParamKind(errors, spec?.paramKind, 'spec.paramKind')
  if (!spec?.matchConstraints) {
    errors.push(fieldErrors.required('spec.matchConstraints'))
    return
  }
  validateMatchResources(errors, spec.matchConstraints, 'spec.matchConstraints')
  if (!spec.matchConstraints.resourceRules?.length) errors.push(fieldErrors.required('spec.matchConstraints.resourceRules'))
}

const mutatedOperations = ['*', 'CONNECT', 'CREATE', 'UPDATE']

/** What a deletion takes away, nobody can change. */
export function validateMutatedOperations(errors: Errors, match: MatchResources | undefined, path: string): void {
  for (const { operations: all = [] } of match?.resourceRules ?? [])
    for (const operation of all)
      if (!mutatedOperations.includes(operation))
        errors.push(fieldErrors.notSupported(`${path}.resourceRules.operations`, operation, mutatedOperations))
}

type BindingSpec = { readonly policyName?: string; readonly paramRef?: ParamRef; readonly matchResources?: MatchResources }

export function validateBindingMatch(errors: Errors, spec: BindingSpec | undefined): void {
  if (checkRequired(errors, 'spec.policyName', spec?.policyName))
    for (const message of dns1123Subdomain(spec!.policyName!))
      errors.push(fieldErrors.invalid('spec.policyName', spec!.policyName, message))
  validateParamRef(errors, spec?.paramRef, 'spec.paramRef')
  if (spec?.matchResources) validateMatchResources(errors, spec.matchResources, 'spec.matchResources')
}

/** A rule with operations, groups, versions, resources; none may be empty, a star stands alone. */
export function validateRule(errors: Errors, rule: RuleWithOperations, path: string): void {
  if (!rule.operations?.length) errors.push(fieldErrors.required(`${path}.operations`))
  else if (rule.operations.length > 1 && rule.operations.includes('*'))
    errors.push(fieldErrors.invalid(`${path}.operations`, rule.operations, "if '*' is present, must not specify other operations"))
  rule.operations?.forEach((operation, i) => {
    if (!operations.includes(operation)) errors.push(fieldErrors.notSupported(`${path}.operations[${i}]`, operation, operations))
  })
  for (const [field, word] of [
    ['apiGroups', 'API groups'],
    ['apiVersions', 'API versions'],
  ] as const) {
    const values = rule[field]
    if (!values?.length) errors.push(fieldErrors.required(`${path}.${field}`))
    else if (values.length > 1 && values.includes('*'))
      errors.push(fieldErrors.invalid(`${path}.${field}`, values, `if '*' is present, must not specify other ${word}`))
  }
  rule.apiVersions?.forEach((version, i) => checkRequired(errors, `${path}.apiVersions[${i}]`, version))
  if (!rule.resources?.length) errors.push(fieldErrors.required(`${path}.resources`))
  validateResources(errors, rule.resources ?? [], `${path}.resources`)
  if (rule.scope !== undefined && !scopes.includes(rule.scope)) errors.push(fieldErrors.notSupported(`${path}.scope`, rule.scope, scopes))
}

/** A star says all that another word says, too: that word must not stand beside it. */
function validateResources(errors: Errors, resources: readonly string[], path: string): void {
  const whole = new Set<string>()
  for (const [i, resource] of resources.entries()) {
    if (!checkRequired(errors, `${path}[${i}]`, resource) || !resource.includes('/')) continue
    const [name = '', ...rest] = resource.split('/')
    const sub = rest.join('/')
    for (const star of [`${name}/*`, `*/${sub}`])
      if (whole.has(star))
        errors.push(fieldErrors.invalid(`${path}[${i}]`, resource, `if '${star}' is present, must not specify ${resource}`))
    if (sub === '*' || name === '*') whole.add(resource)
  }
  if (resources.length > 1 && resources.includes('*/*'))
    errors.push(fieldErrors.invalid(path, resources, "if '*/*' is present, must not specify other resources"))
  const lastPlain = resources.findLast((resource) => resource !== '' && !resource.includes('/'))
  if (resources.includes('*') && lastPlain !== '*')
    errors.push(fieldErrors.invalid(path, resources, "if '*' is present, must not specify other resources without subresources"))
}

function validateParamRef(errors: Errors, ref: ParamRef | undefined, path: string): void {
  if (!ref) return
  if (ref.name) for (const message of pathSegmentName(ref.name)) errors.push(fieldErrors.invalid(`${path}.name`, ref.name, message))
  if (ref.name && ref.selector)
    for (const field of ['name', 'selector'])
      errors.push(fieldErrors.forbidden(`${path}.${field}`, 'name and selector are mutually exclusive'))
  if (!ref.name && !ref.selector) errors.push(fieldErrors.required(path, 'one of name or selector must be specified'))
  if (ref.selector) errors.push(...validateLabelSelector(ref.selector, `${path}.selector`))
  const action = ref.parameterNotFoundAction
  if (action === undefined) errors.push(fieldErrors.required(`${path}.parameterNotFoundAction`))
  else if (action !== 'Allow' && action !== 'Deny')
    errors.push(fieldErrors.notSupported(`${path}.parameterNotFoundAction`, action, ['Deny', 'Allow']))
}

export function paramRefText(ref: ParamRef | undefined): string {
  if (!ref) return '<unset>'
  if (ref.name) return `${ref.namespace || '*'}/${ref.name}`
  return ref.selector ? selectorStructText(ref.selector) : '<unset>'
}

/** As upstream prints the selector: the words of its Go type. */
function selectorStructText({ matchLabels, matchExpressions = [] }: LabelSelector): string {
  const labels = Object.keys(matchLabels ?? {})
    .sort()
    .map((key) => `${key}: ${matchLabels![key]},`)
    .join('')
  const expressions = matchExpressions
    .map(({ key, operator, values = [] }) => `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`)
    .join('')
  return `&LabelSelector{MatchLabels:map[string]string{${labels}},MatchExpressions:[]LabelSelectorRequirement{${expressions}},}`
}

export function paramKindText(kind: { readonly apiVersion?: string; readonly kind?: string } | undefined): string {
  return kind ? `${kind.apiVersion ?? ''}/${kind.kind ?? ''}` : '<unset>'
}

function validateParamKind(
  errors: FieldError[],
  kind: { readonly apiVersion?: string; readonly kind?: string } | undefined,
  path: string,
): void {
  if (!kind) return
  const { apiVersion = '', kind: name = '' } = kind
  if (checkRequired(errors, `${path}.apiVersion`, apiVersion)) validateParamVersion(errors, apiVersion, `${path}.apiVersion`)
  if (!checkRequired(errors, `${path}.kind`, name)) return
  const problems = dns1035Label(name.toLowerCase())
  if (problems.length > 0)
    errors.push(fieldErrors.invalid(`${path}.kind`, name, `may have mixed case, but should otherwise match: ${problems.join(',')}`))
}

function validateParamVersion(errors: FieldError[], apiVersion: string, path: string): void {
  const parts = apiVersion === '/' ? [''] : apiVersion.split('/')
  if (parts.length > 2) return void errors.push(fieldErrors.invalid(path, apiVersion, `unexpected GroupVersion string: ${apiVersion}`))
  const version = parts.at(-1)!
  const group = parts.length === 2 ? parts[0]! : ''
  const groupProblems = group === '' ? [] : dns1123Subdomain(group)
  if (groupProblems.length > 0) errors.push(fieldErrors.invalid(path, group, groupProblems.join(',')))
  if (version === '') return void errors.push(fieldErrors.invalid(path, apiVersion, 'version must be specified'))
  const versionProblems = dns1035Label(version)
  if (versionProblems.length > 0) errors.push(fieldErrors.invalid(path, version, versionProblems.join(',')))
}
