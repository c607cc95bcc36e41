import { amountText } from '../../kinds/amount-text.ts'
import type { Remedy } from '../core/plugin.ts'
import type { RejectedRow } from './explain-nodes.ts'
import type { Suggestion } from './explanation.ts'

const suggestionsMax = 5

/** One step: everything that has to be done about one filter on one node. */
type Step = { readonly action: Suggestion['action']; readonly text: string; readonly cost: number }

/**
 * The smallest changes that would place the pod, best first: those that lift every rejection of some node in one step, the
 * least amount to free, the request to reduce to, the taint, label or cordon in the way; where no node is one step away, the
 * node with the fewest steps. Freed amounts are compared by their share of the node.
 */
export function suggest(rejected: readonly RejectedRow[]): Suggestion[] {
  const single = rejected.filter((r) => r.remedies.length === 1)
  const suggestions = [...bestFree(single), ...bestReduction(single), ...taints(single), ...nodeChanges(single)]
  return (suggestions.length > 0 ? suggestions : combined(rejected)).slice(0, suggestionsMax)
}

function bestFree(rows: readonly RejectedRow[]): Suggestion[] {
  const options = rows.flatMap((row) => {
    const step = freeStep(row, row.remedies[0]!.of)
    return step ? [{ row, step }] : []
  })
  options.sort((a, b) => a.step.cost - b.step.cost)
  const [best] = options
  return best ? [{ action: 'Free', node: best.row.node.name, opensNodes: 1, text: `${best.step.text} on node ${best.row.node.name}` }] : []
}

/** Freeing helps only if every missing amount is in use by pods, not beyond what the node has. */
function freeStep(row: RejectedRow, remedies: readonly Remedy[]): Step | undefined {
  const shortfalls = row.node.filters.flatMap((f) => f.shortfalls ?? [])
  const free = remedies.filter((r) => r.kind === 'Free')
  if (free.length === 0 || free.length < shortfalls.length) return undefined
  const cost = shortfalls.reduce((sum, s) => sum + s.short / s.allocatable, 0)
  const amounts = free.map((r) =>
    r.resource === 'pods' ? `${r.amount} pod place${r.amount === 1 ? '' : 's'}` : `${amountText(r.resource, r.amount)} of ${r.resource}`,
  )
  return { action: 'Free', text: `free ${amounts.join(' and ')}`, cost }
}

function bestReduction(rows: readonly RejectedRow[]): Suggestion[] {
  const options = rows.flatMap((row) => {
    const shortfalls = row.node.filters[0]!.shortfalls ?? []
    const reductions = row.remedies[0]!.of.filter((r) => r.kind === 'ReduceRequest')
    if (reductions.length === 0 || reductions.length < shortfalls.length) return []
    const cost = Math.max(...reductions.map((r) => 1 - r.to / r.from))
    const changes = reductions.map(
      (r) => `the ${r.resource} request from ${amountText(r.resource, r.from)} to ${amountText(r.resource, r.to)}`,
    )
    return [{ name: row.node.name, cost, text: `reduce ${changes.join(' and ')}` }]
  })
  options.sort((a, b) => a.cost - b.cost)
  const [best] = options
  return best ? [{ action: 'ReduceRequest', node: best.name, opensNodes: 1, text: `${best.text}: then it fits on node ${best.name}` }] : []
}

/** A toleration opens every node that only that taint closes. */
function taints(rows: readonly RejectedRow[]): Suggestion[] {
  const byTaint = new Map<string, string[]>()
  for (const row of rows) {
    const [remedy] = row.remedies[0]!.of
    if (remedy?.kind !== 'TolerateTaint') continue
    const { key, value, effect } = remedy.taint
    const text = `${key}${value ? `=${value}` : ''}:${effect}`
    byTaint.set(text, [...(byTaint.get(text) ?? []), row.node.name])
  }
  return [...byTaint]
    .sort((a, b) => b[1].length - a[1].length)
    .map(([taint, names]) => ({
      action: 'TolerateTaint' as const,
      node: names[0]!,
      opensNodes: names.length,
      text: `tolerate taint ${taint} (or remove it): that opens ${countNodes(names)}`,
    }))
}

function nodeChanges(rows: readonly RejectedRow[]): Suggestion[] {
  return rows.flatMap((row): Suggestion[] => {
    const [remedy] = row.remedies[0]!.of
    const node = row.node.name
    switch (remedy?.kind) {
      case 'Uncordon':
        return [{ action: 'Uncordon', node, opensNodes: 1, text: `uncordon node ${node}` }]
      case 'LabelNode':
        return [{ action: 'LabelNode', node, opensNodes: 1, text: `label node ${node} with ${labelsText(remedy.labels)}` }]
      case 'FreePort':
        return [{ action: 'FreePort', node, opensNodes: 1, text: `free host port ${remedy.port} on node ${node}` }]
      case 'Other':
        return [{ action: 'Other', node, opensNodes: 1, text: `on node ${node}: ${remedy.text}` }]
      default:
        return []
    }
  })
}

/** The node that needs the fewest steps, when none needs only one. */
function combined(rejected: readonly RejectedRow[]): Suggestion[] {
  const options = rejected
    .filter((row) => row.remedies.every((r) => r.of.length > 0))
    .map((row) => ({ row, texts: row.remedies.map((r) => stepText(row, r.of)) }))
    .filter(({ texts }) => texts.every((t) => t !== undefined))
    .sort((a, b) => a.texts.length - b.texts.length)
  const [best] = options
  if (!best) return []
  const node = best.row.node.name
  return [{ action: 'Combine', node, opensNodes: 1, text: `on node ${node}: ${best.texts.join(', and ')}` }]
}

function stepText(row: RejectedRow, remedies: readonly Remedy[]): string | undefined {
  const free = freeStep(row, remedies)
  if (free) return free.text
  const [first] = remedies
  switch (first?.kind) {
    case 'TolerateTaint':
      return `tolerate taint ${first.taint.key}${first.taint.value ? `=${first.taint.value}` : ''}:${first.taint.effect}`
    case 'Uncordon':
      return 'uncordon it'
    case 'LabelNode':
      return `label it ${labelsText(first.labels)}`
    case 'FreePort':
      return `free host port ${first.port}`
    case 'Other':
      return first.text
    default:
      return undefined
  }
}

const labelsText = (labels: Readonly<Record<string, string>>) =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ')

const countNodes = (names: readonly string[]) => (names.length === 1 ? `node ${names[0]}` : `${names.length} nodes`)
