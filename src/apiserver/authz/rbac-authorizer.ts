/**
 * Role-based access control over indexes in memory.
 *  1. A decision reads no store and awaits nothing.
 *  2. What is not allowed by a rule is refused; there are no denials that win over rules.
 */
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
  RoleRef,
  Subject,
} from '../../kinds/generated/types/rbac-v1.ts'
import type { Attributes, Authorizer, UserInfo } from '../contract.ts'
import { allowsPath, allowsResource, type CompiledRule, compileRule } from './rule.ts'

/** The four kinds as the authorizer keeps them; fed by whoever watches them. */
export type RbacIndex = {
  setRole(role: Role | ClusterRole, isGone: boolean): void
  setBinding(binding: RoleBinding | ClusterRoleBinding, isGone: boolean): void
  /** The rules that a reference stands for; undefined when the role does not exist. */
  rulesOf(ref: RoleRef, namespace: string): readonly PolicyRule[] | undefined
  /** Everything granted to a user in a namespace ('' for cluster-wide grants only). */
  grantsFor(user: UserInfo, namespace: string): readonly Grant[]
}

export type Grant = {
  readonly rules: readonly PolicyRule[]
  readonly compiled: readonly CompiledRule[]
  readonly reason: string
  readonly isClusterWide: boolean
}

/** Compiled when somebody is granted it: most of the default roles are nobody's. */
class StoredRole {
  readonly rules: readonly PolicyRule[]
  #compiled: readonly CompiledRule[] | undefined

  constructor(rules: readonly PolicyRule[]) {
    this.rules = rules
  }

  get compiled(): readonly CompiledRule[] {
    return (this.#compiled ??= this.rules.map(compileRule))
  }
}

type StoredBinding = {
  readonly key: string
  readonly namespace: string
  readonly roleRef: RoleRef
  readonly subjects: readonly string[]
  readonly name: string
  readonly shown: readonly Subject[]
}

/** Namespaces whose grants are remembered of one user. */
const rememberedNamespacesMax = 1_024

type Remembered = { version: number; readonly byNamespace: Map<string, readonly Grant[]> }

const serviceAccountUser = (namespace: string, name: string) => `system:serviceaccount:${namespace}:${name}`

/** A subject as an index key: `u:` a user (service accounts are users), `g:` a group. */
function subjectKey(subject: Subject, bindingNamespace: string): string {
  if (subject.kind === 'Group') return `g:${subject.name}`
  if (subject.kind === 'ServiceAccount') return `u:${serviceAccountUser(subject.namespace || bindingNamespace, subject.name)}`
  return `u:${subject.name}`
}

export function createRbacIndex(): RbacIndex {
  const roles = new Map<string, StoredRole>()
  const bindings = new Map<string, StoredBinding>()
  const bySubject = new Map<string, Map<string, StoredBinding>>()
  // Grows with every change: what was gathered before does not hold any more.
  let version = 0
  const remembered = new WeakMap<UserInfo, Remembered>()
  const roleKey = (kind: string, namespace: string, name: string) => (kind === 'ClusterRole' ? `c/${name}` : `r/${namespace}/${name}`)

  const removeBinding = (key: string) => {
    const old = bindings.get(key)
    if (!old) return
    bindings.delete(key)
    for (const subject of old.subjects) {
      const of = bySubject.get(subject)
      of?.delete(key)
      if (of?.size === 0) bySubject.delete(subject)
    }
  }

  const replaceBinding = (key: string, binding: RoleBinding | ClusterRoleBinding | undefined) => {
    version++
    removeBinding(key)
    if (!binding) return
    const { namespace = '', name = '' } = binding.metadata
    const shown = binding.subjects ?? []
    const stored = { key, namespace, name, roleRef: binding.roleRef, shown, subjects: shown.map((s) => subjectKey(s, namespace)) }
    bindings.set(key, stored)
    for (const subject of stored.subjects) {
      let of = bySubject.get(subject)
      if (!of) bySubject.set(subject, (of = new Map()))
      of.set(key, stored)
    }
  }
  const keyOfRole = ({ metadata: { namespace = '', name = '' } }: Role | ClusterRole) =>
    roleKey(namespace ? 'Role' : 'ClusterRole', namespace, name)
  const keyOfBinding = ({ metadata: { namespace = '', name = '' } }: RoleBinding | ClusterRoleBinding) => `${namespace}/${name}`

  return {
    setRole: (role, isGone) => {
      version++
      const key = keyOfRole(role)
      if (isGone) roles.delete(key)
      else roles.set(key, new StoredRole(role.rules ?? []))
    },
    setBinding: (binding, isGone) => replaceBinding(keyOfBinding(binding), isGone ? undefined : binding),
    rulesOf: (ref, namespace) => roles.get(roleKey(ref.kind, namespace, ref.name))?.rules,
    grantsFor: (user, namespace) => {
      let known = remembered.get(user)
      if (!known) remembered.set(user, (known = { version, byNamespace: new Map() }))
      if (known.version !== version || known.byNamespace.size >= rememberedNamespacesMax) {
        known.version = version
        known.byNamespace.clear()
      }
      const gathered = known.byNamespace.get(namespace)
      if (gathered) return gathered
      const grants: Grant[] = []
      const visit = (subject: string) => {
        for (const binding of bySubject.get(subject)?.values() ?? []) {
          const isClusterWide = binding.namespace === ''
          if (!isClusterWide && binding.namespace !== namespace) continue
          const role = roles.get(roleKey(binding.roleRef.kind, binding.namespace, binding.roleRef.name))
          if (role) grants.push({ rules: role.rules, compiled: role.compiled, reason: reasonOf(binding, subject), isClusterWide })
        }
      }
      visit(`u:${user.name}`)
      for (const group of user.groups) visit(`g:${group}`)
      known.byNamespace.set(namespace, grants)
      return grants
    },
  }
}

function reasonOf(binding: StoredBinding, subject: string): string {
  const kind = binding.namespace === '' ? 'ClusterRoleBinding' : 'RoleBinding'
  const name = binding.namespace === '' ? binding.name : `${binding.name}/${binding.namespace}`
  const at = binding.subjects.indexOf(subject)
  const shown = binding.shown[at]
  const who = shown?.kind === 'ServiceAccount' ? `${shown.name}/${shown.namespace || binding.namespace}` : (shown?.name ?? '')
  return `RBAC: allowed by ${kind} "${name}" of ${binding.roleRef.kind} "${binding.roleRef.name}" to ${shown?.kind ?? 'User'} "${who}"`
}

export function createRbacAuthorizer(index: RbacIndex): Authorizer {
  return {
    authorize: (attributes) => {
      const namespace = attributes.type === 'resource' ? attributes.namespace : ''
      for (const grant of index.grantsFor(attributes.user, namespace)) {
        if (attributes.type === 'path' && !grant.isClusterWide) continue
        if (grant.compiled.some((rule) => allows(rule, attributes))) return { allowed: true, reason: grant.reason }
      }
      return { allowed: false, reason: '' }
    },
    rulesFor: (user, namespace) => {
      const grants = index.grantsFor(user, namespace)
      const rules = grants.flatMap((g) => g.rules)
      return {
        resourceRules: rules
          .filter((r) => r.resources?.length)
          .map((r) => ({
            verbs: r.verbs ?? [],
            apiGroups: r.apiGroups ?? [],
            resources: r.resources ?? [],
            resourceNames: r.resourceNames ?? [],
          })),
        nonResourceRules: grants
          .filter((g) => g.isClusterWide)
          .flatMap((g) => g.rules)
          .filter((r) => r.nonResourceURLs?.length)
          .map((r) => ({ verbs: r.verbs ?? [], nonResourceURLs: r.nonResourceURLs ?? [] })),
      }
    },
  }
}

function allows(rule: CompiledRule, attributes: Attributes): boolean {
  return attributes.type === 'resource' ? allowsResource(rule, attributes) : allowsPath(rule, attributes.verb, attributes.path)
}
