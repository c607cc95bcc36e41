import { toTime } from '../../base/clock.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext, ReconcileResult } from '../../control/contract.ts'
import { taintKeys } from '../../control/taints.ts'
import { watchKind } from '../../control/watch-declaration.ts'
import type { Node, Pod, PodCondition } from '../../kinds/generated/types/core-v1.ts'
import { isPodTerminal, observedGeneration } from '../../kinds/pod-status.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { planPodGc } from './plan.ts'

const { nodes, pods } = kindRefs.coreV1
/** There is one thing to look at: all pods. */
const everything = 'pods'
const nodeIndex = 'node-name'
const endIndex = 'ended-or-ending'
const defaultTerminatedMax = 12_500

/** Removes pods that nobody else will: of nodes that are gone, deleted before they had a node, or ended and too many. */
export function podGcController(options: { readonly terminatedMax?: number | undefined } = {}): ControllerDefinition {
  const missing = new Map<string, number>()
  return {
    name: 'pod-garbage-collector',
    account: 'pod-garbage-collector',
    watches: [
      watchKind(nodes, ({ current, old }) => (current && old && isOutOfService(current) === isOutOfService(old) ? [] : [everything])),
      watchKind(pods, ({ current }, context) => (current && isSuspect(current, context) ? [everything] : [])),
    ],
    writes: [pods],
    minIntervalMs: 1_000,
    reconcile: (context) => reconcile(context, missing, options.terminatedMax ?? defaultTerminatedMax),
  }
}

/** By their nodes, and those that have ended or shall: nothing here looks at all pods of a big cluster. */
function indexedPods(context: LoopContext) {
  const informer = context.informer(pods)
  informer.addIndex(nodeIndex, ({ spec }) => (spec?.nodeName ? [spec.nodeName] : []))
  informer.addIndex(endIndex, (pod) => (isPodTerminal(pod) || pod.metadata.deletionTimestamp ? [''] : []))
  return informer
}

function isOutOfService(node: Node | undefined): boolean {
  const isReady = node?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
  return !isReady && (node?.spec?.taints ?? []).some(({ key }) => key === taintKeys.outOfService)
}

function isSuspect(pod: Pod, context: LoopContext): boolean {
  indexedPods(context)
  const { nodeName } = pod.spec ?? {}
  if (!nodeName) return pod.metadata.deletionTimestamp !== undefined
  const node = context.informer(nodes).get(nodeName)
  return isPodTerminal(pod) || !node || (pod.metadata.deletionTimestamp !== undefined && isOutOfService(node))
}

async function reconcile(context: LoopContext, missing: Map<string, number>, terminatedMax: number): Promise<ReconcileResult> {
  const nowMs = context.clock.now()
  const podInformer = indexedPods(context)
  const nodeInformer = context.informer(nodes)
  const named = new Set([...podInformer.indexValues(nodeIndex)].filter((name) => !nodeInformer.get(name)))
  for (const name of missing.keys()) if (!named.has(name)) missing.delete(name)
  for (const name of named) if (!missing.has(name)) missing.set(name, nowMs)
  const plan = planPodGc(
    {
      pods: [...new Set([...podInformer.byIndex(endIndex, ''), ...[...named].flatMap((name) => podInformer.byIndex(nodeIndex, name))])],
      missingSinceMs: (name) => missing.get(name),
      isOutOfService: (name) => isOutOfService(nodeInformer.get(name)),
      terminatedMax,
    },
    nowMs,
  )
  const reallyGone = new Set<string>()
  for (const name of new Set(plan.orphans.map((pod) => pod.spec?.nodeName ?? ''))) if (await isGone(context, name)) reallyGone.add(name)
  for (const pod of plan.orphans) if (reallyGone.has(pod.spec?.nodeName ?? '')) await removeOrphan(context, pod)
  // A finalizer may keep the object: it has ended all the same.
  for (const pod of [...plan.outOfService, ...plan.unscheduled]) {
    if (!isPodTerminal(pod)) await markFailed(context, pod, pod.status?.conditions)
    await remove(context, pod)
  }
  for (const pod of plan.terminated) await remove(context, pod)
  return plan.requeueAfterMs === undefined ? undefined : { requeueAfterMs: plan.requeueAfterMs }
}

/** Read live: the cache's word is not enough to destroy pods on. */
async function isGone(context: LoopContext, name: string): Promise<boolean> {
  try {
    await context.client.resource(nodes).get(name)
    return false
  } catch (error) {
    if (isStatus(error, 'NotFound')) return true
    throw error
  }
}

/** Says why first, so that a Job or a person can tell it from a failure of its own. */
async function removeOrphan(context: LoopContext, pod: Pod): Promise<void> {
  if (!isPodTerminal(pod)) {
    const reason = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'DeletionByPodGC',
      message: 'PodGC: node no longer exists',
      lastTransitionTime: toTime(context.clock.now()),
      ...observedGeneration(pod),
    }
    const conditions = [...(pod.status?.conditions ?? []).filter(({ type }) => type !== reason.type), reason]
    await markFailed(context, pod, conditions)
  }
  await remove(context, pod)
}

async function markFailed(context: LoopContext, pod: Pod, conditions: readonly PodCondition[] | undefined): Promise<void> {
  const status = {
    ...pod.status,
    ...observedGeneration(pod),
    phase: 'Failed' as const,
    ...(conditions ? { conditions: [...conditions] } : {}),
  }
  try {
    await context.client.resource(pods, pod.metadata.namespace).updateStatus({ ...pod, status })
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw error
  }
}

async function remove(context: LoopContext, pod: Pod): Promise<void> {
  const { namespace, name = '', uid = '' } = pod.metadata
  try {
    await context.client.resource(pods, namespace).delete(name, { gracePeriodSeconds: 0, preconditions: { uid } })
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw error
  }
}
