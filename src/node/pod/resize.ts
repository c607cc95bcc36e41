import type { Pod, PodSpec, ResourceRequirements } from '../../kinds/generated/types/core-v1.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import type { PodAction } from './pod-action.ts'
import type { PodRecords } from './pod-records.ts'
import { type ContainerView, podContainers, type PodView } from './pod-view.ts'

/**
 * In-place resize: a running container whose spec asks for other cpu or memory than it has gets them, or is restarted where its
 * resizePolicy says so. https://kubernetes.io/docs/tasks/configure-pod-container/resize-container-resources/
 */
export function planResize(view: PodView, container: ContainerView): PodAction[] {
  const wanted = computeResources(container.container.resources)
  const applied = container.record?.applied
  if (applied === undefined || view.records.busy.has(`container/${container.name}`) || view.records.resize?.type === 'PodResizePending')
    return []
  const current = computeResources(applied)
  if (deepEqual(wanted, current)) return []
  const changed = (['cpu', 'memory'] as const).filter(
    (r) => wanted.limits?.[r] !== current.limits?.[r] || wanted.requests?.[r] !== current.requests?.[r],
  )
  const needsRestart = (container.container.resizePolicy ?? []).some(
    (p) => p.restartPolicy === 'RestartContainer' && changed.some((r) => r === p.resourceName),
  )
  if (!needsRestart) return [{ type: 'resizeContainer', containerId: container.current!.id, name: container.name, resources: wanted }]
  const graceSeconds = view.pod.spec?.terminationGracePeriodSeconds ?? 30
  const message = `Container ${container.name} resize requires restart`
  return [{ type: 'killContainer', containerId: container.current!.id, name: container.name, graceSeconds, message }]
}

/** Whether every container that runs has what the spec asks for. */
export function isResized(pod: Pod, records: PodRecords): boolean {
  return podContainers(pod.spec).every(({ container }) => {
    const applied = records.containers.get(container.name)?.applied
    return !applied || deepEqual(computeResources(container.resources), computeResources(applied))
  })
}

/** What a pod's containers ask for, as upstream's events tell it. */
export function resizeSummary({ spec, metadata }: Pod): string {
  const list = (containers: PodSpec['initContainers']) =>
    containers?.length ? containers.map(({ name, resources }) => ({ name, resources: resources ?? {} })) : undefined
  return JSON.stringify({
    initContainers: list(spec?.initContainers),
    containers: list(spec?.containers),
    generation: metadata.generation ?? 0,
  })
}

/** Only cpu and memory can be resized; the rest is left out of the comparison. */
export function computeResources(resources: ResourceRequirements | undefined): ResourceRequirements {
  const pick = (list: ResourceRequirements['limits']) => {
    const result: Record<string, string | number> = {}
    for (const r of ['cpu', 'memory'] as const) if (list?.[r] !== undefined) result[r] = list[r]
    return Object.keys(result).length > 0 ? result : undefined
  }
  const limits = pick(resources?.limits)
  const requests = pick(resources?.requests)
  return { ...(limits ? { limits } : {}), ...(requests ? { requests } : {}) }
}
