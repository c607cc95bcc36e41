/** The default roles and bindings as objects that every cluster has: brought up to date at start, keeping what administrators added. */
import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, Subject } from '../../kinds/generated/types/rbac-v1.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import type { KubeObject } from '../../machinery/object.ts'
import type { Policy } from './bootstrap-policy.ts'
import type { WantedObject } from '../wanted-objects.ts'
import { uncovered } from './rule.ts'

const autoUpdate = 'rbac.authorization.kubernetes.io/autoupdate'

type AnyRole = Role | ClusterRole
type AnyBinding = RoleBinding | ClusterRoleBinding

const group = 'rbac.authorization.k8s.io'

export function policyObjects({ clusterRoles, clusterRoleBindings, roles, roleBindings }: Policy): readonly WantedObject[] {
  const role = (plural: string) => (object: AnyRole) => ({
    group,
    plural,
    object,
    mended: (current: AnyRole) => mendedRole(object, current),
  })
  const binding = (plural: string) => (object: AnyBinding) => {
    return { group, plural, object, mended: (current: KubeObject) => mendedBinding(object, current as AnyBinding) }
  }
  return [
    ...clusterRoles.map(role('clusterroles')),
    ...clusterRoleBindings.map(binding('clusterrolebindings')),
    ...roles.map(role('roles')),
    ...roleBindings.map(binding('rolebindings')),
  ]
}

/** Pure: the role to write, or undefined when what is there will do. Rules are only ever added, but to roles that are Keelson's own. */
export function mendedRole<T extends AnyRole>(wanted: T, current: T): T | undefined {
  if (current.metadata.annotations?.[autoUpdate] === 'false') return undefined
  const isAggregated = 'aggregationRule' in wanted && wanted.aggregationRule !== undefined
  // Almost always, and then nothing need be taken apart: at every start there are a hundred roles to look at.
  const isSame = deepEqual(current.rules ?? [], wanted.rules ?? [])
  const missing = isAggregated || isSame ? [] : uncovered(current.rules ?? [], wanted.rules ?? [])
  const excess = isOwn(wanted) && !isSame ? uncovered(wanted.rules ?? [], current.rules ?? []) : []
  const metadata = mergedMetadata(wanted, current)
  const aggregation = isAggregated && !deepEqual((current as ClusterRole).aggregationRule, (wanted as ClusterRole).aggregationRule)
  if (missing.length + excess.length === 0 && metadata === current.metadata && !aggregation) return undefined
  return {
    ...current,
    metadata,
    ...(isAggregated
      ? { aggregationRule: (wanted as ClusterRole).aggregationRule }
      : { rules: excess.length > 0 ? (wanted.rules ?? []) : ([...(current.rules ?? []), ...missing] satisfies PolicyRule[]) }),
  }
}

/** Nobody else defines it: what an older version granted and this one does not is taken back. */
const isOwn = ({ metadata }: AnyRole) => metadata.name?.startsWith('keelson:') ?? false

/** Pure: the binding to write, or undefined. Subjects are only ever added; a changed role reference means a new object. */
export function mendedBinding<T extends AnyBinding>(wanted: T, current: T): T | 'anew' | undefined {
  if (current.metadata.annotations?.[autoUpdate] === 'false') return undefined
  if (!deepEqual(current.roleRef, wanted.roleRef)) return 'anew'
  const same = (a: Subject, b: Subject) => a.kind === b.kind && a.name === b.name && (a.namespace ?? '') === (b.namespace ?? '')
  const missing = (wanted.subjects ?? []).filter((w) => !current.subjects?.some((c) => same(c, w)))
  const metadata = mergedMetadata(wanted, current)
  if (missing.length === 0 && metadata === current.metadata) return undefined
  return { ...current, metadata, subjects: [...(current.subjects ?? []), ...missing] }
}

function mergedMetadata(wanted: KubeObject, current: KubeObject): KubeObject['metadata'] {
  const lacks = (have: Record<string, string> | undefined, want: Record<string, string> | undefined) =>
    Object.entries(want ?? {}).some(([k]) => have?.[k] === undefined)
  if (!lacks(current.metadata.labels, wanted.metadata.labels) && !lacks(current.metadata.annotations, wanted.metadata.annotations))
    return current.metadata
  return {
    ...current.metadata,
    labels: { ...wanted.metadata.labels, ...current.metadata.labels },
    annotations: { ...wanted.metadata.annotations, ...current.metadata.annotations },
  }
}
