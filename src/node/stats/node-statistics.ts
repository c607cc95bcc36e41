import type { Clock } from '../../base/clock.ts'
import type { Machine } from '../node-status/machine.ts'
import type { Runtime } from '../runtime/contract.ts'
import { cadvisorFamilies, type LayerUse } from './cadvisor-metrics.ts'
import type { DiskFigures, PodDisk } from './disk-figures.ts'
import { exposition } from './exposition.ts'
import type { MachineFigures } from './machine-figures.ts'
import { type KnownPod, type NodeObservation, observeNode } from './observation.ts'
import { resourceFamilies } from './resource-metrics.ts'
import { nodeSummary } from './summary.ts'
import { UsageRates } from './usage-rates.ts'

export type StatisticsOptions = {
  readonly runtime: Pick<Runtime, 'stats' | 'imageFilesystem'>
  readonly machine: Machine
  /** Undefined: a simulated node, of which its engine tells everything. */
  readonly figures: MachineFigures | undefined
  readonly disks: Pick<DiskFigures, 'read'> | undefined
  readonly pods: () => readonly KnownPod[]
  readonly nodeName: string
  readonly clock: Clock
}

/** Measures the node when somebody asks, and never otherwise. */
export class NodeStatistics {
  readonly #options: StatisticsOptions
  readonly #startedAtMs: number
  readonly #rates = new UsageRates()
  /** What containers have used since the first look: stands in for the machine's own figure where it has none. */
  #used = { nanoseconds: 0, last: new Map<string, number>() }

  constructor(options: StatisticsOptions) {
    this.#options = options
    this.#startedAtMs = options.clock.now()
  }

  /** `/stats/summary`; `onlyCpuAndMemory` is upstream's option for those who need no more. */
  async summary({ onlyCpuAndMemory = false } = {}): Promise<object> {
    const { nodeName, machine, figures, clock } = this.#options
    const [observation, use, disks, imageFs] = await Promise.all([
      this.#observe({ withContainers: true }),
      machine.use(),
      onlyCpuAndMemory ? noDisks : this.disks(),
      onlyCpuAndMemory ? undefined : this.#imageFs(),
    ])
    const cpuNanoseconds = use.cpuNanoseconds ?? this.#used.nanoseconds
    const whole = nodeSummary({
      nodeName,
      nowMs: clock.now(),
      startedAtMs: figures?.bootTimeMs ?? this.#startedAtMs,
      observation,
      facts: machine.facts(),
      use,
      cpuNanoseconds,
      memory: figures?.memory(),
      nodeFs: figures?.nodeFs(),
      imageFs,
      agentProcess: figures?.process(),
      disks,
      rate: (key, atMs, nanoseconds) => this.#rates.rate(key, atMs, nanoseconds),
    })
    this.#rates.endRound()
    return whole
  }

  /** `/metrics/resource`. */
  async resourceMetrics(): Promise<string> {
    const { machine, figures, clock } = this.#options
    const memory = figures?.memory()
    // Containers' own cgroups tell nothing more unless there is swap.
    const withContainers = (memory?.swapTotalBytes ?? 0) > 0
    const [observation, use] = await Promise.all([this.#observe({ withContainers }), machine.use()])
    const inPods = observation.pods.reduce((sum, { row }) => sum + (row.usage?.workingSetBytes ?? 0), 0)
    const { memoryAvailableBytes } = use
    return exposition(
      resourceFamilies(observation, {
        atMs: clock.now(),
        cpuNanoseconds: use.cpuNanoseconds ?? this.#used.nanoseconds,
        workingSetBytes: memoryAvailableBytes === undefined ? inPods : machine.facts().memoryBytes - memoryAvailableBytes,
        swapBytes: memory && memory.swapTotalBytes - memory.swapFreeBytes,
      }),
    )
  }

  /** `/metrics/cadvisor`. */
  async cadvisorMetrics(): Promise<string> {
    const { machine, figures } = this.#options
    const [observation, imageFs] = await Promise.all([this.#observe({ withContainers: true }), this.#imageFs()])
    const device = imageFs?.fileSystem.device ?? ''
    const layers = observation.pods.flatMap(({ containers }) =>
      containers.flatMap(({ row, stats }): LayerUse[] => (stats ? [{ row, device, usedBytes: stats.rootfsUsedBytes }] : [])),
    )
    const nodeFs = figures?.nodeFs()
    const root: LayerUse[] =
      observation.machine && nodeFs ? [{ row: observation.machine, device: nodeFs.device, usedBytes: nodeFs.usedBytes }] : []
    const swapBytes = figures?.memory()?.swapTotalBytes
    return exposition(cadvisorFamilies(observation, [...root, ...layers], { facts: machine.facts(), swapBytes }))
  }

  /** What pods take of the disk, by uid; counted at most once a minute. */
  async disks(): Promise<ReadonlyMap<string, PodDisk>> {
    return (await this.#options.disks?.read()) ?? noDisks
  }

  async #observe(depth: { readonly withContainers: boolean }): Promise<NodeObservation> {
    const { runtime, figures, pods, clock } = this.#options
    const observation = await observeNode({ runtime, figures, pods, nowMs: () => clock.now() }, depth)
    if (!figures) this.#addUse(observation)
    return observation
  }

  #addUse({ pods }: NodeObservation): void {
    const last = new Map<string, number>()
    for (const { row } of pods.flatMap((pod) => pod.containers)) {
      const nanoseconds = row.usage?.cpuNanoseconds ?? 0
      last.set(row.id, nanoseconds)
      this.#used.nanoseconds += Math.max(0, nanoseconds - (this.#used.last.get(row.id) ?? 0))
    }
    this.#used.last = last
  }

  async #imageFs() {
    const { runtime, figures } = this.#options
    if (!figures) return undefined
    try {
      const { usedBytes, mountpoint } = await runtime.imageFilesystem()
      const fileSystem = figures.fileSystem(mountpoint)
      return fileSystem && { usedBytes, fileSystem }
    } catch {
      // The engine is away for the moment: the rest can still be told.
      return undefined
    }
  }
}

const noDisks: ReadonlyMap<string, PodDisk> = new Map()
