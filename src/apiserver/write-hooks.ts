import type { KubeObject } from '../machinery/object.ts'
import type { Resource } from './registry.ts'

/**
 * Built-in behaviour of a kind that needs state beyond the object: a Service's addresses and ports. `allocate` runs on the
 * final object just before validation and changes it in place; exactly one of `commit` and `release` follows.
 */
export type WriteHook = {
  handles(resource: Resource): boolean
  allocate(write: { readonly object: KubeObject; readonly old: KubeObject | undefined; readonly dryRun: boolean }): Allocation
  /** The object is gone from the store. */
  deleted(object: KubeObject): void
}

export type Allocation = { commit(): void; release(): void }

export type WriteHooks = {
  allocate(resource: Resource, write: Parameters<WriteHook['allocate']>[0]): Allocation
  deleted(resource: Resource, object: KubeObject): void
}

export const noAllocation: Allocation = { commit() {}, release() {} }

export function createWriteHooks(hooks: readonly WriteHook[]): WriteHooks {
  const hookOf = (resource: Resource) => hooks.find((h) => h.handles(resource))
  return {
    allocate: (resource, write) => hookOf(resource)?.allocate(write) ?? noAllocation,
    deleted: (resource, object) => hookOf(resource)?.deleted(object),
  }
}
