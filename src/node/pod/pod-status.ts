import type { ContainerStatus, PodStatus } from '../../kinds/generated/types/core-v1.ts'
import { toTime } from '../../base/clock.ts'
import { containerStatus } from './container-status.ts'
import { hasPassed, podConditions } from './pod-conditions.ts'
import { isFinal, type Phase, podPhase } from './pod-phase.ts'
import { containerViews, type ContainerView, isRunning, type PodView } from './pod-view.ts'
import { podResources } from './pod-resources.ts'
import { qosClass } from '../../kinds/qos.ts'

/** The node's own addresses, the first of each family counting. */
export type HostAddresses = { readonly hostIPs: readonly string[] }

/**
 * The pod's status as the agent reports it: everything that the agent owns, nothing of others' (foreign conditions stay by the
 * patch). Pure; the pod's present status only lends transition times and what has been decided for good.
 */
export function podStatus(view: PodView, host: HostAddresses): PodStatus {
  const { pod, records } = view
  if (records.terminal && !records.terminal.hasStarted) return refusedStatus(view)
  const views = containerViews(view)
  const phase = publishedPhase(view, views)
  const statuses = allStatuses(view, views, podPhase(view, views))
  const of = (roles: readonly ContainerView['role'][]) => views.filter((v) => roles.includes(v.role)).map((v) => statuses.get(v.name)!)
  const inits = of(['init', 'sidecar'])
  const ephemerals = of(['ephemeral'])
  const { terminal } = records
  const reason = phase === 'Failed' ? (terminal?.reason ?? (pod.status?.phase === 'Failed' ? pod.status.reason : undefined)) : undefined
  const message = phase === 'Failed' ? (terminal?.message ?? (pod.status?.phase === 'Failed' ? pod.status.message : undefined)) : undefined
  return {
    ...observedGeneration(view),
    phase,
    conditions: podConditions(view, views, statuses, phase),
    ...(message ? { message } : {}),
    ...(reason ? { reason } : {}),
    ...addresses(view, host),
    startTime: toTime(records.startTimeMs),
    ...(inits.length > 0 ? { initContainerStatuses: inits } : {}),
    containerStatuses: of(['app']),
    qosClass: pod.status?.qosClass ?? qosClass(pod.spec!),
    ...podResources(view, phase),
    ...(ephemerals.length > 0 ? { ephemeralContainerStatuses: ephemerals } : {}),
  }
}

function observedGeneration({ pod }: PodView): { observedGeneration?: number } {
  return pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }
}

/** A pod that never started here. */
function refusedStatus(view: PodView): PodStatus {
  const { terminal, startTimeMs } = view.records
  return {
    ...observedGeneration(view),
    phase: 'Failed',
    reason: terminal!.reason,
    message: terminal!.message,
    startTime: toTime(startTimeMs),
    qosClass: view.pod.status?.qosClass ?? qosClass(view.pod.spec!),
  }
}

/** A final phase is told only when nothing of the pod runs any more, so that whoever reads it may reuse its place. */
function publishedPhase(view: PodView, views: readonly ContainerView[]): Phase {
  const phase = podPhase(view, views)
  const known = view.pod.status?.phase
  if (!isFinal(phase) || known === phase) return phase
  return views.some((v) => v.history.some(isRunning)) ? (known === 'Pending' ? 'Pending' : 'Running') : phase
}

function allStatuses(view: PodView, views: readonly ContainerView[], phase: Phase): Map<string, ContainerStatus> {
  const statuses = new Map<string, ContainerStatus>()
  let isInitialized = true
  for (const container of views) {
    const status = containerStatus(view, container, { phase, isInitialized })
    statuses.set(container.name, status)
    if (container.role !== 'app' && container.role !== 'ephemeral' && !hasPassed(container, status)) isInitialized = false
  }
  return statuses
}

function addresses({ pod, sandboxes }: PodView, host: HostAddresses): Partial<PodStatus> {
  const ips = pod.spec?.hostNetwork ? host.hostIPs : (sandboxes[0]?.ips ?? [])
  const hostIP = host.hostIPs[0]
  // The address of a pod that has ended is kept, as upstream keeps it for readers of its status.
  const podIPs = ips.length > 0 ? ips.map((ip) => ({ ip })) : pod.status?.podIPs
  return {
    ...(hostIP ? { hostIP, hostIPs: host.hostIPs.map((ip) => ({ ip })) } : {}),
    ...(podIPs?.[0] ? { podIP: podIPs[0].ip, podIPs } : {}),
  }
}
