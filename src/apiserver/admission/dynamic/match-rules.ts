import type { RuleWithOperations } from '../../../kinds/generated/types/admissionregistration-v1.ts'
import type { AdmissionRequest } from '../../contract.ts'
import type { Registry, Resource } from '../../registry.ts'

type Rule = Pick<RuleWithOperations, 'operations' | 'apiGroups' | 'apiVersions' | 'resources' | 'scope'>

/** What a rule looks at: the same for all objects of a resource. */
export type RuleSubject = {
  readonly operation: AdmissionRequest['operation']
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly subresource: string
  readonly isNamespaced: boolean
}

/** Whether a rule of a webhook or policy takes the request in (https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#matching-requests-rules). */
export function matchesRule(rule: Rule, subject: RuleSubject): boolean {
  const { operation, group, version, plural, subresource, isNamespaced } = subject
  if (rule.scope === 'Namespaced' && !isNamespaced) return false
  if (rule.scope === 'Cluster' && isNamespaced) return false
  if (!has(rule.operations, operation) || !has(rule.apiGroups, group) || !has(rule.apiVersions, version)) return false
  return (rule.resources ?? []).some((text) => {
    const [resource, sub = ''] = text.split('/', 2)
    return (resource === '*' || resource === plural) && (sub === '*' || sub === subresource)
  })
}

const has = (values: readonly string[] | undefined, value: string) => values?.some((v) => v === '*' || v === value) ?? false

export function subjectOf(
  { operation, subresource }: Pick<AdmissionRequest, 'operation' | 'subresource'>,
  { kind }: Resource,
): RuleSubject {
  const { group, version, plural, scope } = kind
  return { operation, group, version, plural, subresource, isNamespaced: scope === 'Namespaced' }
}

/**
 * The resource under which the rules take a request in: its own or, where equivalents count, another served version of the
 * same objects, earlier rules first. Undefined: none.
 */
export function matchedResource(
  rules: readonly Rule[],
  request: Pick<AdmissionRequest, 'operation' | 'subresource' | 'kind'>,
  { registry, isExact }: { readonly registry: Registry; readonly isExact: boolean },
): { readonly resource: Resource; readonly rule: Rule } | undefined {
  const { kind } = request
  const own = registry.find(kind.group, kind.version, kind.plural)
  if (!own) return undefined
  const subject = subjectOf(request, own)
  const direct = rules.find((rule) => matchesRule(rule, subject))
  if (direct) return { resource: own, rule: direct }
  if (isExact) return undefined
  const others = registry.all().filter((other) => other !== own && other.prefix === own.prefix)
  for (const rule of rules) for (const resource of others) if (matchesRule(rule, subjectOf(request, resource))) return { resource, rule }
  return undefined
}
