import { readFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export type Figure = {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly goal?: number
  readonly better: 'lower' | 'higher'
}

/** The stricter of what issues ask for: so much, and a fifth of what Kubernetes takes (1.8 ms a create, 2.0 a patch, 0.58 a get). */
export const cpuGoalsMs = { create: 0.36, get: 0.1, patch: 0.4, configMap: 0.3 } as const

export function percentile(sorted: readonly number[], p: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor((p / 100) * sorted.length))] ?? Number.NaN
}

export function median(values: readonly number[]): number {
  return percentile(
    [...values].sort((a, b) => a - b),
    50,
  )
}

/** CPU seconds (user and system, all threads) that a process has used. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** Seconds that a process' first thread has run, and has waited for a processor: where it waits long, pauses and delays are the load's. */
export function mainThreadSeconds(pid: number): { readonly ran: number; readonly waited: number } {
  const [ran, waited] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ').map(Number)
  return { ran: ran! / 1e9, waited: waited! / 1e9 }
}

let collect: (() => void) | undefined

/** What was measured before leaves garbage, whose collection is not the next one's: Go's benchmarks begin with this, too. */
export function collectGarbage(): void {
  if (!collect) {
    setFlagsFromString('--expose-gc')
    collect = runInNewContext('gc') as () => void
  }
  collect()
}

/** Resident memory of a process in MiB. */
export function residentMiB(pid: number): number {
  const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kib) / 1024
}

/** What the figures were taken on. A load that is not near 0 before the start means that they say little. */
export function machineLine(): string {
  const list = cpus()
  return `${list.length} × ${list[0]?.model.trim() ?? 'unknown CPU'}, Node ${process.versions.node}, load ${loadavg()[0]!.toFixed(1)}`
}

export function report(title: string, figures: readonly Figure[]): void {
  console.log(`\n${title}`)
  const width = Math.max(44, ...figures.map(({ name }) => name.length))
  for (const f of figures) {
    const met = f.goal === undefined ? '' : (f.better === 'lower' ? f.value <= f.goal : f.value >= f.goal) ? 'met' : 'NOT MET'
    const goal = f.goal === undefined ? '' : `goal ${f.better === 'lower' ? '≤' : '≥'} ${f.goal} ${f.unit}`
    console.log(`  ${f.name.padEnd(width)} ${format(f.value).padStart(10)} ${f.unit.padEnd(12)} ${goal.padEnd(24)} ${met}`)
  }
}

function format(value: number): string {
  if (!Number.isFinite(value)) return '-'
  return value >= 1000 ? String(Math.round(value)) : value >= 10 ? value.toFixed(1) : value.toFixed(3)
}
