import { podCondition } from '../../kinds/pod-status.ts'
import { isPlaced, isWaiting, type PodRecord } from './pod-record.ts'
import type { Sample, Sampler } from './sampler.ts'
import type { Scenario } from './scenario.ts'

/** Seconds, by nearest rank. */
export type Spread = { readonly p50: number; readonly p90: number; readonly p99: number; readonly max: number }
type MeanAndMax = { readonly mean: number; readonly max: number }

export type SimulationReport = {
  readonly apiVersion: 'keelson.dev/v1alpha1'
  readonly kind: 'SimulationReport'
  readonly metadata: { readonly name: string }
  readonly seed: number
  readonly durationSeconds: number
  readonly pods: Record<'created' | 'completed' | 'failed' | 'deleted' | 'placed' | 'waiting', number>
  /** From a pod's creation to its binding, and from there to its first running. */
  readonly waitingSeconds: Spread
  readonly startingSeconds: Spread
  /** Shares of what Ready nodes had to give, over the samples. */
  readonly utilisation: Partial<Record<'cpuRequested' | 'memoryRequested' | 'cpuUsed' | 'memoryUsed', MeanAndMax>>
  readonly evictions: Readonly<Record<string, number>>
  readonly restarts: number
  readonly cost: { readonly total: number; readonly perRequestedCpuHour: number | undefined }
  /** Of the pods that wait at the end, the reasons and how many have each. */
  readonly reasonsForWaiting: readonly { readonly message: string; readonly pods: number }[]
  readonly problems: readonly string[]
  /** Hash over everything that happened to pods, and when: equal for equal scenarios and seeds. */
  readonly trace: string
  readonly samples: readonly Sample[]
}

const reasonsMax = 10

/** Pure but for reading the record. */
export function reportOf(of: {
  readonly scenario: Scenario
  readonly record: PodRecord
  readonly sampler: Sampler
  readonly problems: readonly string[]
}): SimulationReport {
  const { scenario, record, sampler, problems } = of
  const live = [...record.live.values()]
  const total = money(sampler.cost(scenario.durationMs))
  return {
    apiVersion: 'keelson.dev/v1alpha1',
    kind: 'SimulationReport',
    metadata: { name: scenario.name },
    seed: scenario.seed,
    durationSeconds: scenario.durationMs / 1000,
    pods: {
      created: record.counts.created,
      completed: record.ended('Succeeded'),
      failed: record.ended('Failed'),
      deleted: record.counts.deleted,
      placed: live.filter(isPlaced).length,
      waiting: live.filter(isWaiting).length,
    },
    waitingSeconds: spreadOf(record.waitingMs),
    startingSeconds: spreadOf(record.startingMs),
    utilisation: utilisationOf(sampler.samples),
    evictions: Object.fromEntries([...record.evictions].sort(([a], [b]) => (a < b ? -1 : 1))),
    restarts: record.restarts,
    cost: { total, perRequestedCpuHour: sampler.requestedCpuHours > 0 ? money(total / sampler.requestedCpuHours) : undefined },
    reasonsForWaiting: reasonsOf(record),
    problems,
    trace: record.traceHash(),
    samples: sampler.samples,
  }
}

/** Nearest rank: the smallest value that so many percent do not exceed. Of nothing: zeros. */
export function spreadOf(timesMs: readonly number[]): Spread {
  const sorted = timesMs.toSorted((a, b) => a - b)
  const at = (percent: number) => Math.round(sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? 0) / 1000
  return { p50: at(50), p90: at(90), p99: at(99), max: at(100) }
}

function utilisationOf(samples: readonly Sample[]): SimulationReport['utilisation'] {
  const over = (name: 'cpuRequested' | 'memoryRequested' | 'cpuUsed' | 'memoryUsed') => {
    const values = samples.flatMap((sample) => sample[name] ?? [])
    if (values.length === 0) return {}
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    return { [name]: { mean: Math.round(mean * 10_000) / 10_000, max: Math.max(...values) } }
  }
  return { ...over('cpuRequested'), ...over('memoryRequested'), ...over('cpuUsed'), ...over('memoryUsed') }
}

function reasonsOf(record: PodRecord): SimulationReport['reasonsForWaiting'] {
  const counts = new Map<string, number>()
  for (const waiting of record.live.values()) {
    if (!isWaiting(waiting)) continue
    const message = podCondition(waiting.pod, 'PodScheduled')?.message ?? 'the scheduler has not tried it yet'
    counts.set(message, (counts.get(message) ?? 0) + 1)
  }
  const all = [...counts].map(([message, pods]) => ({ message, pods }))
  return all.sort((a, b) => b.pods - a.pods || (a.message < b.message ? -1 : 1)).slice(0, reasonsMax)
}

const money = (value: number) => Math.round(value * 10_000) / 10_000

/** The report for people, without its samples. */
export function reportText(report: SimulationReport): string {
  const { pods, waitingSeconds, startingSeconds, utilisation, evictions, cost } = report
  const seconds = ({ p50, p90, p99, max }: Spread) => `p50 ${p50} s, p90 ${p90} s, p99 ${p99} s, max ${max} s`
  const percent = (share: number) => `${Math.round(share * 1000) / 10} %`
  const evicted = Object.entries(evictions)
  const lines = [
    ['scenario', `${report.metadata.name}, seed ${report.seed}, ${report.durationSeconds} s of the cluster's time`],
    ['nodes', nodesText(report.samples)],
    [
      'pods',
      `${pods.created} created: ${pods.completed} completed, ${pods.failed} failed, ${pods.deleted} deleted, ${pods.placed} placed, ${pods.waiting} waiting at the end`,
    ],
    ['waiting', `${seconds(waitingSeconds)} (created → bound)`],
    ['starting', `${seconds(startingSeconds)} (bound → running)`],
    ...Object.entries(utilisation).map(([name, { mean, max }]) => [
      words[name as keyof typeof words],
      `mean ${percent(mean)}, at most ${percent(max)}`,
    ]),
    ['evictions', evicted.length === 0 ? 'none' : evicted.map(([reason, count]) => `${count} ${reason}`).join(', ')],
    ['restarts', String(report.restarts)],
    ['cost', `${cost.total}${cost.perRequestedCpuHour === undefined ? '' : `, ${cost.perRequestedCpuHour} a requested CPU hour`}`],
    ...report.reasonsForWaiting.map(({ message, pods: count }) => ['waits', `${count} ×: ${message}`]),
    ...report.problems.map((problem) => ['problem', problem]),
    ['trace', report.trace],
  ]
  return lines.map(([name, value]) => `${name!.padEnd(17)} ${value}`).join('\n')
}

const words = {
  cpuRequested: 'CPU requested',
  memoryRequested: 'memory requested',
  cpuUsed: 'CPU used',
  memoryUsed: 'memory used',
} as const

function nodesText(samples: readonly Sample[]): string {
  const counts = samples.map((sample) => sample.nodesReady)
  return `${counts[0] ?? 0} Ready at first, ${counts.at(-1) ?? 0} at the end (${Math.min(...counts)} to ${Math.max(...counts)})`
}
