import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Informer } from '../../client/informer-contract.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { keyOf } from '../../machinery/object.ts'
import type { PodSource } from './pod-loop.ts'

type Handler = Parameters<PodSource['onChange']>[0]
type Change = Parameters<Handler>[0]

const nodeIndex = 'node-name'
/** Changes that are handed out between two turns of everybody else on the event loop. */
export const changesPerTurnMax = 8

/**
 * Hands the pods of one shared informer to many agents in a process, each its own node's: a change costs one look-up however many nodes
 * there are, and the API one watch.
 *
 * With `turns`, in a process that serves others too, pods that come to their nodes are handed out `changesPerTurnMax` at a time: machines of
 * their own would not hold the control plane up either. Of a pod that changes again before its turn only the last state is told, so no more waits than there are pods.
 */
export function createPodDispatcher(
  informer: Informer<Pod>,
  turns?: { readonly clock: Clock; readonly log: Log },
): { source(nodeName: string): PodSource } {
  const handlers = new Map<string, Set<Handler>>()
  const send = (nodeName: string, change: Change) => {
    for (const handler of handlers.get(nodeName) ?? []) handler(change)
  }
  const tell = ({ current, old }: Change) => {
    const from = old?.spec?.nodeName
    const to = current?.spec?.nodeName
    // A list that came after a gap shows another pod of that name, which is elsewhere or nowhere yet.
    if (from && from !== to) send(from, { current: undefined, old })
    if (to) send(to, { current, old: from === to ? old : undefined })
  }
  informer.addIndex(nodeIndex, (pod) => (pod.spec?.nodeName ? [pod.spec.nodeName] : []))
  informer.onChange(turns ? inTurns(tell, turns) : tell)
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

function inTurns(tell: Handler, { clock, log }: { readonly clock: Clock; readonly log: Log }): Handler {
  const waiting = new Map<string, Change>()
  const handOut = () => {
    let left = changesPerTurnMax
    for (const [key, change] of waiting) {
      if (left-- === 0) break
      waiting.delete(key)
      try {
        tell(change)
      } catch (error) {
        // As an informer does it: one reader's bug must not stop the others.
        log.error({ pod: key, error: String(error) }, 'a change handler failed')
      }
    }
    if (waiting.size > 0) clock.schedule(0, handOut)
  }
  return (change) => {
    const object = change.current ?? change.old
    // On no node, it is nobody's.
    if (!object || !(change.current?.spec?.nodeName ?? change.old?.spec?.nodeName)) return
    const key = keyOf(object)
    const earlier = waiting.get(key)
    // Only those that come to a node wait: what becomes of the others is told at once.
    if (!earlier && change.old?.spec?.nodeName) return tell(change)
    if (!earlier) {
      if (waiting.size === 0) clock.schedule(0, handOut)
      waiting.set(key, change)
    } else if (isOfOnePod(earlier, change)) {
      waiting.set(key, { current: change.current, old: change.current ? earlier.old : change.old })
    } else {
      // Another pod of that name: the end of the one that was is told before.
      waiting.set(key, change)
      tell(earlier)
    }
  }
}

function isOfOnePod(earlier: Change, later: Change): boolean {
  const uid = earlier.current?.metadata.uid
  const isIts = (pod: Pod | undefined) => pod === undefined || pod.metadata.uid === uid
  return uid !== undefined && isIts(earlier.old) && isIts(later.old) && isIts(later.current)
}
