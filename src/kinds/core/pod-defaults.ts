import type { Container, Pod } from '../generated/types/core-v1.ts'
import { isPodLevelResource, isSidecar } from '../pod-requests.ts'
import { addQuantity, compareQuantity, isQuantity } from '../../machinery/quantity.ts'
import { applyPodSpecDefaults } from './pod-template/defaults.ts'

/** Defaults of a pod: those of every pod spec, and those that only a real pod gets (requests from limits, service links, host ports). */
export function applyPodDefaults(pod: Pod): void {
  const spec = pod.spec
  if (!spec) return
  applyPodSpecDefaults(spec)
  spec.enableServiceLinks ??= true
  if (spec.containers) for (const container of spec.containers) applyPodContainerDefaults(container, spec.hostNetwork === true)
  if (spec.initContainers) for (const container of spec.initContainers) applyPodContainerDefaults(container, spec.hostNetwork === true)
  if (spec.resources) applyPodLevelDefaults(spec.resources, spec.containers ?? [], spec.initContainers ?? [])
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

/** Where pod-level resources are stated, what they leave out follows from the containers' sum, else from the limit. */
function applyPodLevelDefaults(resources: NonNullable<Container['resources']>, containers: Container[], initContainers: Container[]): void {
  const { limits } = resources
  if (!limits && !resources.requests) return
  const sums = sumOfRequests(containers, initContainers)
  const requests = (resources.requests ??= {})
  for (const name in sums) if (isPodLevelResource(name)) requests[name] ??= sums[name]!
  if (limits) for (const name in limits) if (isPodLevelResource(name)) requests[name] ??= limits[name]!
}

function sumOfRequests(containers: Container[], initContainers: Container[]): Record<string, string> {
  const total: Record<string, string> = {}
  const sidecars: Record<string, string> = {}
  for (const container of containers) addTo(total, container.resources?.requests)
  for (const container of initContainers) {
    if (isSidecar(container)) {
      addTo(total, container.resources?.requests)
      addTo(sidecars, container.resources?.requests)
    }
  }
  for (const container of initContainers) {
    if (isSidecar(container)) continue
    const own = { ...sidecars }
    addTo(own, container.resources?.requests)
    for (const name in own) if (total[name] === undefined || compareQuantity(own[name]!, total[name]) > 0) total[name] = own[name]!
  }
  return total
}

function addTo(sum: Record<string, string>, list: Record<string, string | number> | undefined): void {
  for (const name in list) {
    const value = list[name]!
    if (isQuantity(value)) sum[name] = addQuantity(sum[name] ?? '0', value)
  }
}
