import type { ContainerStateTerminated, ContainerStatus, Pod, ResourceRequirements } from '../../kinds/generated/types/core-v1.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import type { PodView } from './pod-view.ts'
import { computeResources } from './resize.ts'

/** The resources of a pod as a whole and of its containers by name. */
export type Resizable = {
  readonly pod: ResourceRequirements | undefined
  readonly containers: Readonly<Record<string, ResourceRequirements>>
}

/** Why a pod that is here cannot be given what it asks for now; it keeps what it has. Infeasible: it would not fit on the empty node. */
export type ResizeRefusal = { readonly reason: 'Infeasible' | 'Deferred'; readonly message: string }

/**
 * What the agent knows about one container beside the engine's own facts. Lost at an agent restart unless rebuilt from status. Moments in
 * records are of the clock that nobody sets, unless they say otherwise.
 */
export type ContainerRecord = {
  /** Why the last try to start it failed; shown as the waiting state. */
  waiting?: { readonly reason: string; readonly message: string; readonly sinceMs: number }
  /** No new try to start it before this moment. */
  retryAtMs?: number
  /** Crash back-off as it stands; `specHash` ties it to one definition of the container. */
  backoff?: { readonly specHash: string; readonly delayMs: number; readonly updatedMs: number }
  /** When the newest container was seen to have ended (or failed to start), and which that was. */
  ended?: { readonly containerId: string; readonly atMs: number }
  /** Image pulls that failed in a row, for their own back-off. */
  pullFailures?: number
  /** The container (engine's id) that the four fields below speak of. */
  healthOf?: string
  /** postStart hook done (or none). */
  hasPostStarted?: boolean
  /** Startup probe passed (or none). */
  isStarted?: boolean
  /** Readiness probe's last word; containers without one are ready when started. */
  isReady?: boolean
  /** Somebody wants this very container ended: a failed probe or hook. */
  kill?: { readonly containerId: string; readonly message: string; readonly graceSeconds: number | undefined }
  /** Ended by the run state, so that `start` runs it again whatever its restart policy. */
  isStoppedByRunState?: boolean
  isPaused?: boolean
  /** Resources that the running container has. Undefined: those of the spec. */
  applied?: ResourceRequirements
  /** Termination messages by container id, read once at the exit. */
  terminationMessages?: Map<string, string>
  /** Last end that the API's status knew of and the engine has forgotten. */
  rememberedEnd?: ContainerStateTerminated
  /** The image that ran then, by the name and the id that the status tells. */
  rememberedImage?: { readonly image: string; readonly imageID: string }
  /** Restarts that the API's status knew of at agent start. */
  rememberedRestarts?: number
  /** The container (engine's id) that was removed so that all run again. */
  clearedContainer?: string
}

/**
 * Keeps how a container ended, for when the engine has forgotten it. Of one that was cleared away for all to run again another end is told:
 * a look that began before that still sees it.
 */
export function rememberEnd(
  record: ContainerRecord,
  containerId: string,
  end: Required<Pick<ContainerRecord, 'rememberedEnd' | 'rememberedRestarts' | 'rememberedImage'>>,
): void {
  if (record.clearedContainer !== containerId) Object.assign(record, end)
}

/** Why a pod ends without its containers' say: refused, evicted, past its deadline. */
export type TerminalReason = {
  readonly reason: string
  readonly message: string
  readonly hasStarted: boolean
  readonly graceSeconds?: number
}

export type PodRecords = {
  readonly uid: string
  /** When this agent first saw the pod (or what its status says), by the wall clock. */
  startTimeMs: number
  readonly containers: Map<string, ContainerRecord>
  terminal?: TerminalReason
  /** Termination has begun at this moment (deletion or terminal). */
  terminatingSinceMs?: number
  /** Volumes, cgroups and directories are there. */
  isHostReady: boolean
  /** Everything of the pod on this machine is gone. */
  isTornDown: boolean
  areLogsRemoved?: boolean
  /** Sandboxes whose stop has been answered, by engine's id. */
  readonly stoppedSandboxes: Set<string>
  /** Pods that end so that this one has room: until they have left it does not start. */
  readonly waitsFor: Set<string>
  sandboxRetryAtMs?: number
  sandboxFailures: number
  /** Shown in events; kept so that the same trouble is not told twice in a row. */
  sandboxError?: string
  /** Work under way, by target: `sandbox`, `container/NAME`, `kill/ID`, `remove/ID`, `teardown`, `delete`. */
  readonly busy: Set<string>
  /** The API object is gone already: clean up without it. */
  isGone?: boolean
  /** This agent has deleted the API object. */
  isDeleted?: boolean
  /** True after the engine has been looked at once. */
  isObserved: boolean
  /** What was granted while the spec asks for something else; undefined: what the spec says. */
  allocated?: Resizable
  /** The cpu and memory that the pod's cgroup was given for the pod as a whole; undefined: those of the spec. */
  appliedToPod?: ResourceRequirements
  /** Why what the spec asks for has not been granted yet, and the generation that this was said of. */
  resizePending?: ResizeRefusal & { readonly generation: number }
  /** The generation that was granted last and whose containers do not all have it yet. */
  resizeGeneration?: number
  /** What went wrong when a container was to get what was granted. */
  resizeError?: string
}

export function containerRecord(records: PodRecords, name: string): ContainerRecord {
  let record = records.containers.get(name)
  if (!record) {
    record = {}
    records.containers.set(name, record)
  }
  return record
}

/** Fresh records, with what the pod's own status tells of the time before this agent started. */
export function rebuildRecords(pod: Pod, { nowMs, monotonicMs }: Pick<PodView, 'nowMs' | 'monotonicMs'>): PodRecords {
  const status = pod.status
  const records: PodRecords = {
    uid: pod.metadata.uid ?? '',
    startTimeMs: status?.startTime ? Date.parse(status.startTime) : nowMs,
    containers: new Map(),
    isHostReady: false,
    isTornDown: false,
    stoppedSandboxes: new Set(),
    waitsFor: new Set(),
    sandboxFailures: 0,
    busy: new Set(),
    isObserved: false,
  }
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata
  if (deletionTimestamp !== undefined) {
    const deletedMs = Date.parse(deletionTimestamp) - (deletionGracePeriodSeconds ?? 0) * 1000
    records.terminatingSinceMs = monotonicMs - Math.max(0, nowMs - deletedMs)
  }
  const readyReason = status?.conditions?.find((c) => c.type === 'Ready')?.reason
  for (const list of [status?.initContainerStatuses, status?.containerStatuses, status?.ephemeralContainerStatuses]) {
    for (const old of list ?? []) {
      const record = containerRecord(records, old.name)
      if (old.containerID || old.restartCount > 0) record.rememberedRestarts = old.restartCount
      const end = old.state?.terminated ?? old.lastState?.terminated
      if (end) record.rememberedEnd = end
      if (end && old.imageID) record.rememberedImage = { image: old.image, imageID: old.imageID }
      if (readyReason === 'Stopped') record.isStoppedByRunState = true
      if (readyReason === 'Paused') record.isPaused = true
      if (old.state?.running) {
        record.healthOf = engineId(old.containerID)
        record.hasPostStarted = true
        record.isStarted = old.started ?? false
        record.isReady = old.ready
        if (old.resources) record.applied = old.resources
      }
    }
  }
  rebuildResize(records, pod)
  if (status?.phase === 'Failed' && status.reason && !status.containerStatuses?.length) {
    records.terminal = { reason: status.reason, message: status.message ?? '', hasStarted: false }
  } else if (status?.phase === 'Failed' && status.reason) {
    records.terminal = { reason: status.reason, message: status.message ?? '', hasStarted: true }
  }
  return records
}

/** A resize that waits, or that is under way: what the containers have was granted; what the spec asks for beyond it is weighed anew. */
function rebuildResize(records: PodRecords, { spec, status }: Pod): void {
  const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]
  const condition = (type: string) => status?.conditions?.find((c) => c.type === type)
  const inProgress = condition('PodResizeInProgress')
  if (inProgress) records.resizeGeneration = inProgress.observedGeneration ?? 0
  const pending = condition('PodResizePending')
  if (pending?.reason === 'Infeasible' || pending?.reason === 'Deferred') {
    records.resizePending = { reason: pending.reason, message: pending.message ?? '', generation: pending.observedGeneration ?? 0 }
  }
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])]
  const granted = Object.fromEntries(
    containers.map((c) => [c.name, grantedOf(statuses.find((s) => s.name === c.name)) ?? c.resources ?? {}]),
  )
  const ofPod = spec?.resources && status?.resources ? toldOf(spec.resources, status.resources) : spec?.resources
  const isOther = containers.some((c) => !deepEqual(granted[c.name], c.resources ?? {})) || !deepEqual(ofPod, spec?.resources)
  if (ofPod && status?.resources) records.appliedToPod = computeResources(ofPod)
  if (isOther) records.allocated = { pod: ofPod, containers: granted }
}

/** What a status tells of the resources that the pod asks for as a whole; of the others it tells the sum of its containers. */
function toldOf(asked: ResourceRequirements, told: ResourceRequirements): ResourceRequirements {
  const pick = (field: 'requests' | 'limits') => {
    const names = Object.keys(asked[field] ?? {}).filter((name) => told[field]?.[name] !== undefined)
    return names.length > 0 ? { [field]: Object.fromEntries(names.map((name) => [name, told[field]![name]!])) } : {}
  }
  const { limits: _, requests: __, ...rest } = told
  return { ...rest, ...pick('limits'), ...pick('requests') }
}

function grantedOf(status: ContainerStatus | undefined): ResourceRequirements | undefined {
  if (!status?.resources) return undefined
  return { ...status.resources, ...(status.allocatedResources ? { requests: status.allocatedResources } : {}) }
}

/** `containerd://ID` → `ID`. */
export function engineId(containerID: string | undefined): string {
  return containerID?.slice(containerID.indexOf('://') + 3) ?? ''
}
