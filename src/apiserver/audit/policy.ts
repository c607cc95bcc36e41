/** Which requests are recorded, and how much of them (https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/#audit-k8s-io-v1-Policy). */
import { parseYaml } from '../../machinery/yaml.ts'
import type { UserInfo } from '../contract.ts'
import type { RequestInfo } from '../http/request-info.ts'

export type AuditLevel = 'None' | 'Metadata' | 'Request' | 'RequestResponse'
export type AuditStage = 'RequestReceived' | 'ResponseStarted' | 'ResponseComplete' | 'Panic'

export type AuditRule = {
  readonly level: AuditLevel
  readonly users?: readonly string[]
  readonly userGroups?: readonly string[]
  readonly verbs?: readonly string[]
  readonly resources?: readonly {
    readonly group?: string
    readonly resources?: readonly string[]
    readonly resourceNames?: readonly string[]
  }[]
  readonly namespaces?: readonly string[]
  readonly nonResourceURLs?: readonly string[]
  readonly omitStages?: readonly AuditStage[]
  readonly omitManagedFields?: boolean
}

export type AuditPolicy = {
  readonly rules: readonly AuditRule[]
  readonly omitStages: readonly AuditStage[]
  readonly omitManagedFields: boolean
}

export type AuditVerdict = { readonly level: AuditLevel; readonly omitStages: readonly AuditStage[]; readonly omitManagedFields: boolean }

const levels = ['None', 'Metadata', 'Request', 'RequestResponse']
const stages = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic']
const ruleFields = new Set([
  'level',
  'users',
  'userGroups',
  'verbs',
  'resources',
  'namespaces',
  'nonResourceURLs',
  'omitStages',
  'omitManagedFields',
])

/** Reads a Policy of audit.k8s.io/v1 in YAML or JSON. Throws an Error that names the place. */
export function parseAuditPolicy(text: string): AuditPolicy {
  const file = parseYaml(text) as {
    apiVersion?: unknown
    kind?: unknown
    rules?: unknown
    omitStages?: unknown
    omitManagedFields?: unknown
  } | null
  if (file?.apiVersion !== 'audit.k8s.io/v1' || file.kind !== 'Policy') throw new Error('the audit policy is no Policy of audit.k8s.io/v1')
  if (!Array.isArray(file.rules) || file.rules.length === 0) throw new Error('the audit policy has no rules: it would record nothing')
  const rules = file.rules.map((rule: unknown, i) => checkedRule(rule, `rules[${i}]`))
  return { rules, omitStages: checkedStages(file.omitStages, 'omitStages'), omitManagedFields: file.omitManagedFields === true }
}

function checkedRule(value: unknown, path: string): AuditRule {
  if (typeof value !== 'object' || value === null) throw new Error(`${path} of the audit policy is no rule`)
  const rule = value as AuditRule
  const unknown = Object.keys(rule).find((field) => !ruleFields.has(field))
  if (unknown) throw new Error(`${path}.${unknown} of the audit policy is no field of a rule`)
  if (!levels.includes(rule.level)) throw new Error(`${path}.level of the audit policy must be one of ${levels.join(', ')}`)
  if (rule.nonResourceURLs?.length && (rule.resources?.length || rule.namespaces?.length))
    throw new Error(`${path} of the audit policy cannot apply to both regular resources and non-resource URLs`)
  for (const url of rule.nonResourceURLs ?? [])
    if (url !== '*' && (!url.startsWith('/') || url.slice(0, -1).includes('*')))
      throw new Error(`${path}.nonResourceURLs of the audit policy: ${url} must begin with a '/', with a '*' at its end only`)
  for (const { resources = [], resourceNames = [] } of rule.resources ?? [])
    if (resourceNames.length > 0 && resources.length === 0)
      throw new Error(`${path}.resources of the audit policy: using resourceNames requires at least one resource`)
  return { ...rule, omitStages: checkedStages(rule.omitStages, `${path}.omitStages`) }
}

function checkedStages(value: unknown, path: string): readonly AuditStage[] {
  const given = (value ?? []) as readonly AuditStage[]
  if (!Array.isArray(given) || !given.every((stage) => stages.includes(stage)))
    throw new Error(`${path} of the audit policy must be some of ${stages.join(', ')}`)
  return given
}

/** The first rule that matches decides; no rule: nothing is recorded. Pure. */
export function auditVerdict(policy: AuditPolicy, user: UserInfo | undefined, info: RequestInfo): AuditVerdict {
  const rule = policy.rules.find((r) => matches(r, user, info))
  if (!rule) return { level: 'None', omitStages: policy.omitStages, omitManagedFields: policy.omitManagedFields }
  return {
    level: rule.level,
    omitStages: [...policy.omitStages, ...(rule.omitStages ?? [])],
    omitManagedFields: rule.omitManagedFields ?? policy.omitManagedFields,
  }
}

const isOpen = (values: readonly unknown[] | undefined): values is undefined => !values || values.length === 0

function matches(rule: AuditRule, user: UserInfo | undefined, info: RequestInfo): boolean {
  if (!isOpen(rule.users) && (!user || !rule.users.includes(user.name))) return false
  if (!isOpen(rule.userGroups) && !user?.groups.some((g) => rule.userGroups!.includes(g))) return false
  if (!isOpen(rule.verbs) && !rule.verbs.includes(info.verb)) return false
  if (info.type === 'path') {
    if (!isOpen(rule.resources) || !isOpen(rule.namespaces)) return false
    return isOpen(rule.nonResourceURLs) || rule.nonResourceURLs.some((url) => matchesPath(url, info.path))
  }
  if (!isOpen(rule.nonResourceURLs)) return false
  // Cluster-scoped requests are in the namespace "".
  if (!isOpen(rule.namespaces) && !rule.namespaces.includes(info.namespace)) return false
  if (isOpen(rule.resources)) return true
  const full = info.subresource === '' ? info.resource : `${info.resource}/${info.subresource}`
  return rule.resources.some(
    ({ group = '', resources, resourceNames }) =>
      group === info.group &&
      (isOpen(resources) || resources.some((r) => matchesResource(r, full, info))) &&
      (isOpen(resourceNames) || resourceNames.includes(info.name)),
  )
}

function matchesPath(pattern: string, path: string): boolean {
  return pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : pattern === path
}

/** `pods` is the resource alone; with a slash and a star behind it its subresources too, as upstream matches; a star before a slash is any resource. */
function matchesResource(pattern: string, full: string, { resource, subresource }: { resource: string; subresource: string }): boolean {
  if (pattern === '*' || pattern === full) return true
  if (pattern.startsWith('*/')) return subresource !== '' && pattern.slice(2) === subresource
  return pattern.endsWith('/*') && pattern.slice(0, -2) === resource
}
