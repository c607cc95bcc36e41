import type { Pod, PodAffinityTerm, PodSpec } from '../../kinds/generated/types/core-v1.ts'
import { type HostPort, hostPortsOf } from '../../kinds/host-ports.ts'
import { isPodLevelResource, podRequests, type ResourceAmounts } from '../../kinds/pod-requests.ts'
import type { Bump } from './domain-counter.ts'
import { pinnedNode, unpinned } from './pinned-node.ts'

export type Labels = Readonly<Record<string, string>>

/**
 * All that scheduling knows of a pod except its identity, its priority and the one node that it may name (core/pinned-node.ts): pods of one shape are interchangeable. Shapes are
 * interned by the snapshot, so that work is done once a shape (compiled plugins, cells, terms that match it).
 */
export type PodShape = {
  /** Dense, ≥ 0. */
  readonly id: number
  readonly namespace: string
  readonly labels: Labels
  /** A pod of this shape. */
  readonly pod: Pod
  /** Its spec, without the node that it is on or names. */
  readonly spec: Omit<PodSpec, 'nodeName'>
  /** R_r(p) in base units (kinds/pod-requests.ts). */
  readonly requests: ResourceAmounts
  /** The requests as parallel arrays: the snapshot's resource index, and the amount (> 0). */
  readonly resourceIds: readonly number[]
  readonly resourceAmounts: readonly number[]
  /** cpu and memory with 100m and 200 MB in place of missing container requests: what scores count of a pod that is on a node. */
  readonly nonZeroCpu: number
  readonly nonZeroMemory: number
  /** The same of the pod that is being placed, with its other resources: what its containers ask for, without `spec.resources`. */
  readonly scoredRequests: ResourceAmounts
  readonly ports: readonly HostPort[]
  readonly images: readonly string[]
  /** What one pod of this shape adds to counters: while it runs, and while it terminates. Kept by the snapshot. */
  readonly bumps: Bump[]
  readonly terminatingBumps: Bump[]
  /** Assigned and nominated pods of this shape; a shape without any may be dropped. */
  podCount: number
}

/** Upstream's defaults for containers that request nothing, used by scores only (pkg/scheduler/util). */
export const nonZeroDefaults = { cpu: 100, memory: 200 * 1024 * 1024 } as const

export type ShapeFacts = Omit<PodShape, 'id' | 'bumps' | 'terminatingBumps' | 'resourceIds' | 'resourceAmounts' | 'podCount'>

/** What of a pod makes up its shape, with a text that is equal for equal shapes. */
export function shapeFacts(pod: Pod): { readonly facts: ShapeFacts; readonly signature: string } {
  // Where a pod of the shape happens to run says nothing about the others.
  const { nodeName: _, ...whole } = pod.spec ?? { containers: [] }
  const spec = pinnedNode(whole) === undefined ? whole : unpinned(whole)
  const namespace = pod.metadata.namespace ?? ''
  const labels = pod.metadata.labels ?? {}
  const requests = podRequests(pod, { useStatus: true })
  const isPodLevel = Object.keys(spec.resources?.requests ?? {}).some(isPodLevelResource)
  const scoredRequests = podRequests(pod, { useStatus: true, missing: nonZeroDefaults, skipsPodLevel: true })
  // Where the pod as a whole has requests, a default stands only for what neither it nor any container asks for.
  const missing = Object.fromEntries(Object.entries(nonZeroDefaults).filter(([name]) => requests[name] === undefined))
  const nonZero = isPodLevel ? podRequests(pod, { useStatus: true, missing }) : scoredRequests
  const ports = hostPortsOf(spec)
  const images = podImages(spec)
  const nonZeroCpu = nonZero.cpu ?? 0
  const nonZeroMemory = nonZero.memory ?? 0
  const signature = JSON.stringify([
    namespace,
    labels,
    requests,
    nonZeroCpu,
    nonZeroMemory,
    isPodLevel ? scoredRequests : undefined,
    spec.nodeSelector,
    spec.affinity,
    spec.tolerations,
    spec.topologySpreadConstraints,
    ports,
    images,
  ])
  return { facts: { namespace, labels, pod, spec, requests, nonZeroCpu, nonZeroMemory, scoredRequests, ports, images }, signature }
}

export function isAssigned(pod: Pod): boolean {
  return pod.spec?.nodeName !== undefined && pod.spec.nodeName !== ''
}

function podImages(spec: PodShape['spec']): string[] {
  const images: string[] = []
  for (const container of spec.initContainers ?? []) images.push(normalisedImage(container.image ?? ''))
  for (const container of spec.containers ?? []) images.push(normalisedImage(container.image ?? ''))
  return images
}

/** As nodes report images: a name without tag or digest gets `:latest`. */
export function normalisedImage(name: string): string {
  return name.lastIndexOf(':') <= name.lastIndexOf('/') ? `${name}:latest` : name
}

export type AffinityTerms = {
  readonly requiredAffinity: readonly PodAffinityTerm[]
  readonly requiredAntiAffinity: readonly PodAffinityTerm[]
  readonly preferred: readonly { readonly weight: number; readonly term: PodAffinityTerm }[]
}

/** The pod's inter-pod terms; the weights of preferred anti-affinity are negative. */
export function affinityTerms(spec: Pick<PodSpec, 'affinity'>): AffinityTerms {
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {}
  const preferred = [
    ...(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((w) => ({ weight: w.weight, term: w.podAffinityTerm })),
    ...(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((w) => ({
      weight: -w.weight,
      term: w.podAffinityTerm,
    })),
  ]
  return {
    requiredAffinity: podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [],
    requiredAntiAffinity: podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [],
    preferred,
  }
}
