import { ageColumn, column, nameColumn } from '../columns.ts'
import type { Container, ContainerStatus, Pod } from '../generated/types/core-v1.ts'
import { humanDuration } from '../human-duration.ts'
import type { Column } from '../kind.ts'
import { isSidecar } from '../pod-requests.ts'
import { isPodReady, isPodTerminal, podCondition } from '../pod-status.ts'

/** What `kubectl get pods` says about a pod besides name and age. */
export type PodSummary = {
  readonly ready: number
  readonly total: number
  readonly status: string
  readonly restarts: number
  /** When the last of the counted restarts happened; undefined when nobody knows. */
  readonly lastRestartMs: number | undefined
}

/**
 * Sums a pod up in upstream's words: `Running`, `Init:0/2`, `PodInitializing`, `CrashLoopBackOff`, `Completed`, `Terminating`, …
 * Keelson's own `Stopped` and `Paused` come from the Ready condition of pods whose run state says so.
 */
export function podSummary(pod: Pod): PodSummary {
  const { spec, status } = pod
  const init = sumUpInit(spec?.initContainers ?? [], status?.initContainerStatuses ?? [])
  let reason: string = status?.reason || status?.phase || ''
  if (podCondition(pod, 'PodScheduled')?.reason === 'SchedulingGated') reason = 'SchedulingGated'
  let { ready } = init
  let counted = init.all
  if (init.reason !== undefined) reason = init.reason
  if (init.reason === undefined || podCondition(pod, 'Initialized')?.status === 'True') {
    const app = sumUpApp(pod, reason)
    reason = app.reason
    ready += app.ready
    counted = addRestarts(init.sidecars, app.restarts)
  }
  const runState = podCondition(pod, 'Ready')?.reason
  if (!isPodTerminal(pod) && (runState === 'Stopped' || runState === 'Paused')) reason = runState
  if (pod.metadata?.deletionTimestamp !== undefined) {
    if (status?.reason === 'NodeLost') reason = 'Unknown'
    else if (!isPodTerminal(pod)) reason = 'Terminating'
  }
  const total = (spec?.containers?.length ?? 0) + (spec?.initContainers?.filter(isSidecar).length ?? 0)
  return { ready, total, status: reason, restarts: counted.count, lastRestartMs: counted.lastMs }
}

type Restarts = { readonly count: number; readonly lastMs: number | undefined }
type InitSummary = { readonly reason: string | undefined; readonly ready: number; readonly all: Restarts; readonly sidecars: Restarts }

const noRestarts: Restarts = { count: 0, lastMs: undefined }

/** Up to the first init container that has not done its part; `reason` is undefined when all have. */
function sumUpInit(containers: readonly Container[], statuses: readonly ContainerStatus[]): InitSummary {
  let all = noRestarts
  let sidecars = noRestarts
  let ready = 0
  for (let i = 0; i < statuses.length; i++) {
    const status = statuses[i]!
    const container = containers.find((c) => c.name === status.name)
    const isBeside = container !== undefined && isSidecar(container)
    const restarts = restartsOf(status)
    all = addRestarts(all, restarts)
    if (isBeside) sidecars = addRestarts(sidecars, restarts)
    if (status.state?.terminated?.exitCode === 0) continue
    if (isBeside && status.started) {
      if (status.ready) ready++
      continue
    }
    return { reason: initReason(status, i, containers.length), ready, all, sidecars }
  }
  return { reason: undefined, ready, all, sidecars }
}

function initReason(status: ContainerStatus, index: number, count: number): string {
  const { terminated, waiting } = status.state ?? {}
  if (terminated) return `Init:${terminated.reason || exitText(terminated)}`
  if (waiting?.reason && waiting.reason !== 'PodInitializing') return `Init:${waiting.reason}`
  return `Init:${index}/${count}`
}

function sumUpApp(pod: Pod, initial: string): { reason: string; ready: number; restarts: Restarts } {
  let reason = initial
  let ready = 0
  let isAnyRunning = false
  let restarts = noRestarts
  const statuses = pod.status?.containerStatuses ?? []
  for (let i = statuses.length - 1; i >= 0; i--) {
    const status = statuses[i]!
    restarts = addRestarts(restarts, restartsOf(status))
    const { waiting, terminated, running } = status.state ?? {}
    if (waiting?.reason) reason = waiting.reason
    else if (terminated) reason = terminated.reason || exitText(terminated)
    else if (status.ready && running) {
      isAnyRunning = true
      ready++
    }
  }
  if (reason === 'Completed' && isAnyRunning) reason = isPodReady(pod) ? 'Running' : 'NotReady'
  return { reason, ready, restarts }
}

function exitText({ signal, exitCode }: { signal?: number; exitCode: number }): string {
  return signal ? `Signal:${signal}` : `ExitCode:${exitCode}`
}

function restartsOf(status: ContainerStatus): Restarts {
  const finishedMs = Date.parse(status.lastState?.terminated?.finishedAt ?? '')
  return { count: status.restartCount ?? 0, lastMs: Number.isNaN(finishedMs) ? undefined : finishedMs }
}

function addRestarts(a: Restarts, b: Restarts): Restarts {
  return { count: a.count + b.count, lastMs: a.lastMs === undefined ? b.lastMs : Math.max(a.lastMs, b.lastMs ?? 0) }
}

/** Columns of `kubectl get pods`. */
export const podColumns: readonly Column<Pod>[] = [
  nameColumn,
  column.string('Ready', (pod) => {
    const { ready, total } = podSummary(pod)
    return `${ready}/${total}`
  }),
  column.string('Status', (pod) => podSummary(pod).status),
  column.string('Restarts', (pod, nowMs) => {
    const { restarts, lastRestartMs } = podSummary(pod)
    return restarts !== 0 && lastRestartMs !== undefined ? `${restarts} (${humanDuration(nowMs - lastRestartMs)} ago)` : `${restarts}`
  }),
  ageColumn,
  column.wide('IP', (pod) => pod.status?.podIPs?.[0]?.ip || '<none>'),
  column.wide('Node', (pod) => pod.spec?.nodeName || '<none>'),
  column.wide('Nominated Node', (pod) => pod.status?.nominatedNodeName || '<none>'),
  column.wide('Readiness Gates', (pod) => {
    const gates = pod.spec?.readinessGates
    if (!gates?.length) return '<none>'
    return `${gates.filter((gate) => podCondition(pod, gate.conditionType)?.status === 'True').length}/${gates.length}`
  }),
]
