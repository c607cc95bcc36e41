import type { Informer } from '../client/informer-contract.ts'
import type { LoopContext } from '../control/contract.ts'
import { evictionOf } from '../control/pod-changes.ts'
import type { Pod } from '../kinds/generated/types/core-v1.ts'
import type { PodDisruptionBudget } from '../kinds/generated/types/policy-v1.ts'
import { keyOf } from '../machinery/object.ts'
import { isStatus } from '../machinery/status-error.ts'
import { budgetOf } from './budget.ts'
import { type Diagnosis, fitErrorMessage } from './core/fit-error.ts'
import { type Budget, type Candidate, isBetter, type PreemptionInput } from './core/preemption.ts'
import type { EventOutlet } from './event-outlet.ts'
import type { PodChanges } from './pod-condition.ts'
import { profileOf } from './profile-runtime.ts'
import type { PodToPlace, SchedulerCore } from './core/scheduler-core.ts'
import type { Nomination } from './core/nominations.ts'
import type { PodEntry, Snapshot } from './core/snapshot.ts'
import type { SchedulerMetrics } from './scheduler-metrics.ts'

/** What is to be done for a pod that fits nowhere. */
export type PreemptionPlan = {
  /** For the condition's message; empty when room is being made. */
  readonly message: string
  /** The node that room is made on; '' clears an old nomination, undefined keeps what is. */
  readonly nominatedNodeName: string | undefined
  readonly victims: readonly PodEntry[]
}

/** Nodes that extenders are asked about. */
const candidatesMax = 100

export const noPreemption: PreemptionPlan = { message: '', nominatedNodeName: undefined, victims: [] }

export type PreemptorOptions = {
  readonly context: LoopContext
  readonly events: EventOutlet
  readonly changes: PodChanges
  readonly budgets: Informer<PodDisruptionBudget>
  readonly metrics: SchedulerMetrics
  /** A victim could not be evicted. */
  readonly onStays: (nodeName: string, victim: string) => void
}

/** Plans which pods make room (pure, on the snapshot), and evicts them. */
export class Preemptor {
  readonly #options: PreemptorOptions
  #budgetList: { readonly resourceVersion: string; readonly list: readonly Budget[] } = { resourceVersion: '', list: [] }

  constructor(options: PreemptorOptions) {
    this.#options = options
  }

  /** Decides at once; a nomination is entered in the core before anything else is decided. */
  plan(core: SchedulerCore, target: PodToPlace, diagnosis: Diagnosis, accept?: PreemptionInput['accept']): PreemptionPlan {
    const reason = ineligible(core, target, diagnosis)
    if (reason) return { message: `preemption: ${reason}`, nominatedNodeName: undefined, victims: [] }
    if (diagnosis.nodeCount === 0) return noPreemption
    const { candidate, reasons } = core.preempt(target, diagnosis, this.budgets(), accept)
    if (!candidate) {
      core.nominations.delete(target.key)
      // Evicting would help, but whoever was asked allows it nowhere.
      if (accept && reasons.size === 0)
        return { message: 'preemption: no candidate node for preemption', nominatedNodeName: '', victims: [] }
      return { message: `preemption: ${fitErrorMessage({ nodeCount: diagnosis.nodeCount, reasons })}`, nominatedNodeName: '', victims: [] }
    }
    const nodeName = core.snapshot.nodeName(candidate.row)
    // Weaker pods that waited for the same room start over.
    for (const weaker of core.nominations.below(nodeName, target.priority)) core.nominations.delete(weaker.key)
    const { key, pod, priority } = target
    const leaving = new Set(candidate.victims.map((victim) => victim.key))
    core.nominations.set({ key, pod, nodeName, priority, leaving })
    return { message: '', nominatedNodeName: nodeName, victims: candidate.victims }
  }

  /** The best candidates, for others to judge; none where the pod may not preempt. */
  candidates(core: SchedulerCore, target: PodToPlace, diagnosis: Diagnosis): readonly Candidate[] {
    const found: Candidate[] = []
    if (ineligible(core, target, diagnosis) || diagnosis.nodeCount === 0) return found
    core.preempt(target, diagnosis, this.budgets(), (candidate) => void found.push(candidate))
    return found.sort((a, b) => (isBetter(a, b) ? -1 : 1)).slice(0, candidatesMax)
  }

  /** The same list as long as no budget changes, so that the core knows its answers are still good. */
  budgets(): readonly Budget[] {
    const { resourceVersion } = this.#options.budgets
    if (this.#budgetList.resourceVersion !== resourceVersion)
      this.#budgetList = { resourceVersion, list: this.#options.budgets.list().map(budgetOf) }
    return this.#budgetList.list
  }

  /** Evicts the victims: condition, delete, event. A victim that is gone already is no error. */
  async evict(target: PodToPlace, { victims, nominatedNodeName }: PreemptionPlan, signal: AbortSignal): Promise<void> {
    this.#options.metrics.preempted(victims.length)
    await Promise.all(victims.map(({ pod }) => this.#evictOne({ victim: pod, target, nodeName: nominatedNodeName ?? '', signal })))
  }

  async #evictOne(input: { victim: Pod; target: PodToPlace; nodeName: string; signal: AbortSignal }): Promise<void> {
    const { victim, target, nodeName, signal } = input
    const { context, changes } = this.#options
    const isLeaving = victim.metadata.deletionTimestamp !== undefined
    const message = `${profileOf(target.pod)}: preempting to accommodate a higher priority pod`
    try {
      if (!isLeaving) await changes.post(evictionOf(context, victim, { reason: 'PreemptionByScheduler', message }), signal)
      const note = `Preempted by pod ${target.pod.metadata.uid} on node ${nodeName}`
      const told = { reason: 'Preempted', action: 'Preempting', note, reporter: profileOf(target.pod) }
      this.#options.events.add({ pod: victim, related: target.pod, type: 'Normal', ...told })
    } catch (error) {
      // It is gone, or is another pod of its name.
      if (signal.aborted || isStatus(error, 'NotFound') || isStatus(error, 'Conflict')) return
      this.#options.onStays(nodeName, keyOf(victim))
      context.log.warn({ victim: keyOf(victim), pod: target.key, error: String(error) }, 'could not evict a pod')
    }
  }
}

/** Whether weaker pods are leaving the node that was promised, or have been told to. */
export function waitsForVictims(snapshot: Snapshot, { nodeName, priority, leaving }: Nomination): boolean {
  if (leaving) return [...leaving].some((key) => snapshot.pod(key) !== undefined)
  const row = snapshot.rowOf(nodeName)
  return row !== undefined && snapshot.podsOf(row).some((entry) => entry.isTerminating && entry.priority < priority)
}

/** Why the pod may not push anybody out, if so. */
export function ineligible(core: SchedulerCore, { key, pod, priority }: PodToPlace, diagnosis: Diagnosis): string | undefined {
  if (pod.spec?.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.'
  const nominated = core.nominations.get(key)?.nodeName ?? pod.status?.nominatedNodeName
  const row = nominated ? core.snapshot.rowOf(nominated) : undefined
  if (row === undefined || !diagnosis.resolvableRows.has(row)) return undefined
  const isLeaving = core.snapshot.podsOf(row).some((entry) => entry.isTerminating && entry.priority < priority)
  return isLeaving ? 'not eligible due to a terminating pod on the nominated node.' : undefined
}
