import type { Random } from '../../base/random.ts'
import type { Node, Pod } from '../../kinds/generated/types/core-v1.ts'
import { isPodTerminal } from '../../kinds/pod-status.ts'
import { controllerOf, keyOf } from '../../machinery/object.ts'
import { budgetOf } from '../budget.ts'
import type { SchedulerProfile } from '../config/scheduler-profile.ts'
import { diagnosisOfRefusal, fitErrorMessage } from '../core/fit-error.ts'
import { judge, type Judged, type Refused } from '../core/judgement.ts'
import { isAssigned } from '../core/pod-shape.ts'
import type { PodToPlace } from '../core/scheduler-core.ts'
import type { PodEntry, Snapshot } from '../core/snapshot.ts'
import { defaultSpreadOf, type SpreadSources } from '../default-spread.ts'
import { explainNodes } from '../explain/explain-nodes.ts'
import { suggest } from '../explain/suggest.ts'
import { type ClusterView, spreadSourcesOf } from './cluster-view.ts'
import { completeGroup, createGroup, groupKeyOf } from '../gang/gangs.ts'
import { domainOfGroup } from '../gang/group-domains.ts'
import { type GroupAsked, placeTogether } from '../gang/place-together.ts'
import { plannedSeating, type PlannedTarget } from './planned-gang.ts'
import { PlannedClaims } from './planned-claims.ts'
import { nobodysText, type PlannedProfile, PlannedProfiles } from './planned-profiles.ts'

/** What is to be tried on the cluster, in this order: nodes added, nodes gone, nodes drained, pods gone, pods new. */
export type WhatIf = {
  readonly addedNodes: readonly Node[]
  /** Nodes that are gone with what runs on them. */
  readonly without: readonly string[]
  /** Nodes that take nothing new and are emptied; DaemonSets' pods and static ones stay. */
  readonly drained: readonly string[]
  /** `namespace/name` of pods that the new ones replace. */
  readonly replaced: ReadonlySet<string>
  readonly pods: readonly NewPod[]
}

/** `of`: what it belongs to, like `deployment/web`. */
export type NewPod = { readonly pod: Pod; readonly of: string }

export type PlannedPod = {
  readonly pod: string
  readonly of: string
  readonly why: 'New' | 'Drained' | 'NodeGone' | 'Preempted' | 'Pending'
  /** Where it ran before. */
  readonly from?: string
} & (
  | { readonly outcome: 'Placed'; readonly node: string; readonly score: number; readonly feasibleNodes: number }
  | { readonly outcome: 'Unplaced'; readonly message: string; readonly suggestions: readonly string[] }
  | { readonly outcome: 'Lost'; readonly message: string }
)

export type PlacementPlan = {
  readonly pods: readonly PlannedPod[]
  /** What would have to go to make room, and for whom. */
  readonly evictions: readonly { readonly pod: string; readonly of: string; readonly node: string; readonly forPod: string }[]
  /** Requests after everything, in percent of allocatable; of nodes that something changes. */
  readonly nodes: readonly { readonly name: string; readonly cpu: number; readonly memory: number; readonly pods: number }[]
  /** Budgets that a drain would meet: it waits there for as long as they allow nothing. */
  readonly blockedByBudgets: readonly { readonly pod: string; readonly budget: string }[]
}

/**
 * Plays it through on a copy of the cluster and tells what would happen; nothing is written. Pods come by priority, then in the order
 * given; those that have to make room come again at the end. The numbers are those that the scheduler itself would use, except that
 * what others do meanwhile is not known. `after`: the cluster as it would be then.
 */
export function planPlacement(input: {
  readonly view: ClusterView
  readonly whatIf: WhatIf
  /** At least one. Pods that none of them places find no node. */
  readonly profiles: readonly SchedulerProfile[]
  readonly random: Random
}): { readonly plan: PlacementPlan; readonly after: ClusterView } {
  return new Planning(input).run()
}

type Waiting = { readonly pod: Pod; readonly of: string; readonly why: PlannedPod['why']; readonly from?: string }

class Planning {
  readonly #view: ClusterView
  readonly #whatIf: WhatIf
  readonly #profiles: PlannedProfiles
  readonly #snapshot: Snapshot
  readonly #spread: SpreadSources
  readonly #claims: PlannedClaims
  readonly #planned: PlannedPod[] = []
  readonly #evictions: PlacementPlan['evictions'][number][] = []
  readonly #touched = new Set<string>()
  /** Keys of all pods of a group. */
  readonly #groups: ReadonlyMap<string, readonly string[]>
  #waiting: Waiting[] = []

  constructor({ view, whatIf, profiles, random }: Parameters<typeof planPlacement>[0]) {
    this.#view = view
    this.#whatIf = whatIf
    this.#spread = spreadSourcesOf(view)
    this.#claims = new PlannedClaims(view.resourceClaims, view.resourceClaimTemplates)
    this.#profiles = new PlannedProfiles({ profiles, view, claims: this.#claims, random })
    this.#snapshot = this.#profiles.cluster.snapshot
    const inGroups = [...view.pods, ...whatIf.pods.map(({ pod }) => pod)].filter((pod) => groupKeyOf(pod) !== undefined)
    this.#groups = new Map(
      [...Map.groupBy(inGroups, (pod) => groupKeyOf(pod)!)].map(([key, pods]) => [key, [...new Set(pods.map((pod) => keyOf(pod)))]]),
    )
  }

  run(): ReturnType<typeof planPlacement> {
    this.#load()
    const added = this.#whatIf.pods.map(({ pod, of }): Waiting => ({ pod: this.#claims.renewed(pod), of, why: 'New' }))
    this.#waiting = [...this.#waiting, ...added]
    // Whoever is pushed out comes again, once: rounds end because priorities only fall.
    while (this.#waiting.length > 0) {
      const round = this.#waiting.toSorted((a, b) => priorityOf(b.pod) - priorityOf(a.pod))
      this.#waiting = []
      this.#placeRound(round)
    }
    const plan = { pods: this.#planned, evictions: this.#evictions, nodes: this.#usage(), blockedByBudgets: this.#blocked() }
    return { plan, after: this.#after() }
  }

  #placeRound(round: readonly Waiting[]): void {
    const groups = new Set<string>()
    for (const waiting of round) {
      const why = heldBack(waiting.pod)
      const key = groupKeyOf(waiting.pod)
      if (why) this.#unplaced([waiting], why.message, [why.suggestion])
      else if (isAssigned(waiting.pod)) this.#placeByItself(waiting)
      else if (key === undefined) this.#place(waiting)
      else if (!groups.has(key)) {
        groups.add(key)
        this.#placeGroup(
          key,
          round.filter(({ pod }) => groupKeyOf(pod) === key && !heldBack(pod) && !isAssigned(pod)),
        )
      }
    }
  }

  /** A pod that names its node itself goes there, whatever the scheduler would say. */
  #placeByItself(waiting: Waiting): void {
    const node = waiting.pod.spec!.nodeName!
    const row = this.#snapshot.rowOf(node)
    if (row === undefined) return this.#unplaced([waiting], `it names its node itself, and there is no node ${node}`, [])
    const target = { key: keyOf(waiting.pod), pod: waiting.pod, priority: priorityOf(waiting.pod) }
    this.#placed(baseOf(waiting), target, { row, score: 0, feasibleNodes: 1 })
  }

  /** As many of a gang as it needs, or none of them; whoever comes after that by itself. */
  #placeGroup(key: string, members: readonly Waiting[]): void {
    const group = this.#view.podGroups.find((g) => keyOf(g) === key)
    const name = JSON.stringify(key)
    if (!group) return this.#unplaced(members, `waiting for pod group ${name} to be created`, [createGroup(key)])
    const label = group.spec.schedulingConstraints?.topology?.[0]?.key
    const minCount = group.spec.schedulingPolicy.gang?.minCount ?? 0
    const runningOn = this.#runningOn(key)
    const count = runningOn.length + members.length
    if (runningOn.length >= minCount)
      for (const member of members) this.#place(member, domainOfGroup(this.#snapshot, label, this.#runningOn(key)))
    else if (count < minCount)
      this.#unplaced(members, `pod group ${name} has ${count} of the ${minCount} pods that it needs`, [completeGroup(count, minCount)])
    else this.#placeTogether({ name: key, members, needed: minCount - runningOn.length, key: label, runningOn })
  }

  #placeTogether(group: GroupAsked<Waiting>): void {
    const seating = plannedSeating<Waiting>({
      cluster: this.#profiles.cluster,
      budgets: this.#view.budgets.map(budgetOf),
      first: this.#profiles.first,
      targetOf: (pod, within) => this.#target(pod, within),
    })
    // Ends: whoever has left for it does not come back before it has been placed.
    for (;;) {
      const plan = placeTogether(seating, group)
      if (plan.kind === 'Placed') {
        for (const { asked, ...seat } of plan.seats) this.#placed(baseOf(asked.member), asked.target, seat)
        for (const { asked, diagnosis } of plan.misfits)
          if (asked.refused) this.#unplaced([asked.member], fitErrorMessage(diagnosis), [])
          else this.#makeRoom(baseOf(asked.member), asked.target, asked.profile)
        return
      }
      const rooms = plan.rooms ?? []
      if (rooms.every((room) => room.victims.length === 0)) return this.#unplaced(group.members, plan.message, [])
      for (const { asked, nodeName, victims } of rooms) {
        this.#profiles.cluster.nominations.set({ ...asked.target, nodeName, leaving: new Set() })
        this.#evict(victims, nodeName, asked.target.key)
      }
    }
  }

  #runningOn(groupKey: string): readonly string[] {
    return (this.#groups.get(groupKey) ?? []).flatMap((key) => this.#snapshot.pod(key)?.nodeName ?? [])
  }

  #unplaced(all: readonly Waiting[], message: string, suggestions: readonly string[]): void {
    for (const waiting of all) this.#planned.push({ ...baseOf(waiting), outcome: 'Unplaced', message, suggestions })
  }

  /** The pod as its profile asks about it; why no node need be asked; undefined where no profile is its own. */
  #target(pod: Pod, within: readonly Judged[]): PlannedTarget | Refused | undefined {
    const profile = this.#profiles.of(pod)
    if (!profile) return undefined
    const judged = judge(profile.podPlugins, pod)
    if ('kind' in judged) return judged
    const defaultSpread = defaultSpreadOf(pod, this.#spread)
    return { profile, target: { key: keyOf(pod), pod, priority: priorityOf(pod), defaultSpread, judged: [...judged, ...within] } }
  }

  #load(): void {
    const snapshot = this.#snapshot
    const { without, drained, addedNodes, replaced } = this.#whatIf
    for (const { metadata } of this.#view.namespaces) snapshot.setNamespace(metadata.name!, metadata.labels ?? {})
    for (const node of [...this.#view.nodes, ...addedNodes]) {
      const name = node.metadata.name!
      if (without.includes(name)) continue
      snapshot.setNode(drained.includes(name) ? { ...node, spec: { ...node.spec, unschedulable: true } } : node)
    }
    for (const pod of this.#view.pods) {
      if (isPodTerminal(pod) || replaced.has(keyOf(pod))) continue
      if (!isAssigned(pod)) this.#waiting.push({ pod, of: ownerOf(pod), why: 'Pending' })
      else this.#loadAssigned(pod, pod.spec!.nodeName!)
    }
    this.#profiles.measure(this.#view.leases)
  }

  #loadAssigned(pod: Pod, from: string): void {
    const isGone = this.#whatIf.without.includes(from)
    if (isGone && isOfItsNode(pod)) return
    if (!isGone && (!this.#whatIf.drained.includes(from) || isOfItsNode(pod))) return void this.#snapshot.addPod(keyOf(pod), pod, from)
    this.#touched.add(from)
    this.#displace(pod, { why: isGone ? 'NodeGone' : 'Drained', from })
  }

  /** A pod that has to leave: its controller makes another; without one it is lost. */
  #displace(pod: Pod, { why, from }: { readonly why: PlannedPod['why']; readonly from: string }): void {
    const of = ownerOf(pod)
    if (controllerOf(pod)) return void this.#waiting.push({ pod: unbound(this.#claims.renewed(pod)), of, why, from })
    this.#claims.release(pod)
    this.#planned.push({ pod: keyOf(pod), of, why, from, outcome: 'Lost', message: 'nothing makes it anew: it has no controller' })
  }

  #place(waiting: Waiting, within?: Judged): void {
    const base = baseOf(waiting)
    const asked = this.#target(waiting.pod, within ? [within] : [])
    if (!asked) return this.#unplaced([waiting], nobodysText(waiting.pod), ['give its profile: --scheduler-config'])
    if ('kind' in asked) {
      const remedies = asked.remedy === undefined ? [] : [asked.remedy]
      return this.#unplaced([waiting], fitErrorMessage(diagnosisOfRefusal(this.#snapshot.nodeCount, asked)), remedies)
    }
    const { profile, target } = asked
    const decision = profile.core.decide(target)
    if (decision.kind === 'Placed') {
      for (const { reserve } of target.judged ?? []) reserve?.(decision.row)
      return this.#placed(base, target, { row: decision.row, score: decision.score, feasibleNodes: decision.feasible })
    }
    this.#makeRoom(base, target, profile)
  }

  #makeRoom(base: Pick<PlannedPod, 'pod' | 'of' | 'why' | 'from'>, target: PodToPlace, { core, preempts }: PlannedProfile): void {
    const snapshot = this.#snapshot
    const diagnosis = core.diagnose(target)
    const mayPreempt = preempts && target.pod.spec?.preemptionPolicy !== 'Never'
    const candidate = mayPreempt ? core.preempt(target, diagnosis, this.#view.budgets.map(budgetOf)).candidate : undefined
    if (!candidate) {
      const plan = core.planOf(target, true)
      const { rejected } = explainNodes(plan, snapshot)
      // What is drained is not to be opened again.
      const open = rejected.filter((row) => !this.#whatIf.drained.includes(row.node.name))
      const suggestions = suggest(open, plan.shape).map((s) => s.text)
      this.#planned.push({ ...base, outcome: 'Unplaced', message: fitErrorMessage(diagnosis), suggestions })
      return
    }
    const node = snapshot.nodeName(candidate.row)
    this.#evict(candidate.victims, node, base.pod)
    this.#placed(base, target, { row: candidate.row, score: 0, feasibleNodes: 1 })
  }

  #evict(victims: readonly PodEntry[], node: string, forPod: string): void {
    for (const { key, pod } of victims) {
      this.#snapshot.removePod(key)
      this.#evictions.push({ pod: key, of: ownerOf(pod), node, forPod })
      this.#displace(pod, { why: 'Preempted', from: node })
    }
  }

  #placed(
    base: Pick<PlannedPod, 'pod' | 'of' | 'why' | 'from'>,
    target: PodToPlace,
    { row, score, feasibleNodes }: { readonly row: number; readonly score: number; readonly feasibleNodes: number },
  ): void {
    const node = this.#snapshot.nodeName(row)
    this.#snapshot.addPod(target.key, target.pod, node)
    this.#touched.add(node)
    this.#planned.push({ ...base, outcome: 'Placed', node, score, feasibleNodes })
  }

  /** Pods that found no place are not in it. */
  #after(): ClusterView {
    const { nodes, rowsEnd } = this.#snapshot
    const rows = Array.from({ length: rowsEnd }, (_, row) => row)
    const pods = rows.flatMap((row) =>
      this.#snapshot.podsOf(row).map(({ pod, nodeName }) => ({ ...pod, spec: { ...pod.spec!, nodeName } })),
    )
    return { ...this.#view, nodes: nodes.filter((node) => node !== undefined), pods }
  }

  #usage(): PlacementPlan['nodes'] {
    const snapshot = this.#snapshot
    const percent = (used: number, of: number) => (of === 0 ? 0 : Math.round((1000 * used) / of) / 10)
    return [...this.#touched].sort().flatMap((name) => {
      const row = snapshot.rowOf(name)
      if (row === undefined) return []
      const share = (id: number) => percent(snapshot.requested[id]![row]!, snapshot.allocatable[id]![row]!)
      return [{ name, cpu: share(0), memory: share(1), pods: snapshot.podCount[row]! }]
    })
  }

  /** A drain asks the budgets; preemption only prefers to keep them. */
  #blocked(): PlacementPlan['blockedByBudgets'] {
    const { drained: nodes, without, replaced } = this.#whatIf
    const leaves = (nodeName: string | undefined) => nodeName !== undefined && nodes.includes(nodeName) && !without.includes(nodeName)
    const drained = this.#view.pods.filter(
      (p) => leaves(p.spec?.nodeName) && !isPodTerminal(p) && !isOfItsNode(p) && !replaced.has(keyOf(p)),
    )
    return this.#view.budgets.flatMap((object) => {
      const budget = budgetOf(object)
      const concerned = drained.filter((p) => p.metadata.namespace === budget.namespace && budget.matches(p.metadata.labels ?? {}))
      return concerned.slice(budget.allowed).map((p) => ({ pod: keyOf(p), budget: keyOf(object) }))
    })
  }
}

const baseOf = ({ pod, of, why, from }: Waiting) => ({ pod: keyOf(pod), of, why, ...(from === undefined ? {} : { from }) })

/** Why the scheduler does not look at the pod yet. */
function heldBack({ spec }: Pod): { readonly message: string; readonly suggestion: string } | undefined {
  const gates = (spec?.schedulingGates ?? []).map((gate) => gate.name).join(', ')
  if (gates === '') return undefined
  return { message: `its scheduling is gated by ${gates}`, suggestion: 'remove the gates from spec.schedulingGates' }
}

/** Of a DaemonSet, or static: it is there for its node, stays while that is drained and goes with it. */
const isOfItsNode = (pod: Pod) => ['DaemonSet', 'Node'].includes(controllerOf(pod)?.kind ?? '')

const priorityOf = (pod: Pod) => pod.spec?.priority ?? 0

function ownerOf(pod: Pod): string {
  const owner = controllerOf(pod)
  return owner ? `${owner.kind.toLowerCase()}/${owner.name}` : `pod/${pod.metadata.name}`
}

function unbound(pod: Pod): Pod {
  const { nodeName: _, ...spec } = pod.spec!
  return { ...pod, spec }
}
