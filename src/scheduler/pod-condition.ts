import { toTime } from '../base/clock.ts'
import type { PodChange } from '../client/contract.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import type { LoopContext } from '../control/contract.ts'
import { changePods } from '../control/pod-changes.ts'
import type { Pod } from '../kinds/generated/types/core-v1.ts'
import { observedGeneration, podCondition } from '../kinds/pod-status.ts'
import { TurnBatch } from './turn-batch.ts'

export type SchedulingFailure = {
  readonly reason: string
  readonly message: string
  /** The node that victims are leaving for this pod; '' clears it, undefined leaves it. */
  readonly nominatedNodeName?: string
  readonly signal: AbortSignal
}

/** What is said of pods in one turn, in one call where the client has one. */
export type PodChanges = Pick<TurnBatch<PodChange, unknown>, 'post'>

export const podChanges = ({ client }: LoopContext): PodChanges => new TurnBatch((changes, signal) => changePods(client, changes, signal))

/** Writes `PodScheduled=False` where it would change something. A failed write only costs a message: the next attempt writes again. */
export async function writePodCondition(context: LoopContext, changes: PodChanges, pod: Pod, failure: SchedulingFailure): Promise<void> {
  const old = podCondition(pod, 'PodScheduled')
  const { nominatedNodeName, reason, message, signal } = failure
  const isNominationNew = nominatedNodeName !== undefined && nominatedNodeName !== (pod.status?.nominatedNodeName ?? '')
  if (old?.status === 'False' && old.reason === reason && old.message === message && !isNominationNew) return
  const condition = {
    type: 'PodScheduled',
    status: 'False',
    reason,
    message,
    lastProbeTime: null,
    lastTransitionTime: (old?.status === 'False' ? old.lastTransitionTime : undefined) ?? toTime(context.clock.now()),
    ...observedGeneration(pod),
  } as const
  const { namespace = '', name = '', uid = '' } = pod.metadata
  try {
    await changes.post({ namespace, name, uid, condition, ...(isNominationNew ? { nominatedNodeName } : {}) }, signal)
  } catch (error) {
    if (!signal.aborted) context.log.debug({ pod: pod.metadata.name, error: String(error) }, 'could not write PodScheduled')
  }
}

/** Says where a pod is going that has to wait first for what it needs there; the binding takes it away. Never rejects. */
export async function writeNomination(context: LoopContext, pod: Pod, nodeName: string, signal: AbortSignal): Promise<void> {
  if (pod.status?.nominatedNodeName === nodeName) return
  const body = { metadata: { uid: pod.metadata.uid }, status: { nominatedNodeName: nodeName } }
  try {
    await context.client
      .resource(kindRefs.coreV1.pods, pod.metadata.namespace)
      .patch(pod.metadata.name!, { type: 'strategic', body }, { subresource: 'status', signal })
  } catch (error) {
    if (!signal.aborted) context.log.debug({ pod: pod.metadata.name, error: String(error) }, 'could not write the nomination')
  }
}
