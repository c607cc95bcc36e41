/** Rights by a file with a policy on each line: https://kubernetes.io/docs/reference/access-authn-authz/abac/. */
import type { Attributes, Authorizer, UserInfo } from '../contract.ts'

/** What does not concern a policy is empty in it, and matches nothing but nothing. */
export type AbacPolicy = {
  readonly user: string
  readonly group: string
  readonly readonly: boolean
  readonly apiGroup: string
  readonly resource: string
  readonly namespace: string
  readonly nonResourcePath: string
}

const groupVersion = 'abac.authorization.kubernetes.io/v1beta1'
const everybody = 'system:authenticated'
const texts = ['user', 'group', 'apiGroup', 'resource', 'namespace', 'nonResourcePath'] as const

/** Lines that are empty or begin with `#` say nothing. Throws an Error that names the line which is no policy. */
export function parseAbacPolicies(text: string, path: string): readonly AbacPolicy[] {
  return text.split(/\r?\n/).flatMap((line, i) => {
    if (/^\s*(?:#|$)/.test(line)) return []
    try {
      return [policyOf(JSON.parse(line))]
    } catch (error) {
      throw new Error(`error reading policy file ${path}, line ${i + 1}: ${line}: ${(error as Error).message}`, { cause: error })
    }
  })
}

function policyOf(value: unknown): AbacPolicy {
  if (!isRecord(value)) throw new Error('a policy is an object')
  const { apiVersion, kind, spec } = value
  if (apiVersion === undefined && kind === undefined) return unversioned(fieldsOf(value))
  if (apiVersion !== groupVersion || kind !== 'Policy')
    throw new Error(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`)
  if (spec !== undefined && !isRecord(spec)) throw new Error('its spec is an object')
  return ofAnybody(fieldsOf(spec ?? {}))
}

function fieldsOf(value: Readonly<Record<string, unknown>>): AbacPolicy {
  const policy: Record<string, unknown> = { readonly: value['readonly'] ?? false }
  if (typeof policy['readonly'] !== 'boolean') throw new Error('readonly is true or false')
  for (const name of texts) {
    policy[name] = value[name] ?? ''
    if (typeof policy[name] !== 'string') throw new Error(`${name} is a text`)
  }
  // The cast: each of its fields has just been set.
  return policy as AbacPolicy
}

const ofAnybody = (policy: AbacPolicy): AbacPolicy =>
  policy.user === '*' || policy.group === '*' ? { ...policy, group: everybody } : policy

/** The old form, in which what is left out stands for everything. */
function unversioned({ user, group, namespace, resource, readonly }: AbacPolicy): AbacPolicy {
  return ofAnybody({
    user,
    group: user === '' && group === '' ? everybody : group,
    readonly,
    apiGroup: '*',
    resource: resource || '*',
    namespace: namespace || '*',
    nonResourcePath: namespace === '' && resource === '' ? '*' : '',
  })
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export function createAbacAuthorizer(policies: readonly AbacPolicy[]): Authorizer {
  return {
    authorize: (attributes) =>
      policies.some((policy) => concerns(policy, attributes.user) && allows(policy, attributes))
        ? { allowed: true, reason: '' }
        : { allowed: false, reason: 'No policy matched.' },
    rulesFor: (user, namespace) => {
      const own = policies.filter((policy) => concerns(policy, user) && fits(policy.namespace, namespace))
      const verbs = ({ readonly }: AbacPolicy) => (readonly ? ['get', 'list', 'watch'] : ['*'])
      return {
        resourceRules: own
          .filter(({ resource }) => resource !== '')
          .map((policy) => ({ verbs: verbs(policy), apiGroups: [policy.apiGroup], resources: [policy.resource], resourceNames: [] })),
        nonResourceRules: own
          .filter(({ nonResourcePath }) => nonResourcePath !== '')
          .map((policy) => ({ verbs: verbs(policy), nonResourceURLs: [policy.nonResourcePath] })),
      }
    },
  }
}

const fits = (wanted: string, given: string) => wanted === '*' || wanted === given

/** One that names neither a user nor a group is for nobody. */
function concerns({ user, group }: AbacPolicy, { name, groups }: UserInfo): boolean {
  if (user === '' && group === '') return false
  return (user === '' || fits(user, name)) && (group === '' || group === '*' || groups.includes(group))
}

const reading: ReadonlySet<string> = new Set(['get', 'list', 'watch'])

function allows(policy: AbacPolicy, attributes: Attributes): boolean {
  if (policy.readonly && !reading.has(attributes.verb)) return false
  if (attributes.type === 'resource')
    return (
      fits(policy.namespace, attributes.namespace) && fits(policy.resource, attributes.resource) && fits(policy.apiGroup, attributes.group)
    )
  const { nonResourcePath } = policy
  if (nonResourcePath === '*' || nonResourcePath === attributes.path) return true
  return nonResourcePath.endsWith('*') && attributes.path.startsWith(nonResourcePath.replace(/\*+$/, ''))
}
