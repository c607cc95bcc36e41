import type { ResourceUsage } from '../../kinds/metrics/resource-metrics.ts'
import { formatQuantity, quantityOfUnits } from '../../machinery/quantity.ts'
import type { Counter, NodeSample } from './node-sample.ts'

export type Usage = {
  readonly atMs: number
  readonly windowMs: number
  /** 10⁻⁹ cores. */
  readonly cpuNanocores: number
  readonly memoryBytes: number
}

export type NodeUsage = {
  readonly node: Usage | undefined
  /** By `namespace/pod`, then by container. Pods of which a container could not be measured are left out. */
  readonly pods: ReadonlyMap<string, ReadonlyMap<string, Usage>>
}

/**
 * Rates between two samples of a node. A container that started after the first is measured since its start; one whose counter went
 * back (it was started again unnoticed) is left out until the next time. Pure.
 */
export function usageBetween(before: NodeSample, after: NodeSample): NodeUsage {
  const pods = new Map<string, ReadonlyMap<string, Usage>>()
  for (const [key, containers] of after.pods) {
    const measured = new Map<string, Usage>()
    for (const [name, counter] of containers) {
      const usage = rateOf(before.pods.get(key)?.get(name), counter)
      if (usage) measured.set(name, usage)
    }
    if (measured.size > 0 && measured.size === containers.size) pods.set(key, measured)
  }
  return { node: after.node && rateOf(before.node, after.node), pods }
}

function rateOf(before: Counter | undefined, after: Counter): Usage | undefined {
  const { startedAtMs } = after
  const isNew = startedAtMs !== undefined && startedAtMs > (before?.atMs ?? Number.NEGATIVE_INFINITY)
  const from = isNew ? { atMs: startedAtMs, cpuSeconds: 0 } : before
  if (!from || after.atMs <= from.atMs || after.cpuSeconds < from.cpuSeconds) return undefined
  const windowMs = after.atMs - from.atMs
  const cpuNanocores = Math.round(((after.cpuSeconds - from.cpuSeconds) * 1e12) / windowMs)
  return { atMs: after.atMs, windowMs, cpuNanocores, memoryBytes: after.memoryBytes }
}

/** As metrics.k8s.io writes it: CPU in nanocores, memory in binary units. */
export function resourceUsage({ cpuNanocores, memoryBytes }: Usage): ResourceUsage {
  return {
    cpu: formatQuantity({ nano: BigInt(cpuNanocores), format: 'DecimalSI' }),
    memory: formatQuantity(quantityOfUnits(memoryBytes, 'BinarySI')),
  }
}

/** Go's notation of a duration: `1.5s`, `1m30s`, `250ms`. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${ms}ms`
  const minutes = Math.floor(ms / 60_000)
  const seconds = `${(ms - minutes * 60_000) / 1000}s`
  return minutes > 0 ? `${minutes}m${seconds}` : seconds
}
