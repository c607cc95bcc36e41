import { controllerOf } from '../../machinery/object.ts'
import { beginFilter, rejectionOf } from '../core/plan.ts'
import { scan } from '../core/scan.ts'
import type { PodToPlace, SchedulerCore } from '../core/scheduler-core.ts'
import { cpu, memory, type PodEntry, type Snapshot } from '../core/snapshot.ts'
import type { RebalancePolicy, Strategy, Utilisation } from './rebalance-policy.ts'

/** A pod that a strategy would have elsewhere. */
export type Candidate = {
  readonly entry: PodEntry
  readonly why: string
  /** Asked when its turn comes: moves before it may have settled the matter. */
  readonly isStillWrong: () => boolean
  /** Asked while the pod is taken out of the snapshot. */
  readonly mayGoTo: (row: number) => boolean
  /** In words, where nodes would take it but the strategy does not want it there. */
  readonly noPlaceText: string
  /** Percent, 0..100, with the formula. */
  readonly gainAt: (row: number) => { readonly gain: number; readonly text: string }
}

export type CandidateContext = {
  readonly snapshot: Snapshot
  /** The core of the profile that places the pod. */
  readonly coreOf: (entry: PodEntry) => SchedulerCore
  readonly policy: RebalancePolicy
  readonly targetOf: (entry: PodEntry) => PodToPlace
}

export function candidatesOf(strategy: Strategy, context: CandidateContext): Iterable<Candidate> {
  switch (strategy) {
    case 'Violations':
      return violations(context)
    case 'Duplicates':
      return duplicates(context)
    case 'LowNodeUtilization':
      return overuse(context)
  }
}

/** Least important first, then by key: who moves does not depend on the order of events. */
const byImportance = (a: PodEntry, b: PodEntry) => a.priority - b.priority || (a.key < b.key ? -1 : 1)

function rowsOf({ nodes, rowsEnd }: Snapshot): readonly number[] {
  return Array.from({ length: rowsEnd }, (_, row) => row).filter((row) => nodes[row] !== undefined)
}

const settled = new Set(['NodeUnschedulable', 'NodeResourcesFit'])

/** Pods that their node would not take now: taints, selectors, (anti-)affinity, spread that others have come to break. */
function* violations({ snapshot, coreOf, targetOf }: CandidateContext): Iterable<Candidate> {
  const broken = (entry: PodEntry) => {
    const target = { ...targetOf(entry), pod: withoutNode(entry) }
    return snapshot.whatIf(() => {
      const { row } = entry
      snapshot.lift(entry)
      try {
        const plan = coreOf(entry).planOf(target)
        beginFilter(plan)
        const found = rejectionOf(plan, row)
        // A cordon keeps new pods away; a node that has become too small is for eviction to settle.
        return found && !settled.has(found.plugin) ? found : undefined
      } finally {
        snapshot.restore(entry, row)
      }
    })
  }
  for (const row of rowsOf(snapshot))
    for (const entry of [...snapshot.podsOf(row)].sort(byImportance)) {
      const found = broken(entry)
      if (!found) continue
      yield {
        entry,
        why: `${found.plugin}: ${found.rejection.details.join('; ')}`,
        isStillWrong: () => snapshot.pod(entry.key) === entry && broken(entry) !== undefined,
        mayGoTo: () => true,
        noPlaceText: '',
        gainAt: () => ({ gain: 100, text: 'a broken rule is kept again: 100 %' }),
      }
    }
}

function withoutNode({ pod }: PodEntry) {
  const { nodeName: _, ...spec } = pod.spec!
  return { ...pod, spec }
}

/** Pods of one owner on one node beyond ⌈pods / nodes that take them⌉. */
function* duplicates({ snapshot, coreOf, targetOf }: CandidateContext): Iterable<Candidate> {
  const byOwner = new Map<string, PodEntry[]>()
  for (const row of rowsOf(snapshot))
    for (const entry of snapshot.podsOf(row)) {
      const owner = controllerOf(entry.pod)
      if (!owner || owner.kind === 'DaemonSet') continue
      const pods = byOwner.get(owner.uid)
      if (pods) pods.push(entry)
      else byOwner.set(owner.uid, [entry])
    }
  for (const pods of byOwner.values()) {
    if (pods.length < 2) continue
    const countOn = (row: number) => snapshot.podsOf(row).filter((e) => controllerOf(e.pod)?.uid === controllerOf(pods[0]!.pod)!.uid).length
    const { rows } = scan(coreOf(pods[0]!).planOf({ ...targetOf(pods[0]!), pod: withoutNode(pods[0]!) }), snapshot)
    const places = new Set([...rows, ...pods.map((e) => e.row)]).size
    const most = Math.ceil(pods.length / places)
    for (const entry of pods.toSorted(byImportance)) {
      const { row } = entry
      const there = countOn(row)
      if (there <= most) continue
      yield {
        entry,
        why: `${there} of ${pods.length} pods of one owner are on this node, ${most} would do on ${places} nodes`,
        isStillWrong: () => snapshot.pod(entry.key) === entry && countOn(row) > most,
        mayGoTo: (to) => countOn(to) + 1 < countOn(row) + 1,
        noPlaceText: 'no node that takes it has fewer of them',
        gainAt: (to) => {
          const [from, after] = [countOn(row) + 1, countOn(to) + 1]
          return {
            gain: Math.floor((100 * (from - after)) / from),
            text: `⌊100 × (${from} − ${after})/${from}⌋ pods of the owner on one node`,
          }
        },
      }
    }
  }
}

const resources = ['cpu', 'memory', 'pods'] as const
type Resource = (typeof resources)[number]

/** Percent of allocatable that the pods of the row request, whole. */
export function utilisation(snapshot: Snapshot, row: number, more?: PodEntry): Utilisation {
  const percent = (used: number, all: number) => (all === 0 ? 0 : Math.floor((100 * used) / all))
  const of = (name: 'cpu' | 'memory', id: number) =>
    percent(snapshot.requested[id]![row]! + (more?.shape.requests[name] ?? 0), snapshot.allocatable[id]![row]!)
  return {
    cpu: of('cpu', cpu),
    memory: of('memory', memory),
    pods: percent(snapshot.podCount[row]! + (more ? 1 : 0), snapshot.podsMax[row]!),
  }
}

/** Pods of nodes that are used more than the policy wants, where others are used less than it wants. */
function* overuse({ snapshot, policy }: CandidateContext): Iterable<Candidate> {
  const isUnder = (row: number) => {
    const use = utilisation(snapshot, row)
    return !snapshot.nodes[row]!.spec?.unschedulable && resources.every((r) => use[r] < policy.underused[r])
  }
  const overusedOf = (row: number): readonly Resource[] => {
    const use = utilisation(snapshot, row)
    return resources.filter((r) => use[r] > policy.overused[r])
  }
  const rows = rowsOf(snapshot)
  const under = new Set(rows.filter(isUnder))
  if (under.size === 0) return
  const peak = (row: number) => Math.max(...resources.map((r) => utilisation(snapshot, row)[r]))
  for (const row of rows.filter((r) => overusedOf(r).length > 0).toSorted((a, b) => peak(b) - peak(a) || a - b))
    for (const entry of [...snapshot.podsOf(row)].sort(byImportance)) {
      const over = overusedOf(row)
      if (over.length === 0) break
      const helps = (r: Resource) => r === 'pods' || (entry.shape.requests[r] ?? 0) > 0
      if (!over.some(helps)) continue
      const resource = over.find(helps)!
      const use = utilisation(snapshot, row)[resource]
      yield {
        entry,
        why: `pods request ${use} % of the node's ${resource}, more than ${policy.overused[resource]} %`,
        isStillWrong: () => snapshot.pod(entry.key) === entry && overusedOf(row).length > 0,
        mayGoTo: (to) => under.has(to) && resources.every((r) => utilisation(snapshot, to, entry)[r] <= policy.overused[r]),
        noPlaceText: `no node that takes it is used so little that it would stay within ${resources.map((r) => `${r} ${policy.overused[r]} %`).join(', ')}`,
        gainAt: (to) => {
          const after = utilisation(snapshot, to, entry)[resource]
          return { gain: Math.max(0, use - after), text: `${use} % of ${resource} here − ${after} % there` }
        },
      }
    }
}
