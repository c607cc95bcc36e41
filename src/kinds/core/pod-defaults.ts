import type { Container, Pod, PodSpec } from '../generated/types/core-v1.ts'
import { isPodLevelResource } from '../pod-requests.ts'
import { sumOfContainers } from './pod-template/container-sums.ts'
import { applyPodSpecDefaults, dropInitContainerAnnotations } from './pod-template/defaults.ts'
import { isHugePages } from './pod-template/validate-resources.ts'

/** Defaults of a pod: those of every pod spec, and those that only a real pod gets (requests from limits, service links, host ports). */
export function applyPodDefaults(pod: Pod): void {
  dropInitContainerAnnotations(pod.metadata)
  const spec = pod.spec
  if (!spec) return
  applyPodSpecDefaults(spec)
  spec.enableServiceLinks ??= true
  if (spec.containers) for (const container of spec.containers) applyPodContainerDefaults(container, spec.hostNetwork === true)
  if (spec.initContainers) for (const container of spec.initContainers) applyPodContainerDefaults(container, spec.hostNetwork === true)
  if (spec.resources) applyPodLevelDefaults(spec)
  // In a template it stays as it is, with a warning.
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) spec.terminationGracePeriodSeconds = 1
}

function applyPodContainerDefaults(container: Container, isHostNetwork: boolean): void {
  const resources = container.resources
  const limits = resources?.limits
  if (limits) {
    resources.requests ??= {}
    for (const name in limits) resources.requests[name] ??= limits[name]!
  }
  if (isHostNetwork && container.ports) for (const port of container.ports) port.hostPort ||= port.containerPort
}

/**
 * Where resources of the pod as a whole are stated, what they leave out follows from what the containers have together, else from the
 * limit: huge pages first get a limit, then cpu and memory their requests.
 */
function applyPodLevelDefaults(spec: PodSpec): void {
  const resources = spec.resources
  if (!resources || isEmpty({ ...resources.limits, ...resources.requests })) return
  const limits: Record<string, string | number> = { ...resources.limits }
  const limitSums = sumOfContainers(spec, 'limits')
  for (const name in limitSums) if (isHugePages(name) && resources.requests?.[name] === undefined) limits[name] ??= limitSums[name]!
  if (isEmpty(limits)) return
  resources.limits = limits
  const requests: Record<string, string | number> = { ...resources.requests }
  const sums = sumOfContainers(spec, 'requests')
  for (const name in sums) if (isPodLevelResource(name) && !isHugePages(name)) requests[name] ??= sums[name]!
  for (const name in limits) if (isPodLevelResource(name)) requests[name] ??= limits[name]!
  if (!isEmpty(requests)) resources.requests = requests
}

const isEmpty = (list: object) => Object.keys(list).length === 0
