import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext, ReconcileResult } from '../../control/contract.ts'
import { evictPod } from '../../control/pod-changes.ts'
import { watchKind } from '../../control/watch-declaration.ts'
import type { Node, Pod } from '../../kinds/generated/types/core-v1.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { keyOf } from '../../machinery/object.ts'
import { evictionTimeMs } from './plan.ts'

const { nodes, pods } = kindRefs.coreV1
const nodeIndex = 'node-name'

/**
 * Deletes the pods that do not tolerate their node's NoExecute taints, each when its toleration ends. Taints do not always say since when
 * they are there: a pod's time then counts from when it was first seen, and starts over with a new process, as upstream's does.
 */
export function taintEvictionController(): ControllerDefinition {
  const memory: Memory = { seen: new Map(), waiting: new Set() }
  return {
    name: 'taint-eviction',
    account: 'node-controller',
    watches: [watchKind(pods, (change, context) => keysOfPod(change, context, memory)), watchKind(nodes, keysOfNode)],
    writes: [pods],
    reconcile: (context, key) => reconcile(context, key, memory),
  }
}

/** The taints that a pod waits under, and the moment (ms) when they were first seen. */
type SeenTaints = { readonly uid: string; readonly taints: string; readonly sinceMs: number }

/** `waiting`: pods whose time under taints runs; that it stops is told. */
type Memory = { readonly seen: Map<string, SeenTaints>; readonly waiting: Set<string> }

function tell(context: LoopContext, pod: Pod, message: string): void {
  context.event(pod, { type: 'Normal', reason: 'TaintManagerEviction', message })
}

/** Only the arrival on a node and a change of tolerations matter, and only where the node has something to tolerate, or had. */
function keysOfPod(
  { current, old }: { readonly current: Pod | undefined; readonly old: Pod | undefined },
  context: LoopContext,
  { seen, waiting }: Memory,
): readonly string[] {
  const { nodeName, tolerations } = current?.spec ?? {}
  if (!current || !nodeName) return []
  if (old && old.spec?.nodeName === nodeName && deepEqual(old.spec.tolerations, tolerations)) return []
  const key = keyOf(current)
  // A node that is not known yet brings its pods along when it comes.
  const isAffected = mustBeTolerated(context.informer(nodes).get(nodeName)) || seen.has(key) || waiting.has(key)
  return isAffected ? [key] : []
}

const mustBeTolerated = (node: Node | undefined) => node?.spec?.taints?.some(({ effect }) => effect === 'NoExecute') ?? false

function keysOfNode(
  { current, old }: { readonly current: Node | undefined; readonly old: Node | undefined },
  context: LoopContext,
): readonly string[] {
  if (!current || noExecuteTaints(current) === noExecuteTaints(old)) return []
  const informer = context.informer(pods)
  informer.addIndex(nodeIndex, (pod) => (pod.spec?.nodeName ? [pod.spec.nodeName] : []))
  return informer.byIndex(nodeIndex, current.metadata.name ?? '').map((pod) => `${pod.metadata.namespace}/${pod.metadata.name}`)
}

const noExecuteTaints = (node: Node | undefined) =>
  JSON.stringify((node?.spec?.taints ?? []).filter(({ effect }) => effect === 'NoExecute'))

function firstSeenMs(
  { pod, node, key, nowMs }: { readonly pod: Pod; readonly node: Node; readonly key: string; readonly nowMs: number },
  seen: Map<string, SeenTaints>,
): number {
  const [uid, taints] = [pod.metadata.uid ?? '', noExecuteTaints(node)]
  const known = seen.get(key)
  if (known?.uid === uid && known.taints === taints) return known.sinceMs
  seen.set(key, { uid, taints, sinceMs: nowMs })
  return nowMs
}

async function reconcile(context: LoopContext, key: string, { seen, waiting }: Memory): Promise<ReconcileResult> {
  const pod = context.informer(pods).get(key)
  const node = pod?.spec?.nodeName ? context.informer(nodes).get(pod.spec.nodeName) : undefined
  if (!pod || !node) {
    waiting.delete(key)
    return void seen.delete(key)
  }
  const nowMs = context.clock.now()
  const sinceMs = firstSeenMs({ pod, node, key, nowMs }, seen)
  const timeMs = evictionTimeMs(pod, node, sinceMs)
  if (timeMs === 'never') {
    if (waiting.delete(key)) tell(context, pod, `Cancelling deletion of Pod ${key}`)
    return void seen.delete(key)
  }
  if (timeMs > nowMs) {
    waiting.add(key)
    return { requeueAfterMs: timeMs - nowMs }
  }
  // It has no time left under the taints that are new.
  if (waiting.delete(key) && sinceMs === nowMs) tell(context, pod, `Cancelling deletion of Pod ${key}`)
  tell(context, pod, `Marking for deletion Pod ${key}`)
  const message = 'Taint manager: deleting due to NoExecute taint'
  await evictPod(context, pod, { reason: 'DeletionByTaintManager', message })
}
