import type { PlacementPlan, PlannedPod } from './plan-placement.ts'

/** Lists in a text stop here; the document has all of it. */
const shownMax = 20

/** The plan for people. Ends with a line break. */
export function planText(plan: PlacementPlan): string {
  const placed = plan.pods.filter((p) => p.outcome === 'Placed')
  const unplaced = plan.pods.filter((p) => p.outcome === 'Unplaced')
  const lost = plan.pods.filter((p) => p.outcome === 'Lost')
  const lines = [summary(plan)]
  if (placed.length > 0) lines.push('', 'would land', ...byOwner(placed).map(placementLine))
  if (plan.evictions.length > 0)
    lines.push('', 'would be evicted', ...shown(plan.evictions.map((e) => `  ${e.pod} (${e.of}) from ${e.node}, for ${e.forPod}`)))
  if (unplaced.length > 0) lines.push('', 'would not fit', ...byOwner(unplaced).flatMap(misfitLines))
  if (lost.length > 0) lines.push('', 'would be lost', ...shown(lost.map((p) => `  ${p.pod} from ${p.from}: ${p.message}`)))
  if (plan.blockedByBudgets.length > 0)
    lines.push(
      '',
      'a drain would wait for',
      ...shown(plan.blockedByBudgets.map((b) => `  budget ${b.budget}: it does not allow ${b.pod} to go`)),
    )
  if (plan.nodes.length > 0) {
    const width = Math.max(...plan.nodes.map((n) => n.name.length))
    const line = (n: PlacementPlan['nodes'][number]) => `  ${n.name.padEnd(width)}  cpu ${n.cpu} %, memory ${n.memory} %, ${n.pods} pods`
    lines.push('', 'nodes afterwards (requests)', ...shown(plan.nodes.map(line)))
  }
  return `${lines.join('\n')}\n`
}

function summary({ pods, evictions }: PlacementPlan): string {
  if (pods.length === 0) return 'nothing would change'
  const count = (outcome: PlannedPod['outcome']) => pods.filter((p) => p.outcome === outcome).length
  const parts = [
    `${count('Placed')} of ${pods.length} pods would be placed`,
    ...(evictions.length > 0 ? [`${evictions.length} evicted`] : []),
    ...(count('Unplaced') > 0 ? [`${count('Unplaced')} would not fit`] : []),
    ...(count('Lost') > 0 ? [`${count('Lost')} would be lost`] : []),
  ]
  return parts.join(', ')
}

type Group<P extends PlannedPod> = { readonly of: string; readonly why: PlannedPod['why']; readonly pods: P[] }

function byOwner<P extends PlannedPod>(pods: readonly P[]): readonly Group<P>[] {
  const groups = new Map<string, Group<P>>()
  for (const pod of pods) {
    const key = `${pod.of} ${pod.why}`
    const group = groups.get(key) ?? { of: pod.of, why: pod.why, pods: [] }
    group.pods.push(pod)
    groups.set(key, group)
  }
  return [...groups.values()]
}

const reasons: Readonly<Record<PlannedPod['why'], string>> = {
  New: '',
  Drained: ', drained',
  NodeGone: ', its node gone',
  Preempted: ', pushed out',
  Pending: ', pending now',
}

function placementLine({ of, why, pods }: Group<Extract<PlannedPod, { outcome: 'Placed' }>>): string {
  const counts = new Map<string, number>()
  for (const { node } of pods) counts.set(node, (counts.get(node) ?? 0) + 1)
  const nodes = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([node, count]) => (count === 1 ? node : `${node} ×${count}`))
  const rest = nodes.length > shownMax ? `, and ${nodes.length - shownMax} more nodes` : ''
  return `  ${of}${reasons[why]}: ${nodes.slice(0, shownMax).join(', ')}${rest}`
}

function misfitLines({ of, why, pods }: Group<Extract<PlannedPod, { outcome: 'Unplaced' }>>): string[] {
  const [first] = pods
  const count = pods.length === 1 ? '' : ` (${pods.length} pods)`
  return [`  ${of}${reasons[why]}${count}: ${first!.message}`, ...first!.suggestions.map((s) => `    → ${s}`)]
}

function shown(lines: readonly string[]): readonly string[] {
  return lines.length > shownMax ? [...lines.slice(0, shownMax), `  and ${lines.length - shownMax} more`] : lines
}
