import { toTime } from '../../base/clock.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { isPodTerminal, podCondition } from '../../kinds/pod-status.ts'
import { amountText } from '../../kinds/amount-text.ts'
import type { DecisionRecord } from '../core/decision-records.ts'
import { isAssigned } from '../core/pod-shape.ts'
import type { Snapshot } from '../core/snapshot.ts'
import type { KeptRow, PodToPlace, SchedulerCore } from '../core/scheduler-core.ts'
import { asOf, canGoBackTo } from '../core/time-travel.ts'
import { explainNodes, type NodesExplained } from './explain-nodes.ts'
import type { FilterExplanation, SchedulingExplanation, Winner } from './explanation.ts'
import { suggest } from './suggest.ts'
import { explanationText } from './text.ts'

export type ExplainInput = {
  readonly core: SchedulerCore
  readonly target: PodToPlace
  readonly record: DecisionRecord | undefined
  /** Why the pod can go nowhere whatever the node, as things are. */
  readonly refused?: { readonly plugin: string; readonly reason: string; readonly remedy?: string } | undefined
  readonly isOurs: boolean
  readonly isGated: boolean
  /** It is placed together with others of its group or not at all. */
  readonly isInGang?: boolean
  /** Those that are asked about the pod when it is decided. */
  readonly extenders?: readonly string[]
}

type Body = Omit<SchedulingExplanation, 'apiVersion' | 'kind' | 'metadata' | 'pod' | 'text'>

/** The explanation of one pod. Takes some microseconds a node, plus the replay; changes nothing. */
export function explainPod(input: ExplainInput): SchedulingExplanation {
  const { pod, priority } = input.target
  const { requests } = input.core.snapshot.shapeOf(pod)
  const explanation: Omit<SchedulingExplanation, 'text'> = {
    apiVersion: 'keelson.dev/v1',
    kind: 'SchedulingExplanation',
    metadata: { name: pod.metadata.name ?? '', namespace: pod.metadata.namespace ?? '' },
    pod: {
      uid: pod.metadata.uid ?? '',
      schedulerName: pod.spec?.schedulerName ?? 'default-scheduler',
      priority,
      requests: Object.fromEntries(Object.entries(requests).map(([name, amount]) => [name, amountText(name, amount)])),
    },
    ...bodyOf(input),
  }
  return { ...explanation, text: explanationText(explanation) }
}

function bodyOf(input: ExplainInput): Body {
  const { pod } = input.target
  if (isPodTerminal(pod)) return nothingToSay('Finished', `the pod has finished (${pod.status?.phase})`)
  if (isAssigned(pod)) return explainPlaced(input)
  const decided = decidedFor(input)
  if (decided) return decided
  if (!input.isOurs) return nothingToSay('Foreign', `the pod waits for scheduler ${pod.spec?.schedulerName}, which is not this one`)
  if (input.isGated) {
    const gates = (pod.spec?.schedulingGates ?? []).map((g) => g.name).join(', ')
    return nothingToSay('Gated', `scheduling is gated by ${gates}: it starts when they are removed from spec.schedulingGates`)
  }
  if (input.refused) return explainRefused(input, input.refused)
  return explainPending(input)
}

/** No node was asked, so there is no node to speak of. */
function explainRefused({ core, record }: ExplainInput, { plugin, reason, remedy }: NonNullable<ExplainInput['refused']>): Body {
  return {
    ...nothingToSay('Pending', `no node is asked before this is settled: ${reason}`),
    basis: 'CurrentState',
    basisNote: 'the cluster as it is now',
    ...timesOf(record),
    message: reason,
    rejections: [{ plugin, nodes: core.snapshot.nodeCount }],
    suggestions: remedy === undefined ? [] : [{ action: 'Other', node: '', opensNodes: 0, text: remedy, changes: [] }],
  }
}

function nothingToSay(outcome: Body['outcome'], summary: string): Body {
  return { outcome, summary, basis: 'None', basisNote: '', nodes: [], rejections: [], suggestions: [] }
}

function explainPending({ core, target, record, isInGang, extenders = [] }: ExplainInput): Body {
  const { snapshot } = core
  const plan = core.planOf(target, true)
  const kept = new Map([...core.keptRows(target)].map(([row, why]) => [row, keptText(why)]))
  const explained = explainNodes(plan, snapshot, kept)
  const condition = podCondition(target.pod, 'PodScheduled')
  const { feasible, rejected } = explained
  const total = feasible.length + rejected.length
  const next = isInGang ? 'waits for its group' : 'is queued for its next attempt'
  const would =
    extenders.length > 0
      ? `would take it as far as the scheduler's own plugins go; extenders have a say, too: ${extenders.join(', ')}`
      : `would take it now; it ${next}`
  const summary = feasible.length > 0 ? `${feasible.length} of ${total} nodes ${would}` : `none of ${total} nodes takes it`
  const asked = extenders.length > 0 ? '; extenders are not asked for this' : ''
  return {
    outcome: 'Pending',
    summary: roomText(core, target) ?? summary,
    basis: 'CurrentState',
    basisNote: `the cluster as it is now${asked}`,
    ...timesOf(record),
    ...(condition?.message ? { message: condition.message } : {}),
    ...nodesOf(explained),
    suggestions: feasible.length > 0 ? [] : suggest(rejected, plan.shape),
  }
}

function keptText({ because: { plugin, verdict }, keys }: KeptRow): FilterExplanation {
  const details = [`kept for ${keys.join(', ')}, for which room is being made here: beside that, ${verdict.reasons.join(', ')}`]
  return { plugin, reasons: verdict.reasons, details }
}

/** Volumes and devices are made ready before a pod is bound, and that may take long: meanwhile it counts on its node. */
function decidedFor({ core: { snapshot }, target, record }: ExplainInput): Body | undefined {
  const entry = snapshot.pod(target.key)
  const node = record?.placed?.node
  if (!entry || node === undefined || entry.row !== snapshot.rowOf(node)) return undefined
  return {
    ...explainByRecord(record!, node),
    outcome: 'Pending',
    summary: `goes to ${node}, and is bound as soon as what it needs there is ready`,
    basisNote: 'what was noted at the decision',
  }
}

/** Whom the pod waits for, where room is being made for it. */
function roomText({ nominations, snapshot }: SchedulerCore, { key, priority }: PodToPlace): string | undefined {
  const nomination = nominations.get(key)
  const row = nomination && snapshot.rowOf(nomination.nodeName)
  if (row === undefined) return undefined
  const { nodeName, leaving } = nomination!
  const there = snapshot
    .podsOf(row)
    .filter((entry) => (leaving ? leaving.has(entry.key) : entry.isTerminating && entry.priority < priority))
  if (there.length === 0) return undefined
  const pods = there.map((entry) => entry.key).sort()
  return `room is being made for it on node ${nodeName}: it waits for ${pods.join(', ')} to leave`
}

function explainPlaced(input: ExplainInput): Body {
  const { core, target, record } = input
  const node = target.pod.spec!.nodeName!
  if (record?.placed?.node !== node) return explainWithoutRecord(input, node)
  const { position } = record
  if (!canGoBackTo(core.snapshot, position)) return explainByRecord(record, node)
  const changes = core.snapshot.log.end - position
  const unassigned = { ...target, pod: withoutNode(target.pod) }
  const explained = asOf(core.snapshot, position, () => {
    const plan = core.planOf(unassigned, true)
    const all = explainNodes(plan, core.snapshot)
    const out = leftOut(core.snapshot, record, all)
    return out.size === 0 ? all : explainNodes(plan, core.snapshot, out)
  })
  return {
    outcome: 'Placed',
    summary: `placed on ${node}`,
    basis: 'Replay',
    basisNote: `the state in which it was decided, ${changes} ${changes === 1 ? 'change' : 'changes'} ago, replayed${otherwise(record, explained)}`,
    ...timesOf(record),
    winner: winnerOf(record, explained),
    ...nodesOf(explained),
    suggestions: [],
  }
}

/** The decision asked no other node: room had been made for the pod on this one. */
const wentToItsRoom = ({ placed, feasible }: DecisionRecord) => placed?.score === 0 && feasible === 1

/** Nodes that the replay would give the pod and the decision did not, where it is known which it could have had. */
function leftOut(snapshot: Snapshot, record: DecisionRecord, { feasible }: NodesExplained): ReadonlyMap<number, FilterExplanation> {
  if (wentToItsRoom(record) || record.best.length !== record.feasible) return new Map()
  const had = new Set(record.best.map((b) => b.node))
  return new Map(feasible.filter(({ name }) => !had.has(name)).map(({ name }) => [snapshot.rowOf(name)!, leftOutThen]))
}

const leftOutThen: FilterExplanation = {
  plugin: 'Others',
  reasons: ['node(s) were left out'],
  details: [`left out then: kept for another pod, outside the group's domain, or refused by an extender`],
}

/** Wherein the replay is known to differ from the decision. */
function otherwise(record: DecisionRecord, { feasible }: NodesExplained): string {
  const more = feasible.length - record.feasible
  if (more === 0 || wentToItsRoom(record)) return ''
  return more > 0
    ? `; of the feasible nodes ${more} were left out then: kept for other pods, outside the group's domain, or refused by extenders`
    : `; ${-more} more nodes were feasible then: claims on volumes and devices are judged as they are now`
}

/** Bound by somebody else, or before this scheduler started: what it would say now, without the pod itself. */
function explainWithoutRecord({ core, target }: ExplainInput, node: string): Body {
  const { snapshot } = core
  const unassigned = { ...target, pod: withoutNode(target.pod) }
  const entry = snapshot.pod(target.key)
  const ask = () => explainNodes(core.planOf(unassigned, true), snapshot)
  const explained =
    entry && entry.row >= 0
      ? snapshot.whatIf(() => {
          const { row } = entry
          snapshot.lift(entry)
          try {
            return ask()
          } finally {
            snapshot.restore(entry, row)
          }
        })
      : ask()
  return {
    outcome: 'Placed',
    summary: `on ${node}; this scheduler did not decide it, or no longer remembers`,
    basis: 'CurrentState',
    basisNote: 'no decision is remembered: these are the numbers of the cluster as it is now, without this pod',
    ...nodesOf(explained),
    suggestions: [],
  }
}

function explainByRecord(record: DecisionRecord, node: string): Body {
  return {
    outcome: 'Placed',
    summary: `placed on ${node}`,
    basis: 'Record',
    basisNote: 'too much has changed since to replay the state: only what was noted at the decision is shown, without formulas',
    ...timesOf(record),
    winner: winnerOf(record, undefined),
    nodes: record.best.map(({ node: name, score }) => ({ name, verdict: 'Feasible', total: score, scores: [] })),
    rejections: record.rejections,
    suggestions: [],
  }
}

function timesOf(record: DecisionRecord | undefined): Pick<Body, 'decidedAt' | 'attempts'> {
  return record ? { decidedAt: toTime(record.atMs), attempts: record.attempts } : {}
}

function winnerOf(record: DecisionRecord, explained: NodesExplained | undefined): Winner {
  const { placed, feasible, nodeCount } = record
  const { node, score, ties, draw } = placed!
  const total = explained?.feasible.find((n) => n.name === node)?.total ?? score
  const why = wentToItsRoom(record)
    ? 'room had been made for the pod there'
    : feasible === 1
      ? `the only one of ${nodeCount} nodes that takes the pod`
      : ties === 1
        ? `the best score of ${feasible} feasible nodes`
        : `${ties} of ${feasible} feasible nodes share the best score; the seeded draw started at row ${draw} and this is the first tied one from there`
  return { node, score: total, feasibleNodes: feasible, tiedNodes: ties, why }
}

function nodesOf({ feasible, rejected }: NodesExplained): Pick<Body, 'nodes' | 'rejections'> {
  const counts = new Map<string, number>()
  for (const { node } of rejected) counts.set(node.filters[0]!.plugin, (counts.get(node.filters[0]!.plugin) ?? 0) + 1)
  return {
    nodes: [...feasible, ...rejected.map((r) => r.node)],
    rejections: [...counts].map(([plugin, nodes]) => ({ plugin, nodes })).sort((a, b) => b.nodes - a.nodes),
  }
}

/** The pod as it was when it was decided. */
function withoutNode(pod: Pod): Pod {
  const { nodeName: _, ...spec } = pod.spec!
  return { ...pod, spec }
}
