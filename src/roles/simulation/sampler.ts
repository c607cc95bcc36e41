import type { Informer } from '../../client/informer-contract.ts'
import type { Node } from '../../kinds/generated/types/core-v1.ts'
import { quantityMilli, quantityValue } from '../../machinery/quantity.ts'
import type { SimulatedNode } from '../simulated-nodes.ts'
import { isPlaced, isWaiting, type PodRecord } from './pod-record.ts'

/** The cluster at one moment. Shares are of what the Ready nodes have to give, in [0, 1]; `used` only where the scenario tells of use. */
export type Sample = {
  readonly atSeconds: number
  readonly nodesReady: number
  readonly podsPlaced: number
  readonly podsWaiting: number
  readonly cpuRequested: number
  readonly memoryRequested: number
  readonly cpuUsed?: number
  readonly memoryUsed?: number
}

type SamplerOptions = {
  readonly record: PodRecord
  readonly nodes: Informer<Node>
  readonly machines: readonly SimulatedNode[]
  readonly prices: ReadonlyMap<string, number>
  readonly measuresUse: boolean
}

/** Looks at the cluster from time to time, and adds up what it costs. */
export class Sampler {
  readonly samples: Sample[] = []
  readonly #options: SamplerOptions
  readonly #priced: { readonly pricePerHour: number; readonly fromMs: number }[]
  #requestedCpuMilliMs = 0
  #lastCpuMilli = 0
  #last = { atMs: 0, cpuNanoseconds: new Map<string, number>() }

  constructor(options: SamplerOptions) {
    this.#options = options
    this.#priced = [...options.prices.values()].map((pricePerHour) => ({ pricePerHour, fromMs: 0 }))
  }

  addPrices(prices: readonly (readonly [string, number])[], fromMs: number): void {
    for (const [, pricePerHour] of prices) this.#priced.push({ pricePerHour, fromMs })
  }

  /** What the nodes cost until then, each from its beginning on, running or not. */
  cost(untilMs: number): number {
    return this.#priced.reduce((sum, { pricePerHour, fromMs }) => sum + (pricePerHour * (untilMs - fromMs)) / 3_600_000, 0)
  }

  /** CPU that placed pods requested, in CPU hours, between the samples. */
  get requestedCpuHours(): number {
    return this.#requestedCpuMilliMs / 1_000 / 3_600_000
  }

  async sample(atMs: number): Promise<void> {
    const ready = this.#options.nodes.list().filter(isReady)
    const cpu = sum(ready, (node) => quantityMilli(node.status?.allocatable?.cpu ?? 0))
    const memory = sum(ready, (node) => quantityValue(node.status?.allocatable?.memory ?? 0))
    const live = [...this.#options.record.live.values()]
    const names = new Set(ready.map((node) => node.metadata.name))
    const placed = live.filter((one) => isPlaced(one) && names.has(one.pod.spec?.nodeName))
    const cpuMilli = sum(placed, (pod) => pod.cpuMilli)
    this.#requestedCpuMilliMs += this.#lastCpuMilli * (atMs - this.#last.atMs)
    this.#lastCpuMilli = cpuMilli
    const used = this.#options.measuresUse ? await this.#use(atMs) : undefined
    this.#last = { atMs, cpuNanoseconds: used?.byContainer ?? this.#last.cpuNanoseconds }
    this.samples.push({
      atSeconds: atMs / 1000,
      nodesReady: ready.length,
      podsPlaced: placed.length,
      podsWaiting: live.filter(isWaiting).length,
      cpuRequested: share(cpuMilli, cpu),
      memoryRequested: share(
        sum(placed, (pod) => pod.memoryBytes),
        memory,
      ),
      ...(used ? { cpuUsed: share(used.cpuMilli, cpu), memoryUsed: share(used.memoryBytes, memory) } : {}),
    })
  }

  async #use(atMs: number) {
    const stats = (await Promise.all(this.#options.machines.map(({ runtime }) => runtime.stats()))).flat()
    const byContainer = new Map(stats.map((of) => [of.containerId, of.cpuUsageNanoseconds]))
    const elapsedMs = atMs - this.#last.atMs
    const nanoseconds = sum(stats, (of) => of.cpuUsageNanoseconds - (this.#last.cpuNanoseconds.get(of.containerId) ?? 0))
    return {
      byContainer,
      cpuMilli: elapsedMs > 0 ? nanoseconds / elapsedMs / 1_000 : 0,
      memoryBytes: sum(stats, (of) => of.memoryWorkingSetBytes),
    }
  }
}

/** Asked after every step of the clock: the first node that is not ends the look. */
export const areReady = (nodes: readonly Node[], count: number) => nodes.length >= count && nodes.every(isReady)
const isReady = (node: Node) => node.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false
const share = (part: number, whole: number) => (whole > 0 ? Math.round((part / whole) * 10_000) / 10_000 : 0)

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  let total = 0
  for (const item of items) total += of(item)
  return total
}
