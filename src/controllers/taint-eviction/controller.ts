import { toTime } from '../../base/clock.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext, ReconcileResult } from '../../control/contract.ts'
import { watchKind } from '../../control/watch-declaration.ts'
import type { Node, Pod } from '../../kinds/generated/types/core-v1.ts'
import { splitKey } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { evictionTimeMs } from './plan.ts'

const { nodes, pods } = kindRefs.coreV1
const nodeIndex = 'node-name'

/** Deletes the pods that do not tolerate their node's NoExecute taints, each when its toleration ends. */
export const taintEvictionController: ControllerDefinition = {
  name: 'taint-eviction',
  watches: [watchKind(pods, keysOfPod), watchKind(nodes, keysOfNode)],
  writes: [pods],
  reconcile,
}

/** Only the arrival on a node and a change of tolerations matter. */
function keysOfPod({ current, old }: { readonly current: Pod | undefined; readonly old: Pod | undefined }): readonly string[] {
  const trace = (pod: Pod | undefined) => JSON.stringify([pod?.spec?.nodeName, pod?.spec?.tolerations])
  if (!current?.spec?.nodeName || (old && trace(current) === trace(old))) return []
  return [`${current.metadata.namespace}/${current.metadata.name}`]
}

function keysOfNode(
  { current, old }: { readonly current: Node | undefined; readonly old: Node | undefined },
  context: LoopContext,
): readonly string[] {
  const trace = (node: Node | undefined) => JSON.stringify((node?.spec?.taints ?? []).filter(({ effect }) => effect === 'NoExecute'))
  if (!current || trace(current) === trace(old)) return []
  const informer = context.informer(pods)
  informer.addIndex(nodeIndex, (pod) => (pod.spec?.nodeName ? [pod.spec.nodeName] : []))
  return informer.byIndex(nodeIndex, current.metadata.name ?? '').map((pod) => `${pod.metadata.namespace}/${pod.metadata.name}`)
}

async function reconcile(context: LoopContext, key: string): Promise<ReconcileResult> {
  const pod = context.informer(pods).get(key)
  const node = pod?.spec?.nodeName ? context.informer(nodes).get(pod.spec.nodeName) : undefined
  if (!pod || !node || pod.metadata.deletionTimestamp) return
  const nowMs = context.clock.now()
  const timeMs = evictionTimeMs(pod, node, nowMs)
  if (timeMs === 'never') return
  if (timeMs > nowMs) return { requeueAfterMs: timeMs - nowMs }
  const { namespace, name } = splitKey(key)
  const resource = context.client.resource(pods, namespace)
  context.event(pod, { type: 'Normal', reason: 'TaintManagerEviction', message: `Marking for deletion Pod ${key}` })
  const reason = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'DeletionByTaintManager',
    message: 'Taint manager: deleting due to NoExecute taint',
    lastTransitionTime: toTime(nowMs),
  }
  const conditions = [...(pod.status?.conditions ?? []).filter(({ type }) => type !== reason.type), reason]
  try {
    await resource.updateStatus({ ...pod, status: { ...pod.status, conditions } })
    await resource.delete(name, { preconditions: { uid: pod.metadata.uid ?? '' } })
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw error
  }
}
