import type { KubeObject } from '../../machinery/object.ts'
import type { Operation } from '../../store/contract.ts'
import type { Resource } from '../registry.ts'

export type Write = {
  readonly resource: Resource
  readonly object: KubeObject
  readonly old: KubeObject | undefined
  readonly dryRun: boolean
}

/**
 * Built-in behaviour of a kind that needs state beyond the object: a Service's addresses and ports. `allocate` runs on the
 * final object just before validation and changes it in place; exactly one of `commit` and `release` follows.
 */
export type WriteHook = {
  handles(resource: Resource): boolean
  /** To be awaited, where it gives something, right before `allocate`: what only the store can say. */
  prepare?(namespace: string): Promise<void> | undefined
  allocate(write: Write): Allocation
  /** The object is gone from the store. */
  deleted(object: KubeObject): void
  /** What must be written in the commit that removes the object. */
  claimsOf?(object: KubeObject): readonly Operation[]
  /** Whether new objects in the namespace take nothing now, whatever they are. Absent: each is to be asked about. */
  takesNothing?(namespace: string): boolean
}

export type Allocation = {
  commit(): void
  release(): void
  /** What must be written in the object's own commit: marks of what is taken, where other servers take from the same. */
  readonly claims?: readonly Operation[] | undefined
}

export type WriteHooks = {
  /** Undefined where there is nothing to wait for, as for nearly every write. */
  prepare(resource: Resource, namespace: string): Promise<void> | undefined
  allocate(resource: Resource, write: Omit<Write, 'resource'>): Allocation
  deleted(resource: Resource, object: KubeObject): void
  claimsOf(resource: Resource, object: KubeObject): readonly Operation[]
  /** Whether `allocate` has nothing to do for new objects in the namespace now. */
  takesNothing(resource: Resource, namespace: string): boolean
}

export const noAllocation: Allocation = { commit() {}, release() {} }

/** All hooks that handle a resource take part, in order; when one refuses those before it give back what they took. */
export function createWriteHooks(hooks: readonly WriteHook[]): WriteHooks {
  // Which hooks handle a resource never changes: asked once.
  const memo = new WeakMap<Resource, readonly WriteHook[]>()
  const hooksOf = (resource: Resource) => {
    let found = memo.get(resource)
    if (!found) memo.set(resource, (found = hooks.filter((hook) => hook.handles(resource))))
    return found
  }
  const preparing = new WeakMap<Resource, readonly WriteHook[]>()
  return {
    prepare: (resource, namespace) => {
      let found = preparing.get(resource)
      if (!found) preparing.set(resource, (found = hooksOf(resource).filter((hook) => hook.prepare)))
      if (found.length === 0) return undefined
      const pending = found.flatMap((hook) => hook.prepare!(namespace) ?? [])
      return pending.length > 0 ? Promise.all(pending).then(() => {}) : undefined
    },
    allocate: (resource, write) => {
      const allocations: Allocation[] = []
      try {
        for (const hook of hooksOf(resource)) {
          const allocation = hook.allocate({ ...write, resource })
          if (allocation !== noAllocation) allocations.push(allocation)
        }
      } catch (error) {
        for (const allocation of allocations) allocation.release()
        throw error
      }
      return joined(allocations)
    },
    deleted: (resource, object) => {
      for (const hook of hooksOf(resource)) hook.deleted(object)
    },
    takesNothing: (resource, namespace) => hooksOf(resource).every((hook) => hook.takesNothing?.(namespace) ?? false),
    claimsOf: (resource, object) => hooksOf(resource).flatMap((hook) => hook.claimsOf?.(object) ?? []),
  }
}

function joined(allocations: readonly Allocation[]): Allocation {
  if (allocations.length <= 1) return allocations[0] ?? noAllocation
  return {
    claims: allocations.flatMap((allocation) => allocation.claims ?? []),
    commit: () => {
      for (const allocation of allocations) allocation.commit()
    },
    release: () => {
      for (const allocation of allocations) allocation.release()
    },
  }
}
