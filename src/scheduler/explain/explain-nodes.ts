import { beginFilter, type Plan } from '../core/plan.ts'
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

/** Every node, on the snapshot's present state. `out`: what keeps the pod off rows beside the plan's filters. */
export function explainNodes(plan: Plan, snapshot: Snapshot, out: ReadonlyMap<number, FilterExplanation> = new Map()): NodesExplained {
  const { rows, totals } = scan(plan, snapshot, (row) => out.has(row))
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
    if (snapshot.nodes[row] && !isFeasibleRow.has(row)) rejected.push(withOther(explainRejected(plan, snapshot, row), out.get(row)))
  rejected.sort((a, b) => (a.node.name < b.node.name ? -1 : 1))
  return { feasible, rejected }
}

/** What others say of a row goes before what its filters say, unless that is the same. */
function withOther({ row, node, remedies }: RejectedRow, other: FilterExplanation | undefined): RejectedRow {
  const [first] = node.filters
  if (!other || (first && String(first.reasons) === String(other.reasons))) return { row, node, remedies }
  return {
    row,
    node: { ...node, filters: [other, ...node.filters] },
    remedies: [{ plugin: other.plugin, of: [], needsAll: false }, ...remedies],
  }
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
