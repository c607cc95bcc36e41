import type { Informer } from '../../client/informer-contract.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { PodSource } from './pod-loop.ts'

type Handler = Parameters<PodSource['onChange']>[0]

const nodeIndex = 'node-name'

/**
 * Hands the pods of one shared informer to many agents in a process, each its own node's: a change costs one look-up however many nodes
 * there are, and the API one watch.
 */
export function createPodDispatcher(informer: Informer<Pod>): { source(nodeName: string): PodSource } {
  const handlers = new Map<string, Set<Handler>>()
  informer.addIndex(nodeIndex, (pod) => (pod.spec?.nodeName ? [pod.spec.nodeName] : []))
  informer.onChange((change) => {
    const nodeName = change.current?.spec?.nodeName ?? change.old?.spec?.nodeName
    if (nodeName) for (const handler of handlers.get(nodeName) ?? []) handler(change)
  })
  return {
    source: (nodeName) => ({
      synced: (signal) => informer.synced(signal),
      list: () => informer.byIndex(nodeIndex, nodeName),
      onChange: (handler) => {
        const own = handlers.get(nodeName) ?? new Set<Handler>()
        handlers.set(nodeName, own.add(handler))
        for (const current of informer.byIndex(nodeIndex, nodeName)) handler({ current, old: undefined })
        return () => {
          own.delete(handler)
          if (own.size === 0) handlers.delete(nodeName)
        }
      },
    }),
  }
}
