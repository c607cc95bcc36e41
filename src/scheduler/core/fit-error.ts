import { beginFilter, type Plan, rejectionOf } from './plan.ts'
import type { Snapshot } from './snapshot.ts'

/** Why no node takes a pod, counted over all nodes. */
export type Diagnosis = {
  readonly nodeCount: number
  /** Upstream's reason → nodes. */
  readonly reasons: ReadonlyMap<string, number>
  /** Plugins that rejected at least one node: what may wake the pod depends on them. */
  readonly plugins: ReadonlySet<string>
  /** The same, with how many nodes each rejected first. */
  readonly nodesByPlugin: ReadonlyMap<string, number>
  /** Rows where evicting pods might help. */
  readonly resolvableRows: readonly number[]
}

type PluginRejection = ReturnType<typeof rejectionOf>

/** Asks for the first rejection of every node; `ofReserved` answers for nodes that pass every filter. */
export function diagnose(plan: Plan, snapshot: Snapshot, ofReserved: (row: number) => PluginRejection): Diagnosis {
  const reasons = new Map<string, number>()
  const plugins = new Map<string, number>()
  const resolvableRows: number[] = []
  const reservedRows: number[] = []
  const count = (row: number, { plugin, rejection }: NonNullable<PluginRejection>) => {
    plugins.set(plugin, (plugins.get(plugin) ?? 0) + 1)
    for (const reason of rejection.reasons) reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
    if (rejection.isResolvable) resolvableRows.push(row)
  }
  beginFilter(plan)
  for (let row = 0; row < snapshot.rowsEnd; row++) {
    if (!snapshot.nodes[row]) continue
    const rejected = rejectionOf(plan, row)
    if (rejected) count(row, rejected)
    else reservedRows.push(row)
  }
  for (const row of reservedRows) {
    const rejected = ofReserved(row)
    if (rejected) count(row, rejected)
  }
  return { nodeCount: snapshot.nodeCount, reasons, plugins: new Set(plugins.keys()), nodesByPlugin: plugins, resolvableRows }
}

/** Upstream's sentence: `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.` and what preemption said. */
export function fitErrorMessage(nodeCount: number, reasons: ReadonlyMap<string, number>, preemption = ''): string {
  if (nodeCount === 0) return 'no nodes available to schedule pods'
  const list = [...reasons].map(([reason, count]) => `${count} ${reason}`).sort()
  const sentence = `0/${nodeCount} nodes are available:${list.length > 0 ? ` ${list.join(', ')}.` : ''}`
  return preemption === '' ? sentence : `${sentence} ${preemption}`
}
