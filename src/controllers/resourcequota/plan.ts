import type { ResourceQuota, ResourceQuotaStatus } from '../../kinds/generated/types/core-v1.ts'
import type { KindRef } from '../../kinds/kind.ts'
import { addUsage, countedByName, countName, isInScope, quotaUsage, type Usage } from '../../kinds/quota-usage.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { canonicalQuantity } from '../../machinery/quantity.ts'

/** What a quota's status should tell; undefined: it does. `countable`: whether a name of the quota is one that is counted here. */
export function planQuotaStatus(
  quota: ResourceQuota,
  objects: readonly (readonly [kind: KindRef, objects: readonly KubeObject[]])[],
  countable: (name: string) => boolean,
): ResourceQuotaStatus | undefined {
  const hard = Object.fromEntries(Object.entries(quota.spec?.hard ?? {}).map(([name, amount]) => [name, canonicalQuantity(amount)]))
  let total: Usage = {}
  for (const [kind, list] of objects)
    for (const object of list) if (isInScope(quota, kind, object)) total = addUsage(total, namedIn(hard, quotaUsage(kind, object)))
  const names = Object.keys(hard).filter(countable)
  const used = Object.fromEntries(names.map((name) => [name, canonicalQuantity(total[name] ?? '0')]))
  return deepEqual(quota.status ?? {}, { hard, used }) ? undefined : { hard, used }
}

function namedIn(hard: Usage, usage: Usage): Usage {
  return Object.fromEntries(Object.entries(usage).filter(([name]) => hard[name] !== undefined))
}

const computeName = /^((requests|limits)\.)?(cpu|memory|ephemeral-storage)$|^(requests\.)?hugepages-|^requests\.(storage|.+\/.+)$/
const hasClass = /\.storageclass\.storage\.k8s\.io\/|\.deviceclass\.resource\.k8s\.io\/devices$/
const bareNames = new Set(['pods', 'services.loadbalancers', 'services.nodeports'])

/** Whether a quota's name is counted from objects of these kinds. */
export function isCountable(name: string, kinds: readonly KindRef[]): boolean {
  return computeName.test(name) || bareNames.has(name) || hasClass.test(name) || kinds.some((kind) => countsKind(name, kind))
}

/** Whether a quota's name tells the number of the kind's objects. */
export function countsKind(name: string, { group, plural }: KindRef): boolean {
  return name === countName({ group, plural }) || (group === '' && countedByName.has(plural) && name === plural)
}
