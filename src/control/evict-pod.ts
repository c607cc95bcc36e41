import { toTime } from '../base/clock.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import type { Pod } from '../kinds/generated/types/core-v1.ts'
import { observedGeneration } from '../kinds/pod-status.ts'
import { isStatus } from '../machinery/status-error.ts'
import type { LoopContext } from './contract.ts'

const { pods } = kindRefs.coreV1

/** Says in the pod's conditions why it is disrupted, and deletes it; nothing to do for one that is gone. */
export async function evictPod(
  { client, clock }: Pick<LoopContext, 'client' | 'clock'>,
  pod: Pod,
  why: { readonly reason: string; readonly message: string },
): Promise<void> {
  const { namespace, name = '', uid = '' } = pod.metadata
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    ...why,
    lastTransitionTime: toTime(clock.now()),
    ...observedGeneration(pod),
  }
  const conditions = [...(pod.status?.conditions ?? []).filter(({ type }) => type !== condition.type), condition]
  const resource = client.resource(pods, namespace)
  try {
    await resource.updateStatus({ ...pod, status: { ...pod.status, conditions } })
    await resource.delete(name, { preconditions: { uid } })
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw error
  }
}
