import { beginFilter, type Plan, rejectionOf } from './plan.ts'
import type { Snapshot } from './snapshot.ts'

/** Why no node takes a pod, counted over all nodes. */
export type Diagnosis = {
  readonly nodeCount: number
  /** Upstream's reason → nodes. */
  readonly reasons: ReadonlyMap<string, number>
  /** Plugins that rejected at least one node: what may wake the pod depends on them. */
  readonly plugins: ReadonlySet<string>
  /** Rows where evicting pods might help. */
  readonly resolvableRows: readonly number[]
  /** The pod fits these nodes but for pods nominated to them. */
  readonly reservedRows: readonly number[]
}

/** Asks for the first rejection of every node. Rows that pass but are excluded are reserved for nominated pods. */
export function diagnose(plan: Plan, snapshot: Snapshot): Diagnosis {
  const reasons = new Map<string, number>()
  const plugins = new Set<string>()
  const resolvableRows: number[] = []
  const reservedRows: number[] = []
  beginFilter(plan)
  for (let row = 0; row < snapshot.rowsEnd; row++) {
    if (!snapshot.nodes[row]) continue
    const rejected = rejectionOf(plan, row)
    if (!rejected) {
      reservedRows.push(row)
      continue
    }
    plugins.add(rejected.plugin)
    for (const reason of rejected.rejection.reasons) reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
    if (rejected.rejection.isResolvable) resolvableRows.push(row)
  }
  return { nodeCount: snapshot.nodeCount, reasons, plugins, resolvableRows, reservedRows }
}

/** Upstream's sentence: `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.` and what preemption said. */
export function fitErrorMessage(nodeCount: number, reasons: ReadonlyMap<string, number>, preemption = ''): string {
  if (nodeCount === 0) return 'no nodes available to schedule pods'
  const list = [...reasons].map(([reason, count]) => `${count} ${reason}`).sort()
  const sentence = `0/${nodeCount} nodes are available:${list.length > 0 ? ` ${list.join(', ')}.` : ''}`
  return preemption === '' ? sentence : `${sentence} ${preemption}`
}
