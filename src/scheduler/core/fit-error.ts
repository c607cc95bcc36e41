import { beginFilter, type Plan, type PluginVerdict, verdictOf } from './plan.ts'
import { noRows, type ResolvableRows, resolvableRowsOf, rowsByVerdicts } from './resolvable-rows.ts'
import type { RowVerdicts } from './row-verdicts.ts'
import type { Snapshot } from './snapshot.ts'

/** Why no node takes a pod, counted over all nodes. */
export type Diagnosis = {
  readonly nodeCount: number
  /** Upstream's reason → nodes. */
  readonly reasons: ReadonlyMap<string, number>
  /** Plugins that rejected at least one node (what may wake the pod depends on them), with how many each rejected first. */
  readonly nodesByPlugin: ReadonlyMap<string, number>
  /** Rows where evicting pods might help. Valid until something changes. */
  readonly resolvableRows: ResolvableRows
  /** Why no node was asked at all; `reasons` is then empty. */
  readonly refusal?: string
}

/** A plugin refused the pod whatever the node. */
export function diagnosisOfRefusal(nodeCount: number, refused: { readonly plugin: string; readonly reason: string }): Diagnosis {
  return {
    nodeCount,
    reasons: new Map(),
    nodesByPlugin: new Map([[refused.plugin, nodeCount]]),
    resolvableRows: noRows,
    refusal: refused.reason,
  }
}

/** Verdicts that are kept from one diagnosis to the next, where the plan allows it. */
export type DiagnoseInput = {
  readonly plan: Plan
  readonly snapshot: Snapshot
  readonly verdicts: RowVerdicts | undefined
  /** Answers of nodes that are kept for nominated pods, as if those were there: they are heard before the node's own. */
  readonly reserved: ReadonlyMap<number, PluginVerdict> | undefined
}

/** The first verdict against every node. */
export function diagnose(input: DiagnoseInput): Diagnosis {
  const counts = new Map<PluginVerdict, number>()
  const resolvableRows = input.verdicts ? countKept({ ...input, verdicts: input.verdicts }, counts) : countAll(input, counts)
  return { nodeCount: input.snapshot.nodeCount, ...summed(counts), resolvableRows }
}

type Counts = Map<PluginVerdict, number>
const add = (counts: Counts, verdict: PluginVerdict, by: 1 | -1 = 1) => counts.set(verdict, (counts.get(verdict) ?? 0) + by)

function countKept({ snapshot, verdicts, reserved }: DiagnoseInput & { readonly verdicts: RowVerdicts }, counts: Counts): ResolvableRows {
  verdicts.catchUp()
  // A room is kept for each pod that waits for its victims: no pair is made of each.
  verdicts.counts().forEach((nodes, verdict) => void counts.set(verdict, nodes))
  reserved?.forEach((verdict, row) => {
    if (!snapshot.nodes[row]) return
    const own = verdicts.at(row)
    if (own) add(counts, own, -1)
    add(counts, verdict)
  })
  let count = 0
  counts.forEach((nodes, { verdict }) => void (verdict.isResolvable && (count += nodes)))
  return rowsByVerdicts(verdicts, reserved, { rowsEnd: snapshot.rowsEnd, count })
}

function countAll({ plan, snapshot, reserved }: DiagnoseInput, counts: Counts): ResolvableRows {
  const resolvable = new Set<number>()
  beginFilter(plan)
  for (let row = 0; row < snapshot.rowsEnd; row++) {
    const verdict = snapshot.nodes[row] && (reserved?.get(row) ?? verdictOf(plan, row))
    if (!verdict) continue
    add(counts, verdict)
    if (verdict.verdict.isResolvable) resolvable.add(row)
  }
  return resolvableRowsOf(resolvable)
}

function summed(counts: ReadonlyMap<PluginVerdict, number>): Pick<Diagnosis, 'reasons' | 'nodesByPlugin'> {
  const reasons = new Map<string, number>()
  const nodesByPlugin = new Map<string, number>()
  for (const [{ plugin, verdict }, nodes] of counts) {
    if (nodes === 0) continue
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
