import type { Container, Pod, PodSpec, ResourceRequirements } from '../../kinds/generated/types/core-v1.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import type { PodAction } from './pod-action.ts'
import type { ContainerRecord, PodRecords, Resizable } from './pod-records.ts'
import { type ContainerView, isRunning, type PodView } from './pod-view.ts'

/**
 * In-place resize: a running container whose pod was granted other cpu or memory than it has gets them, or is restarted where its
 * resizePolicy says so. https://kubernetes.io/docs/tasks/configure-pod-container/resize-container-resources/
 */
export function planResize(view: PodView, container: ContainerView): PodAction[] {
  const applied = container.record?.applied
  if (applied === undefined || view.records.busy.has(`container/${container.name}`)) return []
  const wanted = computeResources(container.container.resources)
  const current = computeResources(applied)
  if (deepEqual(wanted, current)) return []
  if (!restartsFor(container.container, changedResources(current, wanted)))
    return [{ type: 'resizeContainer', containerId: container.current!.id, name: container.name, resources: wanted }]
  const graceSeconds = view.pod.spec?.terminationGracePeriodSeconds ?? 30
  return [{ type: 'killContainer', name: container.name, ...resizeKill(container.name, container.current!.id), graceSeconds }]
}

export function resizeKill(name: string, containerId: string): NonNullable<ContainerRecord['kill']> {
  return { containerId, message: `Container ${name} resize requires restart`, graceSeconds: undefined }
}

export function changedResources(before: ResourceRequirements, after: ResourceRequirements): ('cpu' | 'memory')[] {
  return (['cpu', 'memory'] as const).filter(
    (r) => after.limits?.[r] !== before.limits?.[r] || after.requests?.[r] !== before.requests?.[r],
  )
}

/** Whether a container has to start anew to get other amounts of these. */
export function restartsFor(container: ContainerView['container'], changed: readonly string[]): boolean {
  return container.resizePolicy?.some((p) => p.restartPolicy === 'RestartContainer' && changed.includes(p.resourceName)) === true
}

/** The pod as a whole was granted other limits than its cgroup has. */
export function planPodResize({ pod, records }: PodView): PodAction[] {
  return isPodResized(pod, records) || records.busy.has('resize') ? [] : [{ type: 'resizePod' }]
}

/** Whether everything that runs has what the pod was granted. */
export function isResized({ pod, records }: PodView, views: readonly ContainerView[]): boolean {
  return unresized(views).length === 0 && isPodResized(pod, records)
}

function isPodResized(pod: Pod, { appliedToPod }: PodRecords): boolean {
  return appliedToPod === undefined || deepEqual(computeResources(pod.spec?.resources), appliedToPod)
}

/** The running containers that have not what their pod was granted, by name. */
export function unresized(views: readonly ContainerView[]): string[] {
  return views
    .filter(({ current, record, container }) => {
      if (!isRunning(current) || record?.applied === undefined) return false
      return !deepEqual(computeResources(container.resources), computeResources(record.applied))
    })
    .map((view) => view.name)
}

/** The pod as it was granted: while a wish waits, its containers keep the resources that they had. */
export function allocatedPod(pod: Pod, { allocated }: Pick<PodRecords, 'allocated'>): Pod {
  return allocated ? withResources(pod, allocated.pod, (name) => allocated.containers[name]) : pod
}

/** The pod with what its running containers really have: what its cgroup must hold until all of them have been resized. */
export function appliedPod(pod: Pod, { containers, appliedToPod }: Pick<PodRecords, 'containers' | 'appliedToPod'>): Pod {
  return withResources(pod, appliedToPod ?? pod.spec?.resources, (name) => containers.get(name)?.applied)
}

function withResources(
  pod: Pod,
  ofPod: ResourceRequirements | undefined,
  resourcesOf: (name: string) => ResourceRequirements | undefined,
): Pod {
  const each = (container: Container): Container => ({ ...container, resources: resourcesOf(container.name) ?? container.resources ?? {} })
  const { containers = [], initContainers } = pod.spec ?? {}
  const changed = { containers: containers.map(each), ...(initContainers ? { initContainers: initContainers.map(each) } : {}) }
  const { resources: _, ...spec } = pod.spec!
  return { ...pod, spec: { ...spec, ...changed, ...(ofPod ? { resources: ofPod } : {}) } }
}

/** All that can be resized of a pod. */
export function resizableOf(spec: PodSpec | undefined): Resizable {
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])]
  return { pod: spec?.resources, containers: Object.fromEntries(containers.map((c) => [c.name, c.resources ?? {}])) }
}

/** What a pod's containers ask for, as upstream's events tell it. */
export function resizeSummary({ spec }: Pod, generation: number, error = ''): string {
  const list = (containers: PodSpec['initContainers']) =>
    containers?.length ? containers.map(({ name, resources }) => ({ name, resources: resources ?? {} })) : undefined
  return JSON.stringify({
    initContainers: list(spec?.initContainers),
    containers: list(spec?.containers),
    generation,
    ...(error ? { error } : {}),
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

/** What was granted, with the cpu and memory that the container has. */
export function actualResources(granted: ResourceRequirements | undefined, applied: ResourceRequirements): ResourceRequirements {
  const merge = (list: ResourceRequirements['limits'], has: ResourceRequirements['limits']) => {
    const { cpu: _, memory: __, ...rest } = list ?? {}
    const merged = { ...rest, ...has }
    return Object.keys(merged).length > 0 ? merged : undefined
  }
  const compute = computeResources(applied)
  const limits = merge(granted?.limits, compute.limits)
  const requests = merge(granted?.requests, compute.requests)
  const { limits: _, requests: __, ...rest } = granted ?? {}
  return { ...rest, ...(limits ? { limits } : {}), ...(requests ? { requests } : {}) }
}
