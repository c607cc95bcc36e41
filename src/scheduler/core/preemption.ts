import type { Labels } from './pod-shape.ts'
import type { Nominations } from './nominations.ts'
import { beginFilter, isFeasible, type Plan, rejectionOf } from './plan.ts'
import { noVictims, type PreemptionCache, reasonsOf, type RowAttempt, withoutVictims } from './preemption-cache.ts'
import type { ResolvableRows } from './resolvable-rows.ts'
import type { PodEntry, Snapshot } from './snapshot.ts'

/** A PodDisruptionBudget as preemption reads it. */
export type Budget = {
  readonly namespace: string
  readonly matches: (labels: Labels) => boolean
  /** status.disruptionsAllowed, and the pods whose disruption is counted there already. */
  readonly allowed: number
  readonly disrupted: ReadonlySet<string>
}

export type Candidate = {
  readonly row: number
  /** Most important first. */
  readonly victims: readonly PodEntry[]
  /** Victims that break a budget. */
  readonly violations: number
  readonly highestPriority: number
  /** Σ (priority + 2³¹), so that more victims never weigh less than fewer. */
  readonly prioritySum: number
  /** The earliest start among the victims of the highest priority, ms. */
  readonly earliestStart: number
}

export type Preemption = {
  readonly candidate: Candidate | undefined
  /** Without a candidate: why preemption does not help, counted over all nodes. */
  readonly reasons: ReadonlyMap<string, number>
}

export type PreemptionInput = {
  readonly plan: Plan
  readonly snapshot: Snapshot
  readonly nominations: Nominations
  readonly key: string
  readonly priority: number
  readonly budgets: readonly Budget[]
  /** Rows where eviction may help (Diagnosis.resolvableRows). */
  readonly resolvable: ResolvableRows
  readonly cacheOf: (plan: Plan) => PreemptionCache
  /** What others make of a candidate: the same, one with fewer victims, or none. Absent: all are taken as they are. */
  readonly accept?: ((candidate: Candidate) => Candidate | undefined) | undefined
}

const notHelpful = 'Preemption is not helpful for scheduling'

/**
 * The cheapest set of lower-priority pods whose removal makes room. Per node: take all of them away; if the pod fits then, give
 * them back most important first (those that would break a budget before the others) as long as it still fits. Among
 * nodes, in order: fewest broken budgets, lowest highest priority, least sum of priorities, fewest victims, latest start of
 * the most important victim. Every candidate node is tried. Source: kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption
 */
export function findPreemption(input: PreemptionInput): Preemption {
  const { snapshot, resolvable, nominations, plan, priority, budgets } = input
  const unhelpful = snapshot.nodeCount - resolvable.count
  const reasons = new Map<string, number>(unhelpful > 0 ? [[notHelpful, unhelpful]] : [])
  if (!snapshot.hasPodBelow(priority)) {
    if (resolvable.count > 0) reasons.set(noVictims, resolvable.count)
    return { candidate: undefined, reasons }
  }
  const cache = dependsOnResourcesOnly(plan, snapshot) ? input.cacheOf(plan) : undefined
  cache?.catchUp({ priority, budgets, ownRow: nominations.rowOf(input.key) }, (row) =>
    resolvable.has(row) ? tryRow(input, row) : undefined,
  )
  if (!cache || input.accept) return bestOfAll(input, cache, reasons)
  const candidate = cache.best()
  if (candidate) return { candidate, reasons: new Map() }
  for (const [reason, count] of cache.reasons()) reasons.set(reason, count)
  return { candidate: undefined, reasons }
}

function bestOfAll(input: PreemptionInput, cache: PreemptionCache | undefined, reasons: Map<string, number>): Preemption {
  let best: Candidate | undefined
  for (const row of input.resolvable.list()) {
    const attempt = cache?.at(row) ?? tryRow(input, row)
    for (const reason of reasonsOf(attempt)) reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
    if (!attempt.candidate || attempt.candidate.victims.length === 0) continue
    const candidate = input.accept ? input.accept(attempt.candidate) : attempt.candidate
    if (candidate && (!best || isBetter(candidate, best))) best = candidate
  }
  return { candidate: best, reasons: best ? new Map() : reasons }
}

function tryRow(input: PreemptionInput, row: number): RowAttempt {
  const lower = input.snapshot.podsOf(row).filter((entry) => entry.priority < input.priority)
  if (lower.length === 0) return withoutVictims
  sortByImportance(lower)
  const reasons: string[] = []
  const attempt = dependsOnResourcesOnly(input.plan, input.snapshot) ? tryByArithmetic : tryByLifting
  const candidate = input.nominations.withNominated({ row, ...input }, () => attempt(input, row, lower, (reason) => reasons.push(reason)))
  return { candidate, reasons }
}

/** In place. A node has few pods that are weaker, mostly in order: the sort of the language makes more for each row than they are. */
function sortByImportance(entries: PodEntry[]): void {
  if (entries.length > 16) return void entries.sort(byImportance)
  for (let i = 1; i < entries.length; i++) {
    const entry = entries[i]!
    let at = i
    for (; at > 0 && byImportance(entries[at - 1]!, entry) > 0; at--) entries[at] = entries[at - 1]!
    entries[at] = entry
  }
}

/** Higher priority first, then the longer running; then by key, so that the answer does not depend on the order of events. */
function byImportance(a: PodEntry, b: PodEntry): number {
  return b.priority - a.priority || compareStart(a, b) || (a.key < b.key ? -1 : 1)
}

function compareStart(a: PodEntry, b: PodEntry): number {
  return a.startedAt === b.startedAt ? 0 : a.startedAt < b.startedAt ? -1 : 1
}

/** The shape's only filter by what runs is NodeResourcesFit, so the question is one of sums. */
function dependsOnResourcesOnly(plan: Plan, { deviceResources }: Snapshot): boolean {
  if (deviceResources.size > 0 && Object.keys(plan.shape.requests).some((name) => deviceResources.has(name))) return false
  return (
    plan.domainFilters.length === 0 &&
    plan.plugins.every(({ name, compiled }) => !compiled.usageFilter || (name === 'NodeResourcesFit' && compiled.comparesAll))
  )
}

type TryRow = (input: PreemptionInput, row: number, lower: readonly PodEntry[], count: (reason: string) => void) => Candidate | undefined

const tryByArithmetic: TryRow = ({ plan: { shape }, snapshot, budgets }, row, lower, count) => {
  const free = shape.resourceIds.map((id, i) => snapshot.allocatable[id]![row]! - snapshot.requested[id]![row]! - shape.resourceAmounts[i]!)
  const names = shape.resourceIds.map((id) => snapshot.resources.name(id))
  let podsFree = snapshot.podsMax[row]! - snapshot.podCount[row]! - 1
  const take = (entry: PodEntry, sign: 1 | -1) => {
    podsFree += sign
    for (let i = 0; i < names.length; i++) free[i]! += sign * (entry.shape.requests[names[i]!] ?? 0)
  }
  const fits = () => podsFree >= 0 && free.every((amount) => amount >= 0)
  for (const entry of lower) take(entry, 1)
  if (!fits()) {
    if (podsFree < 0) count('Too many pods')
    names.forEach((name, i) => free[i]! < 0 && count(`Insufficient ${name}`))
    return undefined
  }
  return reprieve({ row, lower, budgets, fits, giveBack: (entry) => take(entry, -1), takeAgain: (entry) => take(entry, 1) })
}

const tryByLifting: TryRow = ({ plan, snapshot, budgets }, row, lower, count) =>
  snapshot.suppose(() => {
    const lifted = new Set<PodEntry>()
    const lift = (entry: PodEntry) => {
      snapshot.lift(entry)
      lifted.add(entry)
    }
    const restore = (entry: PodEntry) => {
      snapshot.restore(entry, row)
      lifted.delete(entry)
    }
    const fits = () => {
      beginFilter(plan)
      return isFeasible(plan, row)
    }
    for (const entry of lower) lift(entry)
    try {
      if (fits()) return reprieve({ row, lower, budgets, fits, giveBack: restore, takeAgain: lift })
      for (const reason of rejectionOf(plan, row)!.rejection.reasons) count(reason)
      return undefined
    } finally {
      for (const entry of [...lifted]) restore(entry)
    }
  })

/** Gives pods back as long as the newcomer still fits; the others are the victims. */
function reprieve(input: {
  readonly row: number
  readonly lower: readonly PodEntry[]
  readonly budgets: readonly Budget[]
  readonly fits: () => boolean
  readonly giveBack: (entry: PodEntry) => void
  readonly takeAgain: (entry: PodEntry) => void
}): Candidate {
  const { row, lower, budgets, fits, giveBack, takeAgain } = input
  const { violating, others } = splitByBudgets(lower, budgets)
  const victims: PodEntry[] = []
  let violations = 0
  const tryBack = (entry: PodEntry): boolean => {
    giveBack(entry)
    if (fits()) return true
    takeAgain(entry)
    victims.push(entry)
    return false
  }
  for (const entry of violating) if (!tryBack(entry)) violations++
  for (const entry of others) tryBack(entry)
  sortByImportance(victims)
  return candidateOf(row, victims, violations)
}

/** `victims`: most important first. */
export function candidateOf(row: number, victims: readonly PodEntry[], violations: number): Candidate {
  const highestPriority = victims[0]?.priority ?? Number.NEGATIVE_INFINITY
  let prioritySum = 0
  let earliestStart = Number.POSITIVE_INFINITY
  for (const { priority, startedAt } of victims) {
    prioritySum += priority + 2 ** 31
    if (priority === highestPriority) earliestStart = Math.min(earliestStart, startedAt)
  }
  return { row, victims, violations, highestPriority, prioritySum, earliestStart }
}

/** Pods beyond what the budgets still allow, when all of them went in this order. */
function splitByBudgets(
  entries: readonly PodEntry[],
  budgets: readonly Budget[],
): { readonly violating: readonly PodEntry[]; readonly others: readonly PodEntry[] } {
  if (budgets.length === 0) return { violating: [], others: entries }
  const left = budgets.map((b) => b.allowed)
  const violating: PodEntry[] = []
  const others: PodEntry[] = []
  for (const entry of entries) {
    let isViolating = false
    budgets.forEach((budget, i) => {
      if (budget.namespace !== entry.shape.namespace || !budget.matches(entry.shape.labels)) return
      if (budget.disrupted.has(entry.pod.metadata.name ?? '')) return
      left[i]!--
      if (left[i]! < 0) isViolating = true
    })
    ;(isViolating ? violating : others).push(entry)
  }
  return { violating, others }
}

export function isBetter(a: Candidate, b: Candidate): boolean {
  if (a.violations !== b.violations) return a.violations < b.violations
  if (a.highestPriority !== b.highestPriority) return a.highestPriority < b.highestPriority
  if (a.prioritySum !== b.prioritySum) return a.prioritySum < b.prioritySum
  if (a.victims.length !== b.victims.length) return a.victims.length < b.victims.length
  return a.earliestStart > b.earliestStart
}
