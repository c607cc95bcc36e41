import { toTime } from '../../base/clock.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { LoopContext } from '../../control/contract.ts'
import type { PodGroup } from '../../kinds/generated/types/scheduling-v1alpha2.ts'

/** Writes the condition PodGroupScheduled where it would change something. A failed write only costs a message. */
export async function writeGroupStatus(
  { client, clock, log }: LoopContext,
  group: PodGroup,
  { isScheduled, message, signal }: { readonly isScheduled: boolean; readonly message: string; readonly signal: AbortSignal },
): Promise<void> {
  const type = 'PodGroupScheduled'
  const old = group.status?.conditions?.find((c) => c.type === type)
  const status = isScheduled ? 'True' : 'False'
  if (old?.status === status && (isScheduled || old.message === message)) return
  const lastTransitionTime = old?.status === status ? old.lastTransitionTime : toTime(clock.now())
  const condition = { type, status, reason: isScheduled ? 'Scheduled' : 'Unschedulable', message, lastTransitionTime }
  const { name = '', namespace, uid } = group.metadata
  const others = (group.status?.conditions ?? []).filter((c) => c.type !== type)
  const body = { metadata: { uid }, status: { conditions: [...others, condition] } }
  try {
    await client
      .resource(kindRefs.schedulingV1alpha2.podGroups, namespace)
      .patch(name, { type: 'merge', body }, { subresource: 'status', signal })
  } catch (error) {
    if (!signal.aborted) log.debug({ podGroup: name, error: String(error) }, 'could not write PodGroupScheduled')
  }
}
