import { beginFilter, type Plan } from '../core/plan.ts'
import type { KeptRow } from '../core/scheduler-core.ts'
import type { Remedy } from '../core/plugin.ts'
import { pluginScores, scan } from '../core/scan.ts'
import type { Snapshot } from '../core/snapshot.ts'
import type { FeasibleNode, FilterExplanation, RejectedNode } from './explanation.ts'

/** A rejected node with what would lift each rejection; a filter without remedies cannot be helped from here. */
export type RejectedRow = {
  readonly row: number
  readonly node: RejectedNode
  readonly remedies: readonly { readonly plugin: string; readonly of: readonly Remedy[]; readonly needsAll: boolean }[]
}

export type NodesExplained = {
  /** Best total first, then by name. */
  readonly feasible: readonly FeasibleNode[]
  readonly rejected: readonly RejectedRow[]
}

/** Every node, on the snapshot's present state. `kept`: rows that would take the pod, but for others whose room is being made there. */
export function explainNodes(plan: Plan, snapshot: Snapshot, kept: ReadonlyMap<number, KeptRow> = new Map()): NodesExplained {
  const { rows, totals } = scan(plan, snapshot, (row) => kept.has(row))
  const scores = pluginScores(plan, rows)
  const feasible = rows.map((row, i): FeasibleNode => {
    const scoresOfRow = scores.map(({ name, weight, of }) => {
      const numbers = of(row)
      const compiled = plan.plugins.findLast((p) => p.name === name)!.compiled
      return { plugin: name, score: numbers.score, weight, formula: compiled.explainScore?.(row, numbers) ?? `= ${numbers.score}` }
    })
    return { name: snapshot.nodeName(row), verdict: 'Feasible', total: totals[i]!, scores: scoresOfRow }
  })
  feasible.sort((a, b) => b.total - a.total || (a.name < b.name ? -1 : 1))
  const isFeasibleRow = new Set(rows)
  const rejected: RejectedRow[] = []
  beginFilter(plan)
  for (let row = 0; row < snapshot.rowsEnd; row++)
    if (snapshot.nodes[row] && !isFeasibleRow.has(row))
      rejected.push(explainKept(snapshot, row, kept) ?? explainRejected(plan, snapshot, row))
  rejected.sort((a, b) => (a.node.name < b.node.name ? -1 : 1))
  return { feasible, rejected }
}

function explainKept(snapshot: Snapshot, row: number, kept: ReadonlyMap<number, KeptRow>): RejectedRow | undefined {
  const found = kept.get(row)
  if (!found) return undefined
  const { plugin, verdict } = found.because
  const details = [`kept for ${found.keys.join(', ')}, for which room is being made here: beside that, ${verdict.reasons.join(', ')}`]
  const node = { name: snapshot.nodeName(row), verdict: 'Rejected' as const, filters: [{ plugin, reasons: verdict.reasons, details }] }
  return { row, node, remedies: [{ plugin, of: [], needsAll: false }] }
}

function explainRejected(plan: Plan, snapshot: Snapshot, row: number): RejectedRow {
  const filters: FilterExplanation[] = []
  const remedies: RejectedRow['remedies'][number][] = []
  for (const { name, compiled } of plan.plugins) {
    const { staticFilter, usageFilter, domainFilter } = compiled
    const accepts = (filter: ((r: number) => boolean) | undefined) => filter === undefined || filter(row)
    if (accepts(staticFilter) && accepts(usageFilter) && accepts(domainFilter)) continue
    // A plugin that names nodes is asked twice: for the names first, before all others.
    if (filters.some((f) => f.plugin === name)) continue
    const rejection = compiled.reject!(row)
    filters.push({
      plugin: name,
      reasons: rejection.reasons,
      details: rejection.details,
      ...(rejection.shortfalls ? { shortfalls: rejection.shortfalls } : {}),
    })
    remedies.push({ plugin: name, of: rejection.remedies ?? [], needsAll: rejection.needsAll === true })
  }
  return { row, node: { name: snapshot.nodeName(row), verdict: 'Rejected', filters }, remedies }
}
