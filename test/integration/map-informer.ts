import type { Informer } from '../../src/client/informer-contract.ts'
import type { KubeObject } from '../../src/machinery/object.ts'

/** An informer whose objects the test itself puts in and takes out. */
export type MapInformer<T extends KubeObject> = Informer<T> & {
  put(object: T): void
  delete(key: string): void
}

export function mapInformer<T extends KubeObject>(): MapInformer<T> {
  const objects = new Map<string, T>()
  const indexes = new Map<string, (object: T) => readonly string[]>()
  const handlers = new Set<Parameters<Informer<T>['onChange']>[0]>()
  const keyOf = ({ metadata }: T) => (metadata.namespace ? `${metadata.namespace}/${metadata.name}` : metadata.name!)
  return {
    hasSynced: true,
    synced: async () => {},
    resourceVersion: '1',
    get: (key) => objects.get(key),
    list: (namespace) => [...objects.values()].filter((object) => namespace === undefined || object.metadata.namespace === namespace),
    byIndex: (index, value) => [...objects.values()].filter((object) => indexes.get(index)!(object).includes(value)),
    indexValues: (index) => new Set([...objects.values()].flatMap(indexes.get(index)!)),
    addIndex: (name, valuesOf) => void indexes.set(name, valuesOf),
    onChange: (handler) => {
      handlers.add(handler)
      for (const current of objects.values()) handler({ current, old: undefined })
      return () => handlers.delete(handler)
    },
    put: (object) => {
      const old = objects.get(keyOf(object))
      objects.set(keyOf(object), object)
      for (const handler of handlers) handler({ current: object, old })
    },
    delete: (key) => {
      const old = objects.get(key)
      objects.delete(key)
      if (old) for (const handler of handlers) handler({ current: undefined, old })
    },
  }
}
