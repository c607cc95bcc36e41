import { toTime } from '../../base/clock.ts'
import type { Machine } from '../node-status/machine.ts'
import type { ContainerStats, Runtime } from '../runtime/contract.ts'

export type StatsOptions = {
  readonly runtime: Runtime
  readonly machine: Machine
  readonly nodeName: string
  readonly nowMs: () => number
  readonly startedAtMs: number
}

type Sample = { readonly atMs: number; readonly cpuNanoseconds: number }

/** Answers `/stats/summary` and `/metrics/resource` from the engine's figures; rates come from the sample before. */
export class NodeStatistics {
  readonly #options: StatsOptions
  #samples = new Map<string, Sample>()
  /** What containers have used since the first look: stands in for the machine's own figure where it has none. */
  #cpuNanoseconds = 0

  constructor(options: StatsOptions) {
    this.#options = options
  }

  async summary(): Promise<unknown> {
    const { nodeName, machine, nowMs, startedAtMs } = this.#options
    const stats = await this.#options.runtime.stats()
    const rates = this.#rates(stats)
    const pods = new Map<string, ContainerStats[]>()
    for (const one of stats) pods.set(one.uid, [...(pods.get(one.uid) ?? []), one])
    const use = await machine.use()
    const facts = machine.facts()
    const time = toTime(nowMs())
    return {
      node: {
        nodeName,
        startTime: toTime(startedAtMs),
        cpu: { time, usageNanoCores: sum(rates.values()), usageCoreNanoSeconds: sum(stats.map((s) => s.cpuUsageNanoseconds)) },
        memory: {
          time,
          availableBytes: use.memoryAvailableBytes ?? facts.memoryBytes,
          usageBytes: facts.memoryBytes - (use.memoryAvailableBytes ?? facts.memoryBytes),
          workingSetBytes: facts.memoryBytes - (use.memoryAvailableBytes ?? facts.memoryBytes),
          rssBytes: sum(stats.map((s) => s.memoryRssBytes)),
        },
        fs: { time, availableBytes: use.diskAvailableBytes ?? 0, capacityBytes: use.diskCapacityBytes ?? facts.ephemeralStorageBytes },
      },
      pods: [...pods.values()].map((containers) => podSummary(containers, rates)),
    }
  }

  /** Prometheus text of what autoscaling reads (https://kubernetes.io/docs/reference/instrumentation/node-metrics/). */
  async resourceMetrics(): Promise<string> {
    const { runtime, machine, nowMs } = this.#options
    const [stats, use, workloads] = await Promise.all([runtime.stats(), machine.use(), runtime.list()])
    this.#rates(stats)
    const started = new Map(workloads.flatMap(({ containers }) => containers.map((c) => [c.id, c.startedAtMs] as const)))
    const atMs = nowMs()
    const memoryBytes =
      use.memoryAvailableBytes === undefined
        ? sum(stats.map((s) => s.memoryWorkingSetBytes))
        : machine.facts().memoryBytes - use.memoryAvailableBytes
    const family = (name: string, type: string, help: string, lines: readonly string[]) =>
      [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines.map((line) => name + line)].join('\n')
    const each = (value: (one: ContainerStats) => number | undefined) =>
      stats.flatMap((s) => {
        const figure = value(s)
        return figure === undefined ? [] : [`{${labels(s)}} ${figure} ${s.timestampMs}`]
      })
    const startSeconds = ({ containerId }: ContainerStats) => {
      const startedAtMs = started.get(containerId)
      return startedAtMs === undefined ? undefined : startedAtMs / 1000
    }
    const cpuSeconds = (use.cpuNanoseconds ?? this.#cpuNanoseconds) / 1e9
    return `${[
      family(
        'container_cpu_usage_seconds_total',
        'counter',
        'Cumulative cpu time consumed by the container in core-seconds',
        each((s) => s.cpuUsageNanoseconds / 1e9),
      ),
      family(
        'container_memory_working_set_bytes',
        'gauge',
        'Current working set of the container in bytes',
        each((s) => s.memoryWorkingSetBytes),
      ),
      family('container_start_time_seconds', 'gauge', 'Start time of the container since unix epoch in seconds', each(startSeconds)),
      family('node_cpu_usage_seconds_total', 'counter', 'Cumulative cpu time consumed by the node in core-seconds', [
        ` ${cpuSeconds} ${atMs}`,
      ]),
      family('node_memory_working_set_bytes', 'gauge', 'Current working set of the node in bytes', [` ${memoryBytes} ${atMs}`]),
      family('resource_scrape_error', 'gauge', '1 if there was an error while getting container metrics, 0 otherwise', [' 0']),
    ].join('\n')}\n`
  }

  #rates(stats: readonly ContainerStats[]): Map<string, number> {
    const rates = new Map<string, number>()
    const samples = new Map<string, Sample>()
    for (const { containerId, timestampMs, cpuUsageNanoseconds } of stats) {
      const before = this.#samples.get(containerId)
      samples.set(containerId, { atMs: timestampMs, cpuNanoseconds: cpuUsageNanoseconds })
      this.#cpuNanoseconds += Math.max(0, cpuUsageNanoseconds - (before?.cpuNanoseconds ?? 0))
      if (!before || timestampMs <= before.atMs) continue
      rates.set(containerId, Math.round(((cpuUsageNanoseconds - before.cpuNanoseconds) * 1000) / (timestampMs - before.atMs)))
    }
    this.#samples = samples
    return rates
  }
}

function podSummary(containers: readonly ContainerStats[], rates: ReadonlyMap<string, number>) {
  const { name, namespace, uid, timestampMs } = containers[0]!
  const time = toTime(timestampMs)
  return {
    podRef: { name, namespace, uid },
    cpu: {
      time,
      usageNanoCores: sum(containers.map((c) => rates.get(c.containerId) ?? 0)),
      usageCoreNanoSeconds: sum(containers.map((c) => c.cpuUsageNanoseconds)),
    },
    memory: {
      time,
      workingSetBytes: sum(containers.map((c) => c.memoryWorkingSetBytes)),
      rssBytes: sum(containers.map((c) => c.memoryRssBytes)),
    },
    containers: containers.map((c) => ({
      name: c.containerName,
      cpu: { time: toTime(c.timestampMs), usageNanoCores: rates.get(c.containerId) ?? 0, usageCoreNanoSeconds: c.cpuUsageNanoseconds },
      memory: { time: toTime(c.timestampMs), workingSetBytes: c.memoryWorkingSetBytes, rssBytes: c.memoryRssBytes },
      rootfs: { time: toTime(c.timestampMs), usedBytes: c.rootfsUsedBytes },
    })),
  }
}

function labels({ containerName, name, namespace }: ContainerStats): string {
  return `container="${containerName}",namespace="${namespace}",pod="${name}"`
}

function sum(values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}
