import type { Container, Pod, ResourceRequirements } from '../../kinds/generated/types/core-v1.ts'
import { isSidecar, podLimits, podRequests } from '../../kinds/pod-requests.ts'
import { qosClass } from '../../kinds/qos.ts'
import { quantityMilli, quantityValue } from '../../machinery/quantity.ts'
import type { ContainerResources } from '../runtime/contract.ts'

/** Period of the CPU quota: what upstream uses, in microseconds. */
export const cpuPeriodUs = 100_000
const cpuSharesMin = 2
const cpuSharesMax = 262_144
/** The least quota that the kernel takes, in microseconds. */
const cpuQuotaUsMin = 1_000

/** cpu.shares = max(2, ⌊1024·mCPU/1000⌋): the weight of a container against its neighbours. */
export function cpuShares(milli: number): number {
  return Math.min(Math.max(cpuSharesMin, Math.floor((1024 * milli) / 1000)), cpuSharesMax)
}

/** Quota in microseconds a period for a limit in milli-CPU; undefined: no limit. */
export function cpuQuotaUs(limitMilli: number, periodUs = cpuPeriodUs): number | undefined {
  return limitMilli <= 0 ? undefined : Math.max(cpuQuotaUsMin, Math.floor((limitMilli * periodUs) / 1000))
}

/** cgroup v2 weight for v1 shares, as the engines convert: [2, 262144] onto [1, 10000]. */
export function cpuWeight(shares: number): number {
  return 1 + Math.floor(((shares - 2) * 9999) / 262_142)
}

/** What holds a container: its own resources, under the limits of cpu and memory of its pod as a whole where it has none. */
export function effectiveResources({ spec }: Pod, { resources }: Pick<Container, 'resources'>): ResourceRequirements {
  const inherited = (['cpu', 'memory'] as const).flatMap((name) => {
    const limit = spec?.resources?.limits?.[name]
    return limit !== undefined && milli(limit) > 0 && milli(resources?.limits?.[name]) === 0 ? [[name, limit] as const] : []
  })
  return inherited.length === 0 ? (resources ?? {}) : { ...resources, limits: { ...resources?.limits, ...Object.fromEntries(inherited) } }
}

/** What the engine is told of one container's cpu and memory. */
export function containerResourcesOf(resources: ResourceRequirements | undefined): ContainerResources {
  const limitMilli = milli(resources?.limits?.cpu)
  // A limit without a request stands for both.
  const requestMilli = resources?.requests?.cpu === undefined ? limitMilli : milli(resources.requests.cpu)
  const memory = resources?.limits?.memory === undefined ? 0 : quantityValue(resources.limits.memory)
  const quota = cpuQuotaUs(limitMilli)
  return {
    cpuShares: cpuShares(requestMilli),
    cpuQuotaUs: quota,
    cpuPeriodUs: quota === undefined ? undefined : cpuPeriodUs,
    memoryLimitBytes: memory > 0 ? memory : undefined,
    unified: {},
  }
}

/**
 * Which containers the kernel ends first when memory runs out: Guaranteed −997; BestEffort 1000; Burstable
 * min(max(3, 1000 − ⌊1000·request/capacity⌋), 999), the higher the sooner. What the pod as a whole requests beyond its containers is theirs
 * in equal parts, and a sidecar does not end sooner than the app container that requests least.
 */
export function oomScoreAdj(pod: Pod, container: Pick<Container, 'name' | 'resources' | 'restartPolicy'>, capacityBytes: number): number {
  if (pod.spec?.priorityClassName === 'system-node-critical') return -997
  switch (qosClass(pod.spec!)) {
    case 'Guaranteed':
      return -997
    case 'BestEffort':
      return 1000
    case 'Burstable': {
      if (capacityBytes <= 0) return 999
      const isSidecarOfPod = isSidecar(container) && pod.spec?.initContainers?.some(({ name }) => name === container.name)
      const least = isSidecarOfPod ? Math.min(...pod.spec!.containers!.map(memoryRequest)) : 0
      const request = Math.max(memoryRequest(container), least) + undividedMemory(pod)
      return Math.min(Math.max(3, 1000 - Math.floor((1000 * request) / capacityBytes)), 999)
    }
  }
}

function memoryRequest({ resources }: Pick<Container, 'resources'>): number {
  return resources?.requests?.memory === undefined ? 0 : quantityValue(resources.requests.memory)
}

/** Each container's part of the memory that the pod as a whole requests beyond what its containers do. */
function undividedMemory(pod: Pod): number {
  const { resources, overhead: _, ...spec } = pod.spec!
  if (!resources?.requests?.memory) return 0
  const left = quantityValue(resources.requests.memory) - (podRequests({ ...pod, spec }).memory ?? 0)
  return Math.trunc(left / ((spec.containers?.length ?? 0) + (spec.initContainers?.length ?? 0)))
}

/** Whether the pod as a whole has a limit: its own, or one of each container. */
export function isPodLimited({ spec }: Pod, name: 'cpu' | 'memory'): boolean {
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])]
  return spec?.resources?.limits?.[name] !== undefined || containers.every((c) => c.resources?.limits?.[name] !== undefined)
}

/** Limits of the cgroup that holds the whole pod; a resource that one container leaves open is open for the pod. */
export function podCgroupResources(pod: Pod): ContainerResources {
  const requests = podRequests(pod)
  const limits = podLimits(pod)
  const quota = isPodLimited(pod, 'cpu') ? cpuQuotaUs(limits.cpu ?? 0) : undefined
  return {
    cpuShares: cpuShares(requests.cpu ?? 0),
    cpuQuotaUs: quota,
    cpuPeriodUs: quota === undefined ? undefined : cpuPeriodUs,
    memoryLimitBytes: isPodLimited(pod, 'memory') && (limits.memory ?? 0) > 0 ? limits.memory : undefined,
    unified: {},
  }
}

/** What holds both: no limit where either has none. */
export function widest(a: ContainerResources, b: ContainerResources): ContainerResources {
  const more = (x: number | undefined, y: number | undefined) => (x === undefined || y === undefined ? undefined : Math.max(x, y))
  return {
    cpuShares: more(a.cpuShares, b.cpuShares),
    cpuQuotaUs: more(a.cpuQuotaUs, b.cpuQuotaUs),
    cpuPeriodUs: more(a.cpuPeriodUs, b.cpuPeriodUs),
    memoryLimitBytes: more(a.memoryLimitBytes, b.memoryLimitBytes),
    unified: {},
  }
}

function milli(quantity: string | number | undefined): number {
  return quantity === undefined ? 0 : quantityMilli(quantity)
}
