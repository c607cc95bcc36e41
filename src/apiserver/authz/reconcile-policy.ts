/** Brings the default roles and bindings up to date at start, keeping what administrators added. */
import type { Client } from '../../client/contract.ts'
import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, Subject } from '../../kinds/generated/types/rbac-v1.ts'
import type { KindRef } from '../../kinds/kind.ts'
import { clusterRoleBindings } from '../../kinds/rbac/cluster-role-binding.ts'
import { clusterRoles } from '../../kinds/rbac/cluster-role.ts'
import { roleBindings } from '../../kinds/rbac/role-binding.ts'
import { roles } from '../../kinds/rbac/role.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import type { Policy } from './bootstrap-policy.ts'
import { uncovered } from './rule.ts'

const autoUpdate = 'rbac.authorization.kubernetes.io/autoupdate'

type AnyRole = Role | ClusterRole
type AnyBinding = RoleBinding | ClusterRoleBinding

/** Pure: the role to write, or undefined when what is there will do. Rules are only ever added, but to roles that are Keelson's own. */
export function planRole<T extends AnyRole>(wanted: T, current: T | undefined): T | undefined {
  if (!current) return wanted
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
export function planBinding<T extends AnyBinding>(wanted: T, current: T | undefined): { write: T; isReplacement: boolean } | undefined {
  if (!current) return { write: wanted, isReplacement: false }
  if (current.metadata.annotations?.[autoUpdate] === 'false') return undefined
  if (!deepEqual(current.roleRef, wanted.roleRef)) return { write: wanted, isReplacement: true }
  const same = (a: Subject, b: Subject) => a.kind === b.kind && a.name === b.name && (a.namespace ?? '') === (b.namespace ?? '')
  const missing = (wanted.subjects ?? []).filter((w) => !current.subjects?.some((c) => same(c, w)))
  const metadata = mergedMetadata(wanted, current)
  if (missing.length === 0 && metadata === current.metadata) return undefined
  return { write: { ...current, metadata, subjects: [...(current.subjects ?? []), ...missing] }, isReplacement: false }
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

/** What is stored now, of one kind. */
export type StoredPolicy = <T extends KubeObject>(kind: KindRef<T>) => readonly T[]

/**
 * Brings what is stored up to date, and resolves to what makes the rest: the defaults hold before they are stored, so nobody need wait
 * for that. Namespaces of the namespaced roles must exist. A lost race with another server is no error.
 */
export async function reconcilePolicy(client: Client, policy: Policy, stored: StoredPolicy): Promise<() => Promise<void>> {
  const resource = (object: KubeObject, kind: KindRef) => client.resource(kind, object.metadata.namespace)
  const plans: Plan[] = [
    ...plansOf(clusterRoles as KindRef<ClusterRole>, policy.clusterRoles, stored, writeRole),
    ...plansOf(clusterRoleBindings as KindRef<ClusterRoleBinding>, policy.clusterRoleBindings, stored, writeBinding),
    ...plansOf(roles as KindRef<Role>, policy.roles, stored, writeRole),
    ...plansOf(roleBindings as KindRef<RoleBinding>, policy.roleBindings, stored, writeBinding),
  ]
  const perform = async (some: readonly Plan[]): Promise<void> => {
    await Promise.all(
      some.map(async ({ kind, wanted, current, write }) => {
        try {
          await write(resource(wanted, kind), wanted as never, current as never)
        } catch (error) {
          if (!isStatus(error, 'AlreadyExists') && !isStatus(error, 'Conflict')) throw error
        }
      }),
    )
  }
  await perform(plans.filter(({ current }) => current !== undefined))
  return () => perform(plans.filter(({ current }) => current === undefined))
}

type Writer = <T extends AnyRole & AnyBinding>(
  resource: ReturnType<Client['resource']>,
  wanted: T,
  current: T | undefined,
) => Promise<unknown>

type Plan = { readonly kind: KindRef; readonly wanted: KubeObject; readonly current: KubeObject | undefined; readonly write: Writer }

function plansOf<T extends KubeObject>(kind: KindRef<T>, wanted: readonly T[], stored: StoredPolicy, write: Writer): Plan[] {
  const keyOf = ({ metadata: { namespace = '', name } }: KubeObject) => `${namespace}/${name}`
  const current = new Map(stored(kind).map((object) => [keyOf(object), object]))
  return wanted.map((object) => ({ kind: kind as KindRef, wanted: object, current: current.get(keyOf(object)), write }))
}

const writeRole: Writer = async (resource, wanted, current) => {
  const next = planRole(wanted as AnyRole, current as AnyRole | undefined)
  if (next) await (current ? resource.update(next) : resource.create(next))
}

const writeBinding: Writer = async (resource, wanted, current) => {
  const next = planBinding(wanted as AnyBinding, current as AnyBinding | undefined)
  if (!next) return
  if (next.isReplacement) await resource.delete(wanted.metadata.name!)
  await (current && !next.isReplacement ? resource.update(next.write) : resource.create(next.write))
}
