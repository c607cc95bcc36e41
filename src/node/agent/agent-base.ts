import type { EventInput } from '../../control/event-recorder.ts'
import type { Node } from '../../kinds/generated/types/core-v1.ts'
import type { AgentSettings } from './agent-settings.ts'
import type { NodeAgentOptions } from '../node-agent.ts'
import type { Machine } from '../node-status/machine.ts'
import type { PodContext } from '../pod/pod-context.ts'
import type { PodLoop } from '../pod/pod-loop.ts'
import type { ObjectReferences } from '../references/object-references.ts'
import type { NodeMetrics } from '../stats/node-metrics.ts'

/** What the parts of a running agent share. The parts know each other in a circle: the loop and the node are asked for when they are needed. */
export type AgentBase = {
  /** With the runtime as it is measured. */
  readonly options: NodeAgentOptions
  readonly settings: AgentSettings
  readonly metrics: NodeMetrics
  readonly machine: Machine
  /** ConfigMaps and Secrets that pods name. */
  readonly references: ObjectReferences
  readonly loop: () => PodLoop
  readonly node: () => Node | undefined
  readonly podEvent: PodContext['event']
  readonly nodeEvent: (event: EventInput) => void
}

export function hostIPsOf({ addresses }: Pick<NodeAgentOptions, 'addresses'>): readonly string[] {
  return addresses.filter((a) => a.type === 'InternalIP').map((a) => a.address)
}

/** Calls `end` when the signal aborts, or at once when it has. */
export function whenAborted(signal: AbortSignal, end: () => void): void {
  if (signal.aborted) end()
  else signal.addEventListener('abort', end, { once: true })
}
