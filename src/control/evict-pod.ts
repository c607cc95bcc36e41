import { toTime } from '../base/clock.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import type { Pod } from '../kinds/generated/types/core-v1.ts'
import { observedGeneration } from '../kinds/pod-status.ts'
import { isStatus } from '../machinery/status-error.ts'
import type { LoopContext } from './contract.ts'

/** Says in the pod's conditions why it is disrupted, and deletes it. Gives false, and has done nothing, for one that is gone. */
export async function evictPod(
  { client, clock }: Pick<LoopContext, 'client' | 'clock'>,
  pod: Pod,
  why: { readonly reason: string; readonly message: string; readonly signal?: AbortSignal },
): Promise<boolean> {
  const { namespace = '', name = '', uid = '' } = pod.metadata
  const { reason, message, signal } = why
  const options = signal ? { signal } : {}
  const lastTransitionTime = toTime(clock.now())
  const condition = { type: 'DisruptionTarget', status: 'True', reason, message, lastTransitionTime, ...observedGeneration(pod) } as const
  try {
    if (client.disruptPod) await client.disruptPod({ namespace, name, uid }, condition, options)
    else {
      const pods = client.resource(kindRefs.coreV1.pods, namespace)
      const body = { metadata: { uid }, status: { conditions: [condition] } }
      await pods.patch(name, { type: 'strategic', body }, { subresource: 'status', ...options })
      await pods.delete(name, { preconditions: { uid }, ...options })
    }
    return true
  } catch (error) {
    if (isStatus(error, 'NotFound')) return false
    throw error
  }
}
