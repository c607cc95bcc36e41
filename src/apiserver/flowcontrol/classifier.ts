import type { FlowSchema, PolicyRulesWithSubjects, ResourcePolicyRule, Subject } from '../../kinds/generated/types/flowcontrol-v1.ts'
import type { UserInfo } from '../contract.ts'
import type { RequestInfo, ResourceRequest } from '../http/request-info.ts'

/** Where a request belongs. `flow` tells the flows of one schema apart; empty where the schema does not. */
export type Classified = { readonly schema: FlowSchema; readonly level: string; readonly flow: string }

/** Undefined when no schema matches: the mandatory `catch-all` is then missing. */
export type Classifier = (user: UserInfo, info: RequestInfo) => Classified | undefined

type Matcher = (user: UserInfo, info: RequestInfo) => boolean

/**
 * The first schema in order of precedence, then of name, that matches a request. Compiled once per change of the schemas, since it is on
 * the way of every request.
 */
export function compileClassifier(schemas: readonly FlowSchema[]): Classifier {
  const ordered = [...schemas]
    .sort((a, b) => precedenceOf(a) - precedenceOf(b) || ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1))
    .map((schema) => ({
      schema,
      level: schema.spec?.priorityLevelConfiguration.name ?? '',
      rules: (schema.spec?.rules ?? []).map(compileRule),
      flowOf: flowOf(schema.spec?.distinguisherMethod?.type),
    }))
  return (user, info) => {
    for (const { schema, level, rules, flowOf: flow } of ordered) {
      for (const matches of rules) if (matches(user, info)) return { schema, level, flow: flow(user, info) }
    }
    return undefined
  }
}

const precedenceOf = (schema: FlowSchema) => schema.spec?.matchingPrecedence ?? 1000

function flowOf(method: string | undefined): (user: UserInfo, info: RequestInfo) => string {
  if (method === 'ByUser') return (user) => user.name
  if (method === 'ByNamespace') return (_, info) => (info.type === 'resource' ? info.namespace : '')
  return () => ''
}

function compileRule(rule: PolicyRulesWithSubjects): Matcher {
  const subjects = rule.subjects.map(compileSubject)
  const resources = (rule.resourceRules ?? []).map(compileResource)
  const paths = (rule.nonResourceRules ?? []).map(({ verbs, nonResourceURLs }) => {
    const verb = oneOf(verbs)
    const path = compilePaths(nonResourceURLs)
    return (info: RequestInfo) => verb(info.verb) && path(info.path)
  })
  return (user, info) => {
    if (!subjects.some((is) => is(user))) return false
    return info.type === 'resource' ? resources.some((matches) => matches(info)) : paths.some((matches) => matches(info))
  }
}

function compileSubject({ kind, user, group, serviceAccount }: Subject): (user: UserInfo) => boolean {
  if (kind === 'User' && user) return user.name === '*' ? () => true : ({ name }) => name === user.name
  if (kind === 'Group' && group) return group.name === '*' ? () => true : ({ groups }) => groups.includes(group.name)
  if (kind !== 'ServiceAccount' || !serviceAccount) return () => false
  const prefix = `system:serviceaccount:${serviceAccount.namespace}:`
  if (serviceAccount.name === '*') return ({ name }) => name.startsWith(prefix)
  const whole = prefix + serviceAccount.name
  return ({ name }) => name === whole
}

function compileResource(rule: ResourcePolicyRule): (info: ResourceRequest) => boolean {
  const verb = oneOf(rule.verbs)
  const group = oneOf(rule.apiGroups)
  const resource = oneOf(rule.resources)
  const namespace = oneOf(rule.namespaces ?? [])
  const isClusterWide = rule.clusterScope === true
  return (info) =>
    verb(info.verb) &&
    group(info.group) &&
    resource(info.subresource === '' ? info.resource : `${info.resource}/${info.subresource}`) &&
    (info.namespace === '' ? isClusterWide : namespace(info.namespace))
}

function oneOf(values: readonly string[]): (value: string) => boolean {
  if (values.includes('*')) return () => true
  return (value) => values.includes(value)
}

/** `/healthz` is that path alone, `/healthz/*` what is below it. */
function compilePaths(urls: readonly string[]): (path: string) => boolean {
  if (urls.includes('*')) return () => true
  const prefixes = urls.filter((url) => url.endsWith('/*')).map((url) => url.slice(0, -1))
  return (path) => urls.includes(path) || prefixes.some((prefix) => path.startsWith(prefix))
}
