import type { NodeUsage } from '../../kinds/node-usage.ts'
import { amountText } from '../../kinds/amount-text.ts'
import type { CompileContext, CompiledPlugin, Plugin, Rejection } from '../core/plugin.ts'
import { leastRequestedScore } from '../core/score-formulas.ts'
import { cpu, memory, type Snapshot } from '../core/snapshot.ts'

export type LoadAwareArgs = {
  /** After this long a measurement counts half. */
  readonly halfLifeSeconds: number
  /** Percent of allocatable beyond which a node takes no pod; absent: no limit. */
  readonly thresholds: { readonly cpu?: number; readonly memory?: number }
}

export const defaultHalfLifeSeconds = 60

/** A node's measurements, smoothed; millicores and bytes. */
type Load = { readonly cpuMilli: number; readonly memoryBytes: number; readonly atMs: number }

/** E' = E × 0.5^(Δt/H) + x × (1 − 0.5^(Δt/H)); the first measurement as it is. */
export function smoothed(before: Load | undefined, { cpuMilli, memoryBytes }: NodeUsage, atMs: number, halfLifeMs: number): Load {
  if (!before) return { cpuMilli, memoryBytes, atMs }
  const kept = decay(atMs - before.atMs, halfLifeMs)
  const mix = (old: number, now: number) => old * kept + now * (1 - kept)
  return { cpuMilli: mix(before.cpuMilli, cpuMilli), memoryBytes: mix(before.memoryBytes, memoryBytes), atMs }
}

/** What is left after a time of something that halves every half-life; 1 for times before. */
export function decay(elapsedMs: number, halfLifeMs: number): number {
  return elapsedMs <= 0 ? 1 : 0.5 ** (elapsedMs / halfLifeMs)
}

type Part = {
  readonly name: 'cpu' | 'memory'
  readonly id: typeof cpu | typeof memory
  readonly measured: (load: Load) => number
  /** As scores count: with defaults for containers that request nothing. */
  readonly own: number
}

/**
 * Prefers nodes by what they were measured to use instead of by requests: L_r(n) is the smoothed measurement, and what pods request
 * that are too young to show in it. Off by default. A node that reports nothing is scored by requests.
 */
export function loadAware({ halfLifeSeconds, thresholds }: LoadAwareArgs): Plugin {
  const halfLifeMs = halfLifeSeconds * 1_000
  const loads = new Map<string, Load>()
  return {
    name: 'LoadAware',
    weight: 1,
    onNodeUsage: (nodeName, usage, atMs) => {
      if (usage) loads.set(nodeName, smoothed(loads.get(nodeName), usage, atMs, halfLifeMs))
      else loads.delete(nodeName)
    },
    compile: (context) => compiled({ ...context, loads, halfLifeMs, thresholds }),
  }
}

type Input = CompileContext & {
  readonly loads: ReadonlyMap<string, Load>
  readonly halfLifeMs: number
  readonly thresholds: LoadAwareArgs['thresholds']
}

function compiled(input: Input): CompiledPlugin {
  const { snapshot, shape, loads, thresholds } = input
  const parts: readonly Part[] = [
    { name: 'cpu', id: cpu, measured: (load) => load.cpuMilli, own: shape.nonZeroCpu },
    { name: 'memory', id: memory, measured: (load) => load.memoryBytes, own: shape.nonZeroMemory },
  ]
  const loadOf = (row: number) => loads.get(snapshot.nodeName(row))
  const loadWith = (row: number, part: Part, load: Load | undefined) => {
    if (load) return Math.round(part.measured(load) + young(input, row, part.name, load) + part.own)
    return (part.id === cpu ? snapshot.nonZeroCpu : snapshot.nonZeroMemory)[row]! + part.own
  }
  const allocatable = (row: number, { id }: Part) => snapshot.allocatable[id]![row]!
  const limited = parts.filter((p) => thresholds[p.name] !== undefined)
  const isOver = (row: number, part: Part, load: Load) => loadWith(row, part, load) * 100 > thresholds[part.name]! * allocatable(row, part)
  const score = (row: number) => {
    const load = loadOf(row)
    return Math.floor(parts.reduce((sum, p) => sum + leastRequestedScore(loadWith(row, p, load), allocatable(row, p)), 0) / parts.length)
  }
  return {
    ...(limited.length > 0
      ? {
          usageFilter: (row: number) => {
            const load = loadOf(row)
            return load === undefined || !limited.some((p) => isOver(row, p, load))
          },
          reject: (row: number): Rejection => {
            const load = loadOf(row)!
            const over = limited.filter((p) => isOver(row, p, load))
            const text = (p: Part) =>
              `${p.name} load would be ${amountText(p.name, loadWith(row, p, load))} of ${amountText(p.name, allocatable(row, p))}, more than ${thresholds[p.name]} %`
            const excess = (p: Part) => Math.ceil(loadWith(row, p, load) - (thresholds[p.name]! * allocatable(row, p)) / 100)
            const less = over.map((p) => `its ${p.name} load by ${amountText(p.name, excess(p))}`)
            return {
              reasons: ["node(s) exceeded their load's threshold"],
              details: over.map(text),
              isResolvable: false,
              remedies: [{ kind: 'Other', text: `lower ${less.join(' and ')}` }],
            }
          },
        }
      : {}),
    sharedAs: () => `${shape.nonZeroCpu} ${shape.nonZeroMemory}`,
    usageScore: score,
    explainScore: (row, { score: total }) => {
      const load = loadOf(row)
      const terms = parts.map((p) => {
        const [of, with_] = [amountText(p.name, allocatable(row, p)), amountText(p.name, loadWith(row, p, load))]
        return `⌊100 × (${of} − ${with_})/${of}⌋`
      })
      return `⌊(${terms.join(' + ')})/2⌋ = ${total} (${load ? 'by measured load' : 'no measurement: by requests'})`
    },
  }
}

/** Σ over the node's pods of request × 0.5^(age/H), the age at the last measurement: what the smoothed value does not know of yet. */
function young({ snapshot, halfLifeMs }: Input, row: number, resource: Part['name'], load: Load): number {
  let sum = 0
  for (const entry of snapshot.podsOf(row)) {
    const request = resource === 'cpu' ? entry.shape.nonZeroCpu : entry.shape.nonZeroMemory
    sum += request * decay(load.atMs - entry.startedAt, halfLifeMs)
  }
  return sum
}

/** Tells every plugin that asks for it what a node uses; undefined: it does not report any more. */
export function reportUsage(
  plugins: readonly Plugin[],
  snapshot: Snapshot,
  report: { readonly nodeName: string; readonly usage: NodeUsage | undefined; readonly atMs: number },
): void {
  for (const { onNodeUsage } of plugins) onNodeUsage?.(report.nodeName, report.usage, report.atMs)
  snapshot.touchNode(report.nodeName)
}
