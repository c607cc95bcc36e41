import { quantityMilli, quantityValue } from '../machinery/quantity.ts'
import type { Container, ContainerStatus, Pod } from './generated/types/core-v1.ts'

/**
 * Amounts by resource name: cpu in milli-CPU, memory, ephemeral-storage and hugepages-* in bytes, anything else in whole
 * units. Fractions are rounded up, as upstream does.
 */
export type ResourceAmounts = Record<string, number>

export type PodRequestOptions = {
  /**
   * Count what the node has really given too: the larger of the spec, the allocated and the actual figures in the
   * status, so that a pod on its way to a smaller size is not undercounted. What the scheduler uses.
   */
  readonly useStatus?: boolean
  /** Amounts for containers that request nothing of a resource; scores use 100 milli-CPU and 200 MB. */
  readonly missing?: ResourceAmounts
  /** Whether what the pod states as a whole is left out. */
  readonly skipsPodLevel?: boolean
}

type List = Readonly<Record<string, string | number>> | undefined

/**
 * R_r(p), what a pod asks of a node:
 * max( Σ app containers + Σ sidecars, max_i ( init_i + Σ sidecars started before i ) ) + overhead; pod-level
 * `spec.resources` stand in for the sum of the resources they name.
 * Source: https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers
 */
export function podRequests(pod: Pod, options: PodRequestOptions = {}): ResourceAmounts {
  const amounts = aggregate(pod, 'requests', options)
  if (!options.skipsPodLevel) overridePodLevel(amounts, pod.spec?.resources?.requests)
  addList(amounts, pod.spec?.overhead)
  return amounts
}

/** The same over limits; a resource that one container leaves unlimited counts only what the others state. */
export function podLimits(pod: Pod, options: PodRequestOptions = {}): ResourceAmounts {
  const amounts = aggregate(pod, 'limits', options)
  overridePodLevel(amounts, pod.spec?.resources?.limits)
  const overhead = pod.spec?.overhead
  // Overhead raises a limit but does not make one.
  if (overhead) for (const name in overhead) if (amounts[name] !== undefined) amounts[name] += resourceAmount(name, overhead[name]!)
  return amounts
}

/** One quantity in the unit of its resource: milli-CPU for cpu, else whole units, rounded up. */
export function resourceAmount(name: string, quantity: string | number): number {
  return name === 'cpu' ? quantityMilli(quantity) : quantityValue(quantity)
}

/** All entries of a resource list (allocatable, capacity, requests) as amounts. */
export function resourceAmounts(list: List): ResourceAmounts {
  const amounts: ResourceAmounts = {}
  addList(amounts, list)
  return amounts
}

/** An init container that keeps running beside the app containers. */
export function isSidecar(container: Pick<Container, 'restartPolicy'>): boolean {
  return container.restartPolicy === 'Always'
}

function aggregate(pod: Pod, field: 'requests' | 'limits', options: PodRequestOptions): ResourceAmounts {
  const spec = pod.spec
  const total: ResourceAmounts = {}
  if (!spec) return total
  for (const container of spec.containers ?? []) add(total, containerAmounts(container, pod, field, options))
  if (!spec.initContainers || spec.initContainers.length === 0) return total
  const sidecars: ResourceAmounts = {}
  const initPeak: ResourceAmounts = {}
  for (const container of spec.initContainers) {
    const own = containerAmounts(container, pod, field, options)
    if (isSidecar(container)) {
      add(total, own)
      add(sidecars, own)
      raise(initPeak, sidecars)
    } else {
      add(own, sidecars)
      raise(initPeak, own)
    }
  }
  raise(total, initPeak)
  return total
}

function containerAmounts(
  container: Container,
  pod: Pod,
  field: 'requests' | 'limits',
  { useStatus, missing }: PodRequestOptions,
): ResourceAmounts {
  const amounts = resourceAmounts(container.resources?.[field])
  if (useStatus) {
    const status = statusOf(pod, container.name)
    if (status) raiseByStatus(amounts, status, pod, field)
  }
  if (missing && field === 'requests') for (const name in missing) amounts[name] ??= missing[name]!
  return amounts
}

function raiseByStatus(amounts: ResourceAmounts, status: ContainerStatus, pod: Pod, field: 'requests' | 'limits'): void {
  const actual = resourceAmounts(status.resources?.[field])
  const allocated = field === 'requests' ? resourceAmounts(status.allocatedResources) : {}
  if (isResizeInfeasible(pod) && status.resources) {
    // The wish will not be granted: only what is there counts.
    for (const name in amounts) delete amounts[name]
  }
  raise(amounts, actual)
  raise(amounts, allocated)
}

function isResizeInfeasible(pod: Pod): boolean {
  return pod.status?.conditions?.some((c) => c.type === 'PodResizePending' && c.reason === 'Infeasible') ?? false
}

function statusOf(pod: Pod, name: string): ContainerStatus | undefined {
  return pod.status?.containerStatuses?.find((s) => s.name === name) ?? pod.status?.initContainerStatuses?.find((s) => s.name === name)
}

function overridePodLevel(amounts: ResourceAmounts, list: List): void {
  if (list) for (const name in list) if (isPodLevelResource(name)) amounts[name] = resourceAmount(name, list[name]!)
}

/** Resources that may be stated for the pod as a whole. */
export function isPodLevelResource(name: string): boolean {
  return name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')
}

function add(to: ResourceAmounts, from: ResourceAmounts): void {
  for (const name in from) to[name] = (to[name] ?? 0) + from[name]!
}

function addList(to: ResourceAmounts, list: List): void {
  if (list) for (const name in list) to[name] = (to[name] ?? 0) + resourceAmount(name, list[name]!)
}

function raise(to: ResourceAmounts, from: ResourceAmounts): void {
  for (const name in from) if ((to[name] ?? 0) < from[name]! || to[name] === undefined) to[name] = from[name]!
}
