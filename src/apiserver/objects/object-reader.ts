import type { KindRef } from '../../kinds/kind.ts'
import type { KubeObject } from '../../machinery/object.ts'
import type { Labels } from './cached-object.ts'
import { type ObjectStorage, viewOf } from './object-storage.ts'
import { prefixOf, type Registry, type Resource } from '../registry.ts'

/** Reads from the cache for the server's own rules: no authorization, no copies. What it gives is shared: never change it. */
export type ObjectReader = {
  get<T extends KubeObject>(kind: KindRef<T>, namespace: string, name: string): T | undefined
  /** The labels alone, without parsing the rest. */
  labelsOf(kind: KindRef, namespace: string, name: string): Labels | undefined
  /** All of a namespace, or of the cluster when it is empty. */
  list<T extends KubeObject>(kind: KindRef<T>, namespace: string): readonly T[]
}

/** Longer lists are gathered each time: what is kept stays parsed. */
const keptItemsMax = 64
/** Of one kind. */
const keptListsMax = 1_024

type KeptLists = { mark: number; readonly byNamespace: Map<string, readonly KubeObject[]> }

export function createObjectReader(registry: Registry, storage: ObjectStorage): ObjectReader {
  const resources = new WeakMap<KindRef, { readonly generation: number; readonly resource: Resource | undefined }>()
  const resourceOf = (kind: KindRef): Resource | undefined => {
    const known = resources.get(kind)
    if (known?.generation === registry.generation) return known.resource
    const resource = registry.find(kind.group, kind.version, kind.plural)
    resources.set(kind, { generation: registry.generation, resource })
    return resource
  }
  // Every write asks for the same few short lists, most of them empty (quotas, limits, default classes): kept until their kind changes.
  const kept = new WeakMap<Resource, KeptLists>()
  const listsOf = (resource: Resource): KeptLists['byNamespace'] => {
    const mark = storage.cache.changeMark(resource.prefix)
    let lists = kept.get(resource)
    if (!lists) kept.set(resource, (lists = { mark, byNamespace: new Map() }))
    if (lists.mark !== mark || lists.byNamespace.size >= keptListsMax) {
      lists.mark = mark
      lists.byNamespace.clear()
    }
    return lists.byNamespace
  }
  return {
    get: <T extends KubeObject>(kind: KindRef<T>, namespace: string, name: string) => {
      const resource = resourceOf(kind)
      const entry = resource && storage.get(resource, namespace, name)
      return entry && (viewOf(resource, entry.value) as T)
    },
    labelsOf: (kind, namespace, name) => {
      const resource = resourceOf(kind)
      return resource && storage.get(resource, namespace, name)?.value.labels
    },
    list: <T extends KubeObject>(kind: KindRef<T>, namespace: string) => {
      const resource = resourceOf(kind)
      if (!resource) return []
      // Other views may change with more than what is stored.
      const lists = resource.conversion ? undefined : listsOf(resource)
      const known = lists?.get(namespace)
      if (known) return known as readonly T[]
      const list = storage.cache.list(prefixOf(resource, namespace)).map((entry) => viewOf(resource, entry.value) as T)
      if (list.length <= keptItemsMax) lists?.set(namespace, list)
      return list
    },
  }
}
