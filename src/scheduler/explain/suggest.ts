import { unreachable } from '../../base/assert.ts'
import { amountText } from '../../kinds/amount-text.ts'
import type { Remedy, Shortfall } from '../core/plugin.ts'
import type { PodShape } from '../core/pod-shape.ts'
import type { RejectedRow } from './explain-nodes.ts'
import type { Suggestion } from './explanation.ts'

const suggestionsMax = 5

/**
 * One thing to do: on the node, or to the pod. `text` has the node's name where `of` is the node and no other step precedes it. Freed amounts
 * cost their share of the node, reduced ones their share of the request.
 */
type Step = {
  readonly action: Suggestion['action']
  readonly of: 'node' | 'pod'
  /** `on`: how the node is called, '' where that is said already. */
  readonly text: (on: string) => string
  readonly cost: number
  readonly remedies: readonly Remedy[]
}
type Way = { readonly row: RejectedRow; readonly steps: readonly Step[] }

/** Before others in this order: a slip in the pod is most likely what is wrong. */
const actions = [
  ...(['ChangeSelector', 'Free', 'ReduceRequest', 'TolerateTaint', 'Uncordon', 'LabelNode', 'FreePort', 'RaiseMaxSkew', 'Other'] as const),
] satisfies readonly Suggestion['action'][]

/**
 * The smallest changes that would place the pod, best first: those that lift every rejection of some node in one step, of each kind the
 * least (the least amount to free or to reduce, the taint that closes most nodes, …); where no node is one step away, the node with the
 * fewest steps.
 */
export function suggest(rejected: readonly RejectedRow[], shape: Pick<PodShape, 'requests' | 'spec'>): Suggestion[] {
  const unforeseen = unforeseenOf(shape)
  const ways = rejected.flatMap((row) => waysOf(row, unforeseen))
  const single = ways.filter((way) => way.steps.length === 1)
  const suggestions = actions.flatMap((action) => bestOf(single.filter(({ steps: [step] }) => step!.action === action)))
  if (suggestions.length > 0) return suggestions.slice(0, suggestionsMax)
  return [...combined(ways), ...(ways.length === 0 ? another(rejected, shape.requests) : [])]
}

/** Changes that also make nodes count for the pod's hard spread that did not before: what that comes to is not played through. */
function unforeseenOf({ spec }: Pick<PodShape, 'spec'>): ReadonlySet<Remedy['kind']> {
  const hard = (spec.topologySpreadConstraints ?? []).filter((c) => c.whenUnsatisfiable === 'DoNotSchedule')
  const bySelection = hard.some((c) => c.nodeAffinityPolicy !== 'Ignore') ? (['LabelNode', 'ChangeSelector'] as const) : []
  const byTaints = hard.some((c) => c.nodeTaintsPolicy === 'Honor') ? (['TolerateTaint', 'Uncordon'] as const) : []
  return new Set([...bySelection, ...byTaints])
}

/** What may be done for one node: each way lifts all that rejects it. */
function waysOf(row: RejectedRow, unforeseen: ReadonlySet<Remedy['kind']>): readonly Way[] {
  let ways: readonly (readonly Step[])[] = [[]]
  for (const [i, { of, needsAll }] of row.remedies.entries()) {
    const shortfalls = row.node.filters[i]!.shortfalls ?? []
    const steps = of.map((remedy) => (shortfalls.length > 0 ? [] : [cautious(stepOf(remedy), unforeseen)]))
    const options = shortfalls.length > 0 ? fitOptions(shortfalls, of) : needsAll && of.length > 0 ? [steps.flat()] : steps
    ways = ways.flatMap((way) => options.map((option) => [...way, ...option]))
  }
  return ways.map((steps) => ({ row, steps: withoutRepeats(steps) }))
}

function cautious(step: Step, unforeseen: ReadonlySet<Remedy['kind']>): Step {
  if (!step.remedies.some((remedy) => unforeseen.has(remedy.kind))) return step
  return { ...step, text: (on) => `${step.text(on)} (other nodes then count for its spread, too)`, remedies: [] }
}

/** What lifts one rejection may lift another: a cordoned node has a taint, too. */
function withoutRepeats(steps: readonly Step[]): readonly Step[] {
  if (steps.length < 2) return steps
  const seen = new Set<string>()
  return steps.filter((step) => {
    const text = step.text('')
    return !seen.has(text) && seen.add(text)
  })
}

/** Freeing helps only where pods use what is missing, and reducing only where something is free: each resource by what can be done about it. */
function fitOptions(shortfalls: readonly Shortfall[], remedies: readonly Remedy[]): readonly (readonly Step[])[] {
  const freed = shortfalls.map((s) => remedies.find((r) => r.kind === 'Free' && r.resource === s.resource))
  const reduced = shortfalls.map((s) => remedies.find((r) => r.kind === 'ReduceRequest' && r.resource === s.resource))
  const mixed = shortfalls.map((_, i) => freed[i] ?? reduced[i])
  const options = [freed, reduced].filter((option) => option.every((r) => r !== undefined))
  const chosen = options.length > 0 ? options : mixed.every((r) => r !== undefined) ? [mixed] : []
  return chosen.map((option) => {
    const free = option.filter((r) => r?.kind === 'Free')
    const reduce = option.filter((r) => r?.kind === 'ReduceRequest')
    return [...(reduce.length > 0 ? [reductionStep(reduce)] : []), ...(free.length > 0 ? [freeStep(free, shortfalls)] : [])]
  })
}

function freeStep(free: readonly Extract<Remedy, { kind: 'Free' }>[], shortfalls: readonly Shortfall[]): Step {
  const amounts = free.map((r) =>
    r.resource === 'pods' ? `${r.amount} pod place${r.amount === 1 ? '' : 's'}` : `${amountText(r.resource, r.amount)} of ${r.resource}`,
  )
  const share = (r: { readonly resource: string; readonly amount: number }) =>
    r.amount / shortfalls.find((s) => s.resource === r.resource)!.allocatable
  return {
    action: 'Free',
    of: 'node',
    text: (on) => `free ${amounts.join(' and ')}${on && ` on ${on}`}`,
    cost: free.reduce((sum, r) => sum + share(r), 0),
    remedies: free,
  }
}

function reductionStep(reduce: readonly Extract<Remedy, { kind: 'ReduceRequest' }>[]): Step {
  const changes = reduce.map((r) => `the ${r.resource} request from ${amountText(r.resource, r.from)} to ${amountText(r.resource, r.to)}`)
  return {
    action: 'ReduceRequest',
    of: 'pod',
    text: (on) => `reduce ${changes.join(' and ')}${on && `: then it fits on ${on}`}`,
    cost: Math.max(...reduce.map((r) => 1 - r.to / r.from)),
    remedies: reduce,
  }
}

function stepOf(remedy: Remedy): Step {
  const step = (of: Step['of'], text: Step['text'], cost = 0): Step => ({
    action: remedy.kind,
    ...{ of, text, cost, remedies: [remedy] },
  })
  switch (remedy.kind) {
    case 'TolerateTaint': {
      const { key, value, effect } = remedy.taint
      return step('pod', (on) => `tolerate taint ${key}${value ? `=${value}` : ''}:${effect} (or remove it)${on && `: that opens ${on}`}`)
    }
    case 'Uncordon':
      return step('node', (on) => `uncordon ${on || 'it'}`)
    case 'LabelNode':
      return step('node', (on) => labelText(remedy, on || 'it'), Object.keys(remedy.labels).length + remedy.removed.length)
    case 'FreePort':
      return step('node', (on) => `free host port ${remedy.port}${on && ` on ${on}`}`)
    case 'ChangeSelector': {
      const { from, to } = remedy
      return step('pod', (on) => `ask for label ${to.key}=${to.value} instead of ${from.key}=${from.value}${on && `: that opens ${on}`}`)
    }
    case 'RaiseMaxSkew': {
      const { topologyKey, from, to } = remedy
      return step('pod', (on) => `raise maxSkew over ${topologyKey} from ${from} to ${to}${on && `: that opens ${on}`}`, to)
    }
    case 'Other':
      return step('node', (on) => (on ? `on ${on}: ${remedy.text}` : remedy.text))
    case 'Free':
    case 'ReduceRequest':
      throw new Error(`${remedy.kind} comes with the shortfalls that it is about`)
    default:
      return unreachable(remedy)
  }
}

function labelText({ labels, removed }: Extract<Remedy, { kind: 'LabelNode' }>, node: string): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`)
  const parts = [
    ...(pairs.length > 0 ? [`label ${node} with ${pairs.join(', ')}`] : []),
    ...(removed.length > 0 ? [`take ${removed.length === 1 ? 'label' : 'labels'} ${removed.join(', ')} off ${node}`] : []),
  ]
  return parts.join(' and ')
}

/** Of single steps of one kind: what is done to the pod counts all nodes that it opens; amounts are compared, other nodes are all named. */
function bestOf(ways: readonly Way[]): readonly Suggestion[] {
  const isAmount = ways[0] !== undefined && ['Free', 'ReduceRequest', 'RaiseMaxSkew'].includes(ways[0].steps[0]!.action)
  const least = ways.reduce((cost, { steps: [step] }) => Math.min(cost, step!.cost), Number.POSITIVE_INFINITY)
  const chosen = isAmount ? ways.filter(({ steps: [step] }) => step!.cost === least) : ways
  const byText = Map.groupBy(chosen, ({ steps: [step], row }) => (step!.of === 'pod' ? step!.text('') : step!.text(row.node.name)))
  const options = [...byText.values()].map((alike) => ({ step: alike[0]!.steps[0]!, nodes: alike.map((way) => way.row.node.name) }))
  options.sort((a, b) => a.step.cost - b.step.cost || b.nodes.length - a.nodes.length)
  return options.slice(0, isAmount ? 1 : suggestionsMax).map(({ step, nodes }) => ({
    action: step.action,
    node: nodes[0]!,
    opensNodes: nodes.length,
    text: step.text(nodes.length === 1 ? `node ${nodes[0]}` : `${nodes.length} nodes`),
    changes: step.remedies,
  }))
}

/** The node that needs the fewest steps, when none needs only one. */
function combined(ways: readonly Way[]): readonly Suggestion[] {
  const costOf = ({ steps }: Way) => steps.reduce((sum, step) => sum + step.cost, 0)
  const fewest = ways.reduce((least, { steps }) => Math.min(least, steps.length), Number.POSITIVE_INFINITY)
  const [best] = ways
    .filter(({ steps }) => steps.length === fewest)
    .map((way) => ({ ...way, cost: costOf(way) }))
    .sort((a, b) => a.cost - b.cost)
  if (!best) return []
  const node = best.row.node.name
  const text = `on node ${node}: ${best.steps.map((step) => step.text('')).join(', and ')}`
  const changes = best.steps.every((step) => step.remedies.length > 0) ? best.steps.flatMap((step) => step.remedies) : []
  return [{ action: 'Combine', node, opensNodes: 1, text, changes }]
}

/** Where even an empty node of those that there are would not do. */
function another(rejected: readonly RejectedRow[], requests: Readonly<Record<string, number>>): readonly Suggestion[] {
  const isTooSmall = rejected.length > 0 && rejected.some(({ node }) => node.filters.every((f) => f.plugin === 'NodeResourcesFit'))
  if (!isTooSmall) return []
  const amounts = Object.entries(requests).map(([name, amount]) => `${name} ${amountText(name, amount)}`)
  const like = rejected.find(({ node }) => node.filters.every((f) => f.plugin === 'NodeResourcesFit'))!.node.name
  const text = `add a node like ${like} that has ${amounts.join(', ')} to give`
  return [{ action: 'AddNode', node: '', opensNodes: 0, text, changes: [] }]
}
