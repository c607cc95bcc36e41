import { allKinds } from '../kinds/all.ts'
import { type KindDefinition, type KindRef, kindKey } from '../kinds/kind.ts'

/**
 * The stored kinds whose objects can be deleted, once each (not again in their other versions). Events are left out: they are
 * many, own nothing and expire by themselves.
 */
export function collectableKinds(kinds: readonly KindDefinition[] = allKinds): readonly KindRef[] {
  return kinds.filter(
    (kind) => kind.persisted && !kind.storedAs && kind.kind !== 'Event' && kind.verbs.includes('delete') && kind.verbs.includes('watch'),
  )
}

/** Kinds by `apiVersion/kind`, any version of a kind leading to the one that is stored. */
export function kindsByReference(kinds: readonly KindRef[], all: readonly KindDefinition[] = allKinds): ReadonlyMap<string, KindRef> {
  const byGroupKind = new Map(kinds.map((kind) => [`${kind.group}/${kind.kind}`, kind]))
  const result = new Map(kinds.map((kind) => [kindKey(kind), kind]))
  for (const kind of all) {
    const stored = byGroupKind.get(`${kind.group}/${kind.kind}`)
    if (stored) result.set(kindKey(kind), stored)
  }
  return result
}
