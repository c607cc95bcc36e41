import type { KubeObject } from '../../machinery/object.ts'

/** Quantities by resource: `cpu` as a rate in cores, `memory` in bytes. */
export type ResourceUsage = { readonly cpu: string; readonly memory: string }

type Measured = KubeObject & {
  /** The end of the window that the rates are of. */
  readonly timestamp: string
  /** Go's notation of a duration: `15.1s`. */
  readonly window: string
}

/** metrics.k8s.io/v1beta1 (https://kubernetes.io/docs/reference/external-api/metrics.v1beta1/). */
export type NodeMetrics = Measured & { readonly usage: ResourceUsage }
export type PodMetrics = Measured & { readonly containers: readonly ContainerMetrics[] }
export type ContainerMetrics = { readonly name: string; readonly usage: ResourceUsage }
