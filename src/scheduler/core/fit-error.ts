import { beginFilter, type Plan, type PluginVerdict, verdictOf } from './plan.ts'
import type { RowVerdicts } from './row-verdicts.ts'
import type { Snapshot } from './snapshot.ts'

/** Why no node takes a pod, counted over all nodes. */
export type Diagnosis = {
  readonly nodeCount: number
  /** Upstream's reason → nodes. */
  readonly reasons: ReadonlyMap<string, number>
  /** Plugins that rejected at least one node (what may wake the pod depends on them), with how many each rejected first. */
  readonly nodesByPlugin: ReadonlyMap<string, number>
  /** Rows where evicting pods might help. Valid until the next diagnosis. */
  readonly resolvableRows: Int32Array
  /** Why no node was asked at all; `reasons` is then empty. */
  readonly refusal?: string
}

/** A plugin refused the pod whatever the node. */
export function diagnosisOfRefusal(nodeCount: number, refused: { readonly plugin: string; readonly reason: string }): Diagnosis {
  return {
    nodeCount,
    reasons: new Map(),
    nodesByPlugin: new Map([[refused.plugin, nodeCount]]),
    resolvableRows: new Int32Array(0),
    refusal: refused.reason,
  }
}

/** Verdicts that are kept from one diagnosis to the next, where the plan allows it. */
export type DiagnoseInput = {
  readonly plan: Plan
  readonly snapshot: Snapshot
  readonly verdicts: RowVerdicts | undefined
  /** Room for `resolvableRows`, at least as long as there are rows. */
  readonly rowBuffer: Int32Array
  /** Answers for nodes that pass every filter: they are kept for nominated pods. */
  readonly ofReserved: (row: number) => PluginVerdict | undefined
}

/** The first verdict against every node. */
export function diagnose({ plan, snapshot, verdicts, rowBuffer, ofReserved }: DiagnoseInput): Diagnosis {
  const counts = new Map<PluginVerdict, number>()
  let resolvable = 0
  const reservedRows: number[] = []
  beginFilter(plan)
  verdicts?.catchUp()
  for (let row = 0; row < snapshot.rowsEnd; row++) {
    if (!snapshot.nodes[row]) continue
    const verdict = verdicts ? verdicts.at(row) : verdictOf(plan, row)
    if (!verdict) reservedRows.push(row)
    else {
      if (!verdicts) counts.set(verdict, (counts.get(verdict) ?? 0) + 1)
      if (verdict.verdict.isResolvable) rowBuffer[resolvable++] = row
    }
  }
  for (const [verdict, nodes] of verdicts?.counts() ?? []) counts.set(verdict, nodes)
  for (const row of reservedRows) {
    const verdict = ofReserved(row)
    if (!verdict) continue
    counts.set(verdict, (counts.get(verdict) ?? 0) + 1)
    if (verdict.verdict.isResolvable) rowBuffer[resolvable++] = row
  }
  return { nodeCount: snapshot.nodeCount, ...summed(counts), resolvableRows: rowBuffer.subarray(0, resolvable) }
}

function summed(counts: ReadonlyMap<PluginVerdict, number>): Pick<Diagnosis, 'reasons' | 'nodesByPlugin'> {
  const reasons = new Map<string, number>()
  const nodesByPlugin = new Map<string, number>()
  for (const [{ plugin, verdict }, nodes] of counts) {
    nodesByPlugin.set(plugin, (nodesByPlugin.get(plugin) ?? 0) + nodes)
    for (const reason of verdict.reasons) reasons.set(reason, (reasons.get(reason) ?? 0) + nodes)
  }
  return { reasons, nodesByPlugin }
}

/** Upstream's sentence: `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.` and what preemption said. */
export function fitErrorMessage(
  { nodeCount, reasons, refusal }: Pick<Diagnosis, 'nodeCount' | 'reasons' | 'refusal'>,
  preemption = '',
): string {
  if (nodeCount === 0) return 'no nodes available to schedule pods'
  const list = refusal === undefined ? [...reasons].map(([reason, count]) => `${count} ${reason}`).sort() : [refusal]
  const sentence = `0/${nodeCount} nodes are available:${list.length > 0 ? ` ${list.join(', ')}.` : ''}`
  return preemption === '' ? sentence : `${sentence} ${preemption}`
}
