import type { ClusterRole, PolicyRule, Role, RoleBinding, RoleRef } from '../../kinds/generated/types/rbac-v1.ts'
import { clusterRoles } from '../../kinds/rbac/cluster-role.ts'
import { roles } from '../../kinds/rbac/role.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import { compactRules, ruleText, uncovered } from '../authz/rule.ts'
import type { AdmissionPlugin, AdmissionRequest, Authorizer, UserInfo } from '../contract.ts'
import type { ObjectReader } from '../objects/object-reader.ts'

const group = 'rbac.authorization.k8s.io'

/**
 * Nobody gives away what they do not have: writing a role needs every permission in it (or the verb `escalate`), binding one
 * needs every permission of the role (or the verb `bind` on it)
 * (https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping).
 */
export function privilegeEscalation(parts: { readonly authorizer: Authorizer; readonly reader: ObjectReader }): AdmissionPlugin {
  return {
    name: 'PrivilegeEscalation',
    handles: (operation, kind) => (operation === 'CREATE' || operation === 'UPDATE') && kind.group === group,
    validate: (request) => {
      if (request.user.groups.includes('system:masters') || isHousekeeping(request)) return
      const isRole = request.kind.plural === 'roles' || request.kind.plural === 'clusterroles'
      return isRole ? checkRole(parts.authorizer, request) : checkBinding(parts, request)
    },
  }
}

/** What the garbage collector changes, so that anything can be deleted in the end. */
function isHousekeeping({ object, old }: AdmissionRequest): boolean {
  return old !== undefined && deepEqual(withoutHousekeeping(object!), withoutHousekeeping(old))
}

function withoutHousekeeping(object: KubeObject): object {
  const { ownerReferences: _o, finalizers: _f, managedFields: _m, resourceVersion: _r, ...metadata } = object.metadata
  return { ...object, metadata: Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== undefined)) }
}

const everything: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
]

async function checkRole(authorizer: Authorizer, { user, kind, namespace = '', name, object, old }: AdmissionRequest): Promise<void> {
  const verb = { verb: 'escalate', resource: kind.plural, namespace, name }
  if (await isAllowed(authorizer, user, verb)) return
  const role = object as Role | ClusterRole
  const isAggregated = [role, old].some((r) => (r as ClusterRole | undefined)?.aggregationRule !== undefined)
  // An aggregate gathers whatever anybody labels for it.
  if (isAggregated && missing(authorizer, user, { namespace, wanted: everything }).length > 0)
    throw statusErrors.forbidden(
      { group, resource: kind.plural },
      role.metadata.name ?? '',
      'must have cluster-admin privileges to use an aggregationRule',
    )
  demand(authorizer, user, { namespace, wanted: role.rules ?? [], resource: kind.plural, name: role.metadata.name ?? '' })
}

async function checkBinding(parts: { authorizer: Authorizer; reader: ObjectReader }, request: AdmissionRequest): Promise<void> {
  const { authorizer, reader } = parts
  const { user, kind, namespace = '', object } = request
  const binding = object as RoleBinding
  const { roleRef } = binding
  const resource = roleRef.kind === 'ClusterRole' ? 'clusterroles' : 'roles'
  if (await isAllowed(authorizer, user, { verb: 'bind', resource, namespace, name: roleRef.name })) return
  const wanted = rulesOf(reader, roleRef, namespace)
  // Upstream says so of the binding's kind, under the role's name.
  if (!wanted) throw statusErrors.notFound({ group, resource: kind.plural }, roleRef.name)
  demand(authorizer, user, { namespace, wanted, resource: kind.plural, name: binding.metadata.name ?? '' })
}

function rulesOf(reader: ObjectReader, ref: RoleRef, namespace: string): readonly PolicyRule[] | undefined {
  const role = ref.kind === 'ClusterRole' ? reader.get(clusterRoles, '', ref.name) : reader.get(roles, namespace, ref.name)
  return role && (role.rules ?? [])
}

async function isAllowed(
  authorizer: Authorizer,
  user: UserInfo,
  what: { readonly verb: string; readonly resource: string; readonly namespace: string; readonly name: string },
): Promise<boolean> {
  return (await authorizer.authorize({ type: 'resource', user, group, version: 'v1', subresource: '', ...what })).allowed
}

function missing(
  authorizer: Authorizer,
  user: UserInfo,
  { namespace, wanted }: { namespace: string; wanted: readonly PolicyRule[] },
): PolicyRule[] {
  const { resourceRules, nonResourceRules } = authorizer.rulesFor(user, namespace)
  const owned = [...resourceRules, ...nonResourceRules].map((rule): PolicyRule => structuredClone(rule) as PolicyRule)
  return uncovered(owned, wanted)
}

function demand(
  authorizer: Authorizer,
  user: UserInfo,
  grant: { readonly namespace: string; readonly wanted: readonly PolicyRule[]; readonly resource: string; readonly name: string },
): void {
  const lacking = missing(authorizer, user, grant)
  if (lacking.length === 0) return
  const groups = `[${user.groups.map((name) => JSON.stringify(name)).join(' ')}]`
  const list = compactRules(lacking).map(ruleText).sort()
  const why = `user ${JSON.stringify(user.name)} (groups=${groups}) is attempting to grant RBAC permissions not currently held:\n${list.join('\n')}`
  throw statusErrors.forbidden({ group, resource: grant.resource }, grant.name, why)
}
