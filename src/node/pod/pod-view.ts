import type { Clock } from '../../base/clock.ts'
import type { Container, EphemeralContainer, Pod, PodSpec } from '../../kinds/generated/types/core-v1.ts'
import type { RuntimeContainer, RuntimePod } from '../runtime/contract.ts'
import type { ContainerRecord, PodRecords } from './pod-records.ts'
import { specHashOf } from './spec-hash.ts'

/** All that planning and status look at: read in one go, so that between reading and deciding nothing changes. */
export type PodView = {
  readonly pod: Pod
  /** Every sandbox that the engine has for the pod, newest attempt first. */
  readonly sandboxes: readonly RuntimePod[]
  readonly records: PodRecords
  /** By the wall clock: for what the API's times say. */
  readonly nowMs: number
  /** By the clock that nobody sets: for every wait and back-off. */
  readonly monotonicMs: number
}

/** The present by both clocks. */
export function momentOf(clock: Clock): Pick<PodView, 'nowMs' | 'monotonicMs'> {
  return { nowMs: clock.now(), monotonicMs: clock.monotonicMs() }
}

export type ContainerRole = 'init' | 'sidecar' | 'app' | 'ephemeral'
/** A container of the spec with its part in the pod. Ephemeral ones have the same fields as the others, and a target. */
export type PodContainer = { readonly container: Container | EphemeralContainer; readonly role: ContainerRole }

/** In the order of the spec: init and sidecar containers, app containers, ephemeral ones. */
export function podContainers(spec: PodSpec | undefined): PodContainer[] {
  const result: PodContainer[] = []
  for (const container of spec?.initContainers ?? []) {
    result.push({ container, role: container.restartPolicy === 'Always' ? 'sidecar' : 'init' })
  }
  for (const container of spec?.containers ?? []) result.push({ container, role: 'app' })
  for (const container of spec?.ephemeralContainers ?? []) result.push({ container, role: 'ephemeral' })
  return result
}

/** One container of the spec with everything known about it. */
export type ContainerView = PodContainer & {
  readonly name: string
  readonly specHash: string
  /** Newest container of this name in the newest sandbox. */
  readonly current: RuntimeContainer | undefined
  /** Newest container of this name in any sandbox. */
  readonly latest: RuntimeContainer | undefined
  /** Every container of this name, newest first. */
  readonly history: readonly RuntimeContainer[]
  readonly record: ContainerRecord | undefined
}

export function containerViews(view: PodView): ContainerView[] {
  const newest = view.sandboxes[0]
  return podContainers(view.pod.spec).map((podContainer) => {
    const { name } = podContainer.container
    const history: RuntimeContainer[] = []
    for (const sandbox of view.sandboxes) for (const container of sandbox.containers) if (container.name === name) history.push(container)
    if (history.length > 1) history.sort((a, b) => b.attempt - a.attempt || b.createdAtMs - a.createdAtMs)
    const latest = history[0]
    const current = latest && newest?.containers.includes(latest) ? latest : undefined
    const specHash = specHashOf(view.pod, podContainer)
    return { ...podContainer, name, specHash, current, latest, history, record: view.records.containers.get(name) }
  })
}

/** The attempt that the next container gets: counts restarts, also those that only the API's status remembers. */
export function nextAttempt({ latest, record }: ContainerView): number {
  if (latest) return latest.attempt + 1
  return record?.rememberedRestarts === undefined ? 0 : record.rememberedRestarts + 1
}

export function isRunning(container: RuntimeContainer | undefined): boolean {
  return container?.state === 'Running'
}

/** `name_namespace(uid)`, as upstream names pods in messages. */
export function podText(pod: Pod): string {
  return `${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`
}
