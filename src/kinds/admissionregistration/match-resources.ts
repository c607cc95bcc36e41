import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { validateLabelSelector } from '../../machinery/label-selector.ts'
import { dns1123Subdomain, pathSegmentName, qualifiedName } from '../../machinery/names.ts'
import { checkEnum, checkRequired, type Errors } from '../checks.ts'
import type {
  MatchCondition,
  MatchResources,
  NamedRuleWithOperations,
  ParamRef,
  RuleWithOperations,
  Variable,
} from '../generated/types/admissionregistration-v1.ts'
import type { LabelSelector } from '../generated/types/meta-v1.ts'

const operations = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE']
const scopes = ['*', 'Cluster', 'Namespaced']
const conditionsMax = 64

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
      validateRule(errors, rule, `${path}.${field}[${i}]`)
      validateResourceNames(errors, rule.resourceNames ?? [], `${path}.${field}[${i}].resourceNames`)
    })
}

function validateResourceNames(errors: Errors, names: readonly string[], path: string): void {
  for (const [i, name] of names.entries()) {
    if (names.indexOf(name) < i) errors.push(fieldErrors.duplicate(`${path}[${i}]`, name))
    for (const message of pathSegmentName(name)) errors.push(fieldErrors.invalid(`${path}[${i}]`, name, message))
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

export function validateMatchConditions(errors: Errors, conditions: readonly MatchCondition[] | undefined, path: string): void {
  if (!conditions) return
  if (conditions.length > conditionsMax) errors.push(fieldErrors.tooMany(path, conditions.length, conditionsMax))
  conditions.forEach(({ name, expression }, i) => {
    const at = `${path}[${i}]`
    checkRequired(errors, `${at}.expression`, expression?.trim())
    if (checkRequired(errors, `${at}.name`, name))
      for (const message of qualifiedName(name)) errors.push(fieldErrors.invalid(`${at}.name`, name, message))
    if (name && conditions.findIndex((c) => c.name === name) < i) errors.push(fieldErrors.duplicate(`${at}.name`, name))
  })
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
  checkRequired(errors, `${path}.apiVersion`, kind.apiVersion)
  checkRequired(errors, `${path}.kind`, kind.kind)
}

const identifier = /^[A-Za-z_][A-Za-z0-9_]*$/
const reserved = new Set(
  'as break const continue else false for function if import in let loop null package namespace return true var void while'.split(' '),
)

/** A policy's variables: their names are identifiers of expressions. */
export function validateVariables(errors: Errors, variables: readonly Variable[] = [], path: string): void {
  variables.forEach(({ name, expression }, i) => {
    if (checkRequired(errors, `${path}[${i}].name`, name, 'name is not specified')) {
      if (!identifier.test(name) || reserved.has(name))
        errors.push(fieldErrors.invalid(`${path}[${i}].name`, name, 'name is not a valid CEL identifier'))
      if (variables.findIndex((other) => other.name === name) < i) errors.push(fieldErrors.duplicate(`${path}[${i}].name`, name))
    }
    checkRequired(errors, `${path}[${i}].expression`, expression?.trim(), 'expression is not specified')
  })
}
