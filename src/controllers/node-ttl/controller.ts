import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext } from '../../control/contract.ts'
import { watchKind } from '../../control/watch-declaration.ts'
import type { Node } from '../../kinds/generated/types/core-v1.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { ttlAnnotation, ttlSeconds } from './plan.ts'

const { nodes } = kindRefs.coreV1

/** Tells the nodes for how long they may trust what they have read: the longer, the more of them there are. */
export function nodeTtlController(): ControllerDefinition {
  let seconds = 0
  const keysOf = ({ current, old }: { current: Node | undefined; old: Node | undefined }, context: LoopContext): readonly string[] => {
    if (current && old && current.metadata.annotations?.[ttlAnnotation] === old.metadata.annotations?.[ttlAnnotation]) return []
    const all = context.informer(nodes).list()
    const wanted = ttlSeconds(all.length, seconds)
    const isSame = wanted === seconds
    seconds = wanted
    if (!isSame) return all.map(({ metadata }) => metadata.name ?? '')
    return current ? [current.metadata.name ?? ''] : []
  }
  return {
    name: 'ttl',
    watches: [watchKind(nodes, keysOf)],
    writes: [nodes],
    reconcile: async (context, name) => {
      const node = context.informer(nodes).get(name)
      if (!node || node.metadata.annotations?.[ttlAnnotation] === String(seconds)) return
      const body = { metadata: { uid: node.metadata.uid, annotations: { [ttlAnnotation]: String(seconds) } } }
      try {
        await context.client.resource(nodes).patch(name, { type: 'merge', body })
      } catch (error) {
        // Gone, or another of the name: that one comes by itself.
        if (!isStatus(error, 'NotFound') && !isStatus(error, 'Conflict')) throw error
        if (isStatus(error, 'Conflict') && (await context.client.resource(nodes).get(name)).metadata.uid === node.metadata.uid) throw error
      }
    },
  }
}
