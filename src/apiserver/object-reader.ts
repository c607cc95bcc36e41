import type { KindRef } from '../kinds/kind.ts'
import type { KubeObject } from '../machinery/object.ts'
import { type ObjectStorage, viewOf } from './object-storage.ts'
import { prefixOf, type Registry, type Resource } from './registry.ts'

/** Reads from the cache for the server's own rules: no authorization, no copies. What it gives is shared: never change it. */
export type ObjectReader = {
  get<T extends KubeObject>(kind: KindRef<T>, namespace: string, name: string): T | undefined
  /** All of a namespace, or of the cluster when it is empty. */
  list<T extends KubeObject>(kind: KindRef<T>, namespace: string): T[]
}

export function createObjectReader(registry: Registry, storage: ObjectStorage): ObjectReader {
  const resourceOf = (kind: KindRef): Resource | undefined => registry.find(kind.group, kind.version, kind.plural)
  return {
    get: <T extends KubeObject>(kind: KindRef<T>, namespace: string, name: string) => {
      const resource = resourceOf(kind)
      const entry = resource && storage.get(resource, namespace, name)
      return entry && (viewOf(resource, entry.value) as T)
    },
    list: <T extends KubeObject>(kind: KindRef<T>, namespace: string) => {
      const resource = resourceOf(kind)
      if (!resource) return []
      return storage.cache.list(prefixOf(resource, namespace)).map((entry) => viewOf(resource, entry.value) as T)
    },
  }
}
