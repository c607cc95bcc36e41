import { resourceQuotas } from '../../kinds/core/resource-quota.ts'
import type { Pod, ResourceQuota } from '../../kinds/generated/types/core-v1.ts'
import { addUsage, exceeded, isInScope, quotaUsage, unstatedResources, type Usage } from '../../kinds/quota-usage.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { formatQuantity, parseQuantity, QuantityError, subtractQuantity } from '../../machinery/quantity.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import type { ObjectReader } from '../objects/object-reader.ts'
import type { Resource } from '../registry.ts'
import { noAllocation, type WriteHook } from '../objects/write-hooks.ts'
import type { QuotaTurns } from './quota-turns.ts'

/** A write that is under way: not in the cache yet, or with its old amounts. */
type Pending = {
  readonly resource: Resource
  readonly object: KubeObject
  readonly usage: Usage
  /** The version that it changes; undefined: it is new. */
  readonly from: string | undefined
}

/**
 * Refuses what a namespace's ResourceQuotas do not allow (https://kubernetes.io/docs/concepts/policy/resource-quotas/). Unlike
 * upstream it does not trust the usage that the status tells: it counts what is stored and what is being written, so no two
 * requests can share the last place and a new quota holds at once. That costs a walk over the kind's objects in the namespace,
 * in namespaces with a quota only. Where several servers write to one store they take `turns`.
 */
export function resourceQuotaHook({
  reader,
  turns,
}: {
  readonly reader: ObjectReader
  readonly turns?: QuotaTurns | undefined
}): WriteHook {
  const pendings = new Map<string, Set<Pending>>()
  const memo: Memo = new WeakMap()
  const hasQuota = (namespace: string) => namespace !== '' && reader.list(resourceQuotas, namespace).length > 0
  return {
    handles: ({ kind }) => (kind.scope === 'Namespaced' && kind.persisted) || isNamespace(kind),
    ...(turns ? { prepare: (namespace: string) => (hasQuota(namespace) ? turns.enter(namespace) : undefined) } : {}),
    claimsOf: ({ kind, metadata }) => (turns && kind === 'Namespace' ? turns.unclaim(metadata.name ?? '') : []),
    allocate: ({ resource, object, old }) => {
      if (isNamespace(resource.kind)) return noAllocation
      // A change to most kinds, and any to a status, cannot take more than the object took already.
      if (old && (!mayGrow(resource) || specOf(object) === specOf(old))) return noAllocation
      const { namespace = '' } = object.metadata
      const quotas = reader.list(resourceQuotas, namespace)
      if (quotas.length === 0) return noAllocation
      const asked = askedFor(resource, object, old)
      if (!asked) return noAllocation
      const pending: Pending = { resource, object, usage: asked, from: old?.metadata.resourceVersion }
      for (const quota of quotas) check(quota, pending, { reader, memo, pendings: pendings.get(namespace) ?? new Set() })
      return { ...reserve(pendings, namespace, pending), claims: turns?.guard(namespace) }
    },
    deleted: () => {},
    takesNothing: (namespace) => !hasQuota(namespace),
  }
}

const isNamespace = ({ group, kind }: Resource['kind']) => group === '' && kind === 'Namespace'
const specOf = (object: KubeObject) => (object as { spec?: unknown }).spec
const mayGrow = ({ kind }: Resource) => kind.group === '' && ['pods', 'services', 'persistentvolumeclaims'].includes(kind.plural)

/** What the write takes beyond what the object took; undefined: nothing, or it makes no sense and validation will say so. */
function askedFor({ kind }: Resource, object: KubeObject, old: KubeObject | undefined): Usage | undefined {
  try {
    const usage = quotaUsage(kind, object)
    if (!old) return usage
    const before = quotaUsage(kind, old)
    const more = Object.entries(usage).map(([name, amount]) => [name, subtractQuantity(amount, before[name] ?? '0')] as const)
    const grown = more.filter(([, amount]) => amount !== '0' && !amount.startsWith('-'))
    return grown.length > 0 ? Object.fromEntries(grown) : undefined
  } catch (error) {
    if (error instanceof QuantityError) return undefined
    throw error
  }
}

/** Exact amounts in 10⁻⁹ units. */
type Memo = WeakMap<KubeObject, Readonly<Record<string, bigint>>>
type Counting = { readonly reader: ObjectReader; readonly memo: Memo; readonly pendings: ReadonlySet<Pending> }

function check(quota: ResourceQuota, pending: Pending, counting: Counting): void {
  const { resource, object, usage, from } = pending
  const { kind } = resource
  const hard = textOf(quota.spec?.hard ?? {})
  if (!isInScope(quota, kind, object)) return
  const refuse = (why: string) => statusErrors.forbidden(resource.name, object.metadata.name ?? '', why)
  const unstated = from === undefined && kind.group === '' && kind.plural === 'pods' ? unstatedResources(object as Pod, hard) : undefined
  if (unstated !== undefined) throw refuse(`failed quota: ${quota.metadata.name}: ${unstated}`)
  const names = Object.keys(usage).filter((name) => hard[name] !== undefined)
  if (names.length === 0) return
  const used = usedBy(quota, { pending, names }, counting)
  const over = exceeded(addUsage(used, usage), hard).filter((name) => names.includes(name))
  if (over.length === 0) return
  const show = (amounts: Usage) =>
    over
      .sort()
      .map((name) => `${name}=${amounts[name] ?? '0'}`)
      .join(',')
  throw refuse(`exceeded quota: ${quota.metadata.name}, requested: ${show(usage)}, used: ${show(used)}, limited: ${show(hard)}`)
}

function usedBy(
  quota: ResourceQuota,
  { pending, names }: { readonly pending: Pending; readonly names: readonly string[] },
  { reader, memo, pendings }: Counting,
): Usage {
  const { kind } = pending.resource
  const totals = new Map(names.map((name) => [name, 0n]))
  const add = (amounts: Readonly<Record<string, bigint>>) => {
    for (const name of names) if (amounts[name] !== undefined) totals.set(name, totals.get(name)! + amounts[name])
  }
  const stored = new Map<string | undefined, string | undefined>()
  for (const other of reader.list(kind, pending.object.metadata.namespace ?? '')) {
    if (pendings.size > 0) stored.set(other.metadata.uid, other.metadata.resourceVersion)
    if (!isInScope(quota, kind, other)) continue
    let amounts = memo.get(other)
    if (!amounts) memo.set(other, (amounts = amountsOf(quotaUsage(kind, other))))
    add(amounts)
  }
  for (const other of pendings) {
    // Counted with what is stored, or overtaken by another write.
    const isStored = stored.get(other.object.metadata.uid) !== other.from
    if (other.resource.kind.plural !== kind.plural || other.resource.kind.group !== kind.group || isStored) continue
    if (isInScope(quota, kind, other.object)) add(amountsOf(other.usage))
  }
  const format = (name: string, nano: bigint) => formatQuantity({ nano, format: parseQuantity(pending.usage[name] ?? '0').format })
  return Object.fromEntries([...totals].map(([name, nano]) => [name, format(name, nano)]))
}

function amountsOf(usage: Usage): Readonly<Record<string, bigint>> {
  return Object.fromEntries(Object.entries(usage).map(([name, text]) => [name, parseQuantity(text).nano]))
}

function reserve(pendings: Map<string, Set<Pending>>, namespace: string, pending: Pending) {
  const ofNamespace = pendings.get(namespace) ?? new Set()
  pendings.set(namespace, ofNamespace.add(pending))
  const done = () => {
    ofNamespace.delete(pending)
    if (ofNamespace.size === 0 && pendings.get(namespace) === ofNamespace) pendings.delete(namespace)
  }
  return { commit: done, release: done }
}

function textOf(list: Readonly<Record<string, string | number>>): Usage {
  return Object.fromEntries(Object.entries(list).map(([name, amount]) => [name, String(amount)]))
}
