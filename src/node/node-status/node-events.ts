import type { EventInput } from '../../control/event-recorder.ts'
import type { Node, NodeStatus } from '../../kinds/generated/types/core-v1.ts'

/** What each state of a condition is called in the events of upstream's agent. */
const reasons: Readonly<Record<string, { readonly True: string; readonly False: string }>> = {
  MemoryPressure: { True: 'NodeHasInsufficientMemory', False: 'NodeHasSufficientMemory' },
  DiskPressure: { True: 'NodeHasDiskPressure', False: 'NodeHasNoDiskPressure' },
  PIDPressure: { True: 'NodeHasInsufficientPID', False: 'NodeHasSufficientPID' },
  Ready: { True: 'NodeReady', False: 'NodeNotReady' },
}

/** Of an agent that starts: that it does, and what the machine has enough of. `before` is what the API knew of the node. Pure. */
export function startEvents(name: string, before: NodeStatus | undefined, now: NodeStatus): EventInput[] {
  const bootId = now.nodeInfo?.bootID ?? ''
  const known = before?.nodeInfo?.bootID
  const isRebooted = known !== undefined && known !== '' && known !== bootId
  return [
    { type: 'Normal', reason: 'Starting', message: 'Starting kubelet.' },
    ...(now.conditions ?? []).filter(({ type }) => type !== 'Ready').flatMap(({ type, status }) => conditionEvent(name, type, status)),
    ...(isRebooted
      ? [{ type: 'Warning', reason: 'Rebooted', message: `Node ${name} has been rebooted, boot id: ${bootId}` } as const]
      : []),
  ]
}

/** Of the conditions that are not as they were. Pure. */
export function conditionEvents(name: string, before: NodeStatus | undefined, now: NodeStatus): EventInput[] {
  return (now.conditions ?? []).flatMap(({ type, status }) => {
    const old = before?.conditions?.find((c) => c.type === type)
    return old && old.status !== status ? conditionEvent(name, type, status) : []
  })
}

/** Somebody has cordoned the node, or let pods on it again. Pure. */
export function schedulableEvents(before: Node, now: Node): EventInput[] {
  const isUnschedulable = now.spec?.unschedulable === true
  if ((before.spec?.unschedulable === true) === isUnschedulable) return []
  return [statusEvent(now.metadata.name!, isUnschedulable ? 'NodeNotSchedulable' : 'NodeSchedulable')]
}

function conditionEvent(name: string, type: string, status: string): EventInput[] {
  const reason = status === 'True' || status === 'False' ? reasons[type]?.[status] : undefined
  return reason === undefined ? [] : [statusEvent(name, reason)]
}

function statusEvent(name: string, reason: string): EventInput {
  return { type: 'Normal', reason, message: `Node ${name} status is now: ${reason}` }
}
