import type { KindRef } from '../kinds/kind.ts'
import { controllerOf, type KubeObject } from '../machinery/object.ts'
import type { LoopContext, WatchDeclaration } from './contract.ts'

type Change<T> = { readonly current: T | undefined; readonly old: T | undefined }

/** A change of `kind` enqueues the keys that `keys` names; without it the object's own. */
export function watchKind<T extends KubeObject>(
  kind: KindRef<T>,
  keys?: (change: Change<T>, context: LoopContext) => readonly string[],
): WatchDeclaration {
  // The declaration is only ever called with objects of its own kind: forgetting T is safe.
  return { kind, ...(keys ? { keys } : {}) } as unknown as WatchDeclaration
}

/** A kind that is read by reconcile but whose changes enqueue nothing. */
export function readKind(kind: KindRef): WatchDeclaration {
  return { kind, keys: () => [] }
}

const none: readonly never[] = []

/** Enqueues the controller (the owner reference with `controller: true`) of the given kind, before and after the change. */
export function keysOfController(owner: { readonly group: string; readonly kind: string }) {
  const keyOfOwner = (object: KubeObject | undefined): string | undefined => {
    const reference = object && controllerOf(object)
    if (!reference || reference.kind !== owner.kind || groupOf(reference.apiVersion) !== owner.group) return undefined
    return object.metadata.namespace ? `${object.metadata.namespace}/${reference.name}` : reference.name
  }
  return ({ current, old }: Change<KubeObject>): readonly string[] => {
    const now = keyOfOwner(current)
    const before = keyOfOwner(old)
    if (now === undefined) return before === undefined ? none : [before]
    return before === undefined || before === now ? [now] : [now, before]
  }
}

function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/')
  return slash < 0 ? '' : apiVersion.slice(0, slash)
}
