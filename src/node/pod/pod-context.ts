import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Client } from '../../client/contract.ts'
import type { LifecycleHandler, Pod, ResourceRequirements } from '../../kinds/generated/types/core-v1.ts'
import type { ContainerResources, ContainerSpec, ImageInfo, Runtime } from '../runtime/contract.ts'
import type { Semaphore } from '../semaphore.ts'
import type { PodHost } from './pod-host.ts'
import type { Admission } from './pod-admission.ts'
import type { ResizeRefusal } from './pod-records.ts'
import type { ContainerView, PodContainer } from './pod-view.ts'
import type { StatusWriter } from './status-writer.ts'

/** What a pod's worker acts through. */
export type PodContext = {
  readonly client: Client
  readonly runtime: Runtime
  readonly clock: Clock
  readonly log: Log
  readonly host: PodHost
  readonly images: ImageSource
  readonly environment: EnvironmentSource
  readonly hooks: HookRunner
  readonly probes: ProbeRunner
  readonly statuses: StatusWriter
  /** Bounds how many sandboxes and containers are being made at once. */
  readonly starts: Semaphore
  readonly hostIPs: () => readonly string[]
  /** CPU and memory capacity, for the OOM score and the resource fields of the environment. */
  readonly memoryCapacityBytes: () => number
  /** Where `localhostProfile` looks for seccomp profiles. */
  readonly seccompRoot: string
  readonly containerResources: (resources: ResourceRequirements) => ContainerResources
  /** Whether the pod may run here, and who ends for it. */
  readonly admit: (pod: Pod) => Admission
  /** Whether a resize fits; undefined: it does. */
  readonly admitResize: (pod: Pod) => ResizeRefusal | undefined
  /** What shows a static pod in the API; its status is written there. */
  readonly mirrorOf: (pod: Pod) => Pod | undefined
  readonly event: (pod: Pod, event: PodEvent) => void
}

export type PodEvent = {
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
  /** Of a container: `spec.containers{name}`. */
  readonly fieldPath?: string
}

export type ImageSource = {
  /** Makes the image present as the pull policy says, with its events. Throws StartError. */
  ensure(pod: Pod, wanted: WantedImage, signal: AbortSignal): Promise<ImageInfo>
}

export type WantedImage = {
  readonly image: string
  /** Undefined: Always for the tag `latest`, else IfNotPresent. */
  readonly pullPolicy: string | undefined
  /** The part of the pod that events name; undefined: the pod itself. */
  readonly fieldPath: string | undefined
}

export type EnvironmentSource = {
  /** The container's environment. Throws StartError CreateContainerConfigError. */
  of(pod: Pod, container: PodContainer, podIps: readonly string[]): Promise<ContainerSpec['env']>
}

export type HookTarget = { readonly pod: Pod; readonly containerId: string; readonly container: PodContainer; readonly podIp: string }
export type HookRunner = {
  /** Rejects with the reason in words when the hook fails or the signal aborts. */
  run(handler: LifecycleHandler, target: HookTarget, signal: AbortSignal): Promise<void>
}

export type ProbeRunner = {
  /** Starts and stops probes so that exactly those of the given running containers go on. */
  sync(pod: Pod, running: readonly ContainerView[], podIp: string): void
  stop(uid: string): void
}

export function fieldPathOf({ container, role }: PodContainer): string {
  const list = role === 'app' ? 'containers' : role === 'ephemeral' ? 'ephemeralContainers' : 'initContainers'
  return `spec.${list}{${container.name}}`
}
