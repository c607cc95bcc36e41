import type { ContainerState, ContainerStateTerminated, ContainerStatus } from '../../kinds/generated/types/core-v1.ts'
import { toTime } from '../../base/clock.ts'
import type { RuntimeContainer } from '../runtime/contract.ts'
import { hasAskedForAll, isCleared, restartingAll } from './plan-restart-all.ts'
import { isFinal, type Phase } from './pod-phase.ts'
import { actualResources } from './resize.ts'
import { type ContainerView, isRunning, type PodView } from './pod-view.ts'
import { runStateOf } from './run-state.ts'

/** How the engine's ids are written in the API. */
export const containerIdScheme = 'containerd://'

/** One container's status as upstream's agent reports it. `isInitialized`: every init container has passed. */
export function containerStatus(
  view: PodView,
  container: ContainerView,
  options: { phase: Phase; isInitialized: boolean },
): ContainerStatus {
  const { latest, record, name } = container
  const state = stateOf(view, container, options)
  const last = lastStateOf(container, state)
  const running = state.running !== undefined
  const isStarted = running && (container.role === 'init' || container.role === 'ephemeral' ? false : (record?.isStarted ?? false))
  const resources = container.container.resources
  const gone = !latest && state.terminated ? record?.rememberedImage : undefined
  const status: ContainerStatus = {
    name,
    state,
    lastState: last,
    ready: isReady(view, container, running),
    restartCount: latest?.attempt ?? record?.rememberedRestarts ?? 0,
    // What the engine has removed stays in the status as it was.
    image: latest?.image || (gone?.image ?? container.container.image ?? ''),
    imageID: latest?.imageId ?? gone?.imageID ?? '',
  }
  const containerID = latest ? containerIdScheme + latest.id : state.terminated?.containerID
  if (containerID) status.containerID = containerID
  status.started = isStarted
  if (resources?.requests && latest) status.allocatedResources = resources.requests
  if (latest) status.resources = running && record?.applied ? actualResources(resources, record.applied) : (resources ?? {})
  const mounts = volumeMountStatuses(container)
  if (mounts) status.volumeMounts = mounts
  if (container.container.lifecycle?.stopSignal) status.stopSignal = container.container.lifecycle.stopSignal
  return status
}

function volumeMountStatuses({ container }: ContainerView): ContainerStatus['volumeMounts'] {
  if (!container.volumeMounts?.length) return undefined
  return container.volumeMounts.map((mount) => ({
    name: mount.name,
    mountPath: mount.mountPath,
    ...(mount.readOnly ? { readOnly: true, recursiveReadOnly: 'Disabled' } : {}),
  }))
}

function stateOf(
  view: PodView,
  container: ContainerView,
  { phase, isInitialized }: { phase: Phase; isInitialized: boolean },
): ContainerState {
  const { latest, record } = container
  const waiting = record?.waiting
  if (latest && isRunning(latest)) return { running: { startedAt: toTime(latest.startedAtMs ?? latest.createdAtMs) } }
  const isOver = isFinal(phase) || view.records.terminatingSinceMs !== undefined
  if (waiting && !isOver && runStateOf(view.pod) !== 'stopped') return { waiting: waitingState(waiting.reason, waiting.message) }
  if (!latest && !isOver && (isCleared(container) || hasAskedForAll(container))) return { waiting: restartingAll }
  if (latest?.state === 'Exited') return { terminated: terminated(container, latest) }
  if (!latest && record?.rememberedEnd) return { terminated: record.rememberedEnd }
  if (isOver && isFinal(phase) && hadItsTurn(view, container, isInitialized)) return { terminated: lostState() }
  return { waiting: { reason: view.pod.spec?.initContainers?.length ? 'PodInitializing' : 'ContainerCreating' } }
}

/** Whether a container without a trace must have been lost: the others wait for an earlier one to the end. */
function hadItsTurn({ pod, sandboxes, records }: PodView, { name, role }: ContainerView, isInitialized: boolean): boolean {
  if (role === 'app' || role === 'ephemeral') return isInitialized
  const names = (pod.spec?.initContainers ?? []).map((c) => c.name)
  const began = new Set(sandboxes.flatMap((s) => s.containers.map((c) => c.name)))
  const last = names.findLastIndex((n) => began.has(n) || records.containers.get(n)?.rememberedEnd)
  return names.indexOf(name) <= Math.max(last, 0)
}

function waitingState(reason: string, message: string) {
  return message ? { reason, message } : { reason }
}

function lostState(): ContainerStateTerminated {
  return {
    exitCode: 137,
    reason: 'ContainerStatusUnknown',
    message: 'The container could not be located when the pod was terminated',
  }
}

/** The end before the one that `state` shows. */
function lastStateOf(container: ContainerView, state: ContainerState): ContainerState {
  const ends = container.history.filter((c) => c.state === 'Exited')
  const shown = state.terminated ? ends[1] : ends[0]
  if (shown) return { terminated: terminated(container, shown) }
  const remembered = container.record?.rememberedEnd
  return remembered && !state.terminated && remembered.containerID !== containerIdScheme + (container.latest?.id ?? '')
    ? { terminated: remembered }
    : {}
}

export function terminated({ record }: ContainerView, container: RuntimeContainer): ContainerStateTerminated {
  const { id, exitCode = 137, reason, message, startedAtMs, finishedAtMs, createdAtMs } = container
  const text = record?.terminationMessages?.get(id) ?? message
  return {
    exitCode,
    reason: reason || (exitCode === 0 ? 'Completed' : 'Error'),
    ...(text ? { message: text } : {}),
    startedAt: toTime(startedAtMs ?? createdAtMs),
    finishedAt: toTime(finishedAtMs ?? createdAtMs),
    containerID: containerIdScheme + id,
  }
}

function isReady(view: PodView, container: ContainerView, running: boolean): boolean {
  const { record, role, latest } = container
  if (role === 'init') return latest?.state === 'Exited' ? latest.exitCode === 0 : !latest && record?.rememberedEnd?.exitCode === 0
  if (!running || role === 'ephemeral' || record?.isPaused || runStateOf(view.pod) !== 'running') return false
  return (record?.isStarted ?? false) && (record?.isReady ?? false)
}
