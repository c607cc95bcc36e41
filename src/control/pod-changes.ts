import { toTime } from '../base/clock.ts'
import type { PodChange } from '../client/contract.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import { podPatch } from '../client/pod-patch.ts'
import type { Pod } from '../kinds/generated/types/core-v1.ts'
import { observedGeneration } from '../kinds/pod-status.ts'
import { isStatus } from '../machinery/status-error.ts'
import type { LoopContext } from './contract.ts'

export type Reason = { readonly reason: string; readonly message: string }

/** Says in the pod's conditions why it is disrupted, and deletes it. Gives false, and has done nothing, for one that is gone. */
export async function evictPod({ client, clock }: Pick<LoopContext, 'client' | 'clock'>, pod: Pod, why: Reason): Promise<boolean> {
  try {
    const [outcome] = await changePods(client, [evictionOf({ clock }, pod, why)])
    if (outcome!.status === 'rejected') throw outcome!.reason
    return true
  } catch (error) {
    if (isStatus(error, 'NotFound')) return false
    throw error
  }
}

/** What is to be done to a pod that is evicted. */
export function evictionOf({ clock }: Pick<LoopContext, 'clock'>, pod: Pod, { reason, message }: Reason): PodChange {
  const { namespace = '', name = '', uid = '' } = pod.metadata
  const lastTransitionTime = toTime(clock.now())
  const condition = { type: 'DisruptionTarget', status: 'True', reason, message, lastTransitionTime, ...observedGeneration(pod) } as const
  return { namespace, name, uid, condition, deletes: true }
}

/** See `changePods` of Client; where it has none, a request or two for each. */
export async function changePods(
  client: LoopContext['client'],
  changes: readonly PodChange[],
  signal?: AbortSignal,
): Promise<readonly PromiseSettledResult<unknown>[]> {
  const options = signal ? { signal } : {}
  if (client.changePods) return client.changePods(changes, options)
  return Promise.allSettled(
    changes.map(async (change) => {
      const { namespace, name, uid, deletes } = change
      const pods = client.resource(kindRefs.coreV1.pods, namespace)
      await pods.patch(name, { type: 'strategic', body: podPatch(change) }, { subresource: 'status', ...options })
      if (deletes) await pods.delete(name, { preconditions: { uid }, ...options })
    }),
  )
}
