import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { compareQuantity, formatQuantity, quantityOfUnits, quantityValue } from '../../machinery/quantity.ts'

const resource = 'ephemeral-storage'

/** Bytes on the node's disk: of each emptyDir, and of each container's own layer and logs. */
export type LocalUse = { readonly volumes: ReadonlyMap<string, number>; readonly containers: ReadonlyMap<string, number> }

/** Whether the pod's use of the disk has any limit at all; without one it need not be measured. */
export function hasLocalLimit({ spec }: Pod): boolean {
  const isLimited = spec?.volumes?.some((v) => v.emptyDir && v.emptyDir.medium !== 'Memory' && v.emptyDir.sizeLimit !== undefined)
  return isLimited === true || [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].some((c) => c.resources?.limits?.[resource])
}

/** A limit that is exceeded, by upstream's name of it, and in its words. */
export type LimitExcess = { readonly signal: string; readonly message: string }

/** Which limit the pod exceeds. https://kubernetes.io/docs/concepts/storage/ephemeral-storage/ Pure. */
export function limitExcess({ spec }: Pod, { volumes, containers }: LocalUse): LimitExcess | undefined {
  for (const { name, emptyDir } of spec?.volumes ?? []) {
    const limit = emptyDir?.sizeLimit
    // Memory-backed ones cannot grow beyond theirs.
    if (limit === undefined || emptyDir?.medium === 'Memory' || isWithin(volumes.get(name), limit)) continue
    return { signal: 'emptydirfs.limit', message: `Usage of EmptyDir volume "${name}" exceeds the limit "${limit}". ` }
  }
  const limits = (spec?.containers ?? []).map((c) => c.resources?.limits?.[resource]).filter((limit) => limit !== undefined)
  const total = limits.reduce<number>((bytes, limit) => bytes + quantityValue(limit), 0)
  if (limits.length > 0 && sum(volumes.values()) + sum(containers.values()) > total) {
    const text = formatQuantity(quantityOfUnits(total, 'BinarySI'))
    return { signal: 'ephemeralpodfs.limit', message: `Pod ephemeral local storage usage exceeds the total limit of containers ${text}. ` }
  }
  for (const { name, resources } of [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])]) {
    const limit = resources?.limits?.[resource]
    if (exceeds(limit, containers.get(name)))
      return { signal: 'ephemeralcontainerfs.limit', message: `Container ${name} exceeded its local ephemeral storage limit "${limit}". ` }
  }
  return undefined
}

function exceeds(limit: string | number | undefined, bytes: number | undefined): boolean {
  return limit !== undefined && !isWithin(bytes, limit)
}

function isWithin(bytes = 0, limit: string | number): boolean {
  return compareQuantity(bytes, limit) <= 0
}

function sum(values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}
