import { quantityMilli } from '../machinery/quantity.ts'
import type { Container, PodSpec } from './generated/types/core-v1.ts'

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort'

/**
 * The quality-of-service class of a pod, which decides its cgroup, its OOM score and its place in an eviction.
 * Guaranteed: every container (or the pod-level resources, where set) has limits for cpu and memory, and the sums of requests and
 * limits agree. BestEffort: no container has any positive cpu or memory figure. Burstable: the rest.
 * Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/
 */
export function qosClass(spec: PodSpec): QosClass {
  const sums: Sums = { cpuRequest: 0, memoryRequest: 0, cpuLimit: 0, memoryLimit: 0, isGuaranteed: true }
  if (spec.resources?.requests !== undefined || spec.resources?.limits !== undefined) {
    addResources(sums, spec.resources)
  } else {
    for (const container of spec.containers ?? []) addResources(sums, container.resources)
    for (const container of spec.initContainers ?? []) addResources(sums, container.resources)
  }
  if (sums.cpuRequest + sums.memoryRequest + sums.cpuLimit + sums.memoryLimit === 0) return 'BestEffort'
  const isEqual = sums.cpuRequest === sums.cpuLimit && sums.memoryRequest === sums.memoryLimit
  return sums.isGuaranteed && isEqual ? 'Guaranteed' : 'Burstable'
}

type Sums = { cpuRequest: number; memoryRequest: number; cpuLimit: number; memoryLimit: number; isGuaranteed: boolean }

function addResources(sums: Sums, resources: Container['resources']): void {
  sums.cpuRequest += positive(resources?.requests?.cpu)
  sums.memoryRequest += positive(resources?.requests?.memory)
  const cpuLimit = positive(resources?.limits?.cpu)
  const memoryLimit = positive(resources?.limits?.memory)
  sums.cpuLimit += cpuLimit
  sums.memoryLimit += memoryLimit
  if (cpuLimit === 0 || memoryLimit === 0) sums.isGuaranteed = false
}

function positive(quantity: string | number | undefined): number {
  return quantity === undefined ? 0 : Math.max(0, quantityMilli(quantity))
}
