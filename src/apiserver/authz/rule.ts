/** Policy rules (rbac.authorization.k8s.io/v1): what one allows, and whether some rules cover another. */
import type { PolicyRule } from '../../kinds/generated/types/rbac-v1.ts'
import type { Attributes } from '../contract.ts'

type ResourceAttributes = Extract<Attributes, { type: 'resource' }>

/** A rule prepared for matching: sets instead of lists, wildcards as flags. */
export type CompiledRule = {
  readonly verbs: Matcher
  readonly groups: Matcher
  readonly resources: Matcher
  /** A star before `/scale` and the like. */
  readonly anyResourceSubresources: ReadonlySet<string>
  /** Undefined: every name. */
  readonly names: ReadonlySet<string> | undefined
  readonly paths: readonly string[]
}

type Matcher = { readonly all: boolean; readonly values: ReadonlySet<string> }

const matcher = (values: readonly string[] | undefined): Matcher => ({ all: values?.includes('*') ?? false, values: new Set(values) })
const accepts = (m: Matcher, value: string) => m.all || m.values.has(value)

export function compileRule(rule: PolicyRule): CompiledRule {
  return {
    verbs: matcher(rule.verbs),
    groups: matcher(rule.apiGroups),
    resources: matcher(rule.resources),
    anyResourceSubresources: new Set((rule.resources ?? []).filter((r) => r.startsWith('*/')).map((r) => r.slice(2))),
    names: rule.resourceNames?.length ? new Set(rule.resourceNames) : undefined,
    paths: rule.nonResourceURLs ?? [],
  }
}

export function allowsResource(rule: CompiledRule, a: ResourceAttributes): boolean {
  if (!accepts(rule.verbs, a.verb) || !accepts(rule.groups, a.group)) return false
  if (!acceptsResource(rule, a.resource, a.subresource)) return false
  return rule.names === undefined || rule.names.has(a.name)
}

function acceptsResource(rule: CompiledRule, resource: string, subresource: string): boolean {
  if (rule.resources.all) return true
  if (subresource === '') return rule.resources.values.has(resource)
  return rule.resources.values.has(`${resource}/${subresource}`) || rule.anyResourceSubresources.has(subresource)
}

export function allowsPath(rule: CompiledRule, verb: string, path: string): boolean {
  if (rule.paths.length === 0 || !accepts(rule.verbs, verb)) return false
  return rule.paths.some((p) => p === '*' || p === path || (p.endsWith('*') && path.startsWith(p.slice(0, -1))))
}

/**
 * The simple rules (one verb on one resource or path) of `wanted` that `owned` does not cover: empty when nobody would gain a
 * permission that they do not have (https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention).
 */
export function uncovered(owned: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  return uncoveredBy(owned)(wanted)
}

/** The same for several questions about what is owned. */
export function uncoveredBy(owned: readonly PolicyRule[]): (wanted: readonly PolicyRule[]) => PolicyRule[] {
  const compiled = owned.map(compileRule)
  return (wanted) => wanted.flatMap(breakDown).filter((simple) => !compiled.some((rule) => covers(rule, simple)))
}

function breakDown(rule: PolicyRule): PolicyRule[] {
  const simple: PolicyRule[] = []
  for (const verb of rule.verbs ?? []) {
    for (const url of rule.nonResourceURLs ?? []) simple.push({ verbs: [verb], nonResourceURLs: [url] })
    for (const group of rule.apiGroups ?? [])
      for (const resource of rule.resources ?? []) {
        const base = { verbs: [verb], apiGroups: [group], resources: [resource] }
        if (!rule.resourceNames?.length) simple.push(base)
        else for (const name of rule.resourceNames) simple.push({ ...base, resourceNames: [name] })
      }
  }
  return simple
}

/** Rules that differ only in their verbs as one, so that a refusal is short to read. */
export function compactRules(rules: readonly PolicyRule[]): PolicyRule[] {
  const merged = new Map<string, PolicyRule>()
  for (const rule of rules) {
    const { verbs, ...rest } = rule
    const key = JSON.stringify([rest.apiGroups, rest.resources, rest.resourceNames, rest.nonResourceURLs])
    const known = merged.get(key)
    merged.set(key, known ? { ...known, verbs: [...new Set([...known.verbs, ...verbs])] } : rule)
  }
  return [...merged.values()]
}

function covers(rule: CompiledRule, simple: PolicyRule): boolean {
  const verb = simple.verbs![0]!
  if (!accepts(rule.verbs, verb)) return false
  const url = simple.nonResourceURLs?.[0]
  if (url !== undefined) return rule.paths.some((p) => p === '*' || p === url || (p.endsWith('*') && url.startsWith(p.slice(0, -1))))
  if (!accepts(rule.groups, simple.apiGroups![0]!)) return false
  const [resource = '', subresource = ''] = simple.resources![0]!.split('/')
  if (!acceptsResource(rule, resource, subresource)) return false
  const name = simple.resourceNames?.[0]
  return rule.names === undefined || (name !== undefined && rule.names.has(name))
}

/** One rule in the words of upstream's refusal: `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`. */
export function ruleText(rule: PolicyRule): string {
  const list = (values: readonly string[]) => `[${values.map((v) => JSON.stringify(v)).join(' ')}]`
  const parts: string[] = []
  if (rule.apiGroups?.length) parts.push(`APIGroups:${list(rule.apiGroups)}`)
  if (rule.resources?.length) parts.push(`Resources:${list(rule.resources)}`)
  if (rule.nonResourceURLs?.length) parts.push(`NonResourceURLs:${list(rule.nonResourceURLs)}`)
  if (rule.resourceNames?.length) parts.push(`ResourceNames:${list(rule.resourceNames)}`)
  parts.push(`Verbs:${list(rule.verbs ?? [])}`)
  return `{${parts.join(', ')}}`
}
