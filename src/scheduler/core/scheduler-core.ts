import type { Random } from '../../base/random.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { Decision } from './decision.ts'
import { type Diagnosis, diagnose } from './fit-error.ts'
import { Nominations } from './nominations.ts'
import { type Budget, findPreemption, type Preemption, type PreemptionInput } from './preemption.ts'
import { PlanMemories } from './plan-memory.ts'
import type { RejectedRows } from './reserved-rows.ts'
import {
  beginFilter,
  compilePlan,
  isCurrent,
  isFeasible,
  pinnedPlan,
  type Plan,
  type PluginVerdict,
  rejectionOf,
  withPlugins,
  withSharedPlugins,
} from './plan.ts'
import type { Judged } from './judgement.ts'
import type { DefaultSpread, Plugin } from './plugin.ts'
import { pinnedNode } from './pinned-node.ts'
import type { PodShape } from './pod-shape.ts'
import { decideByScan, pluginScores } from './scan.ts'
import { Snapshot } from './snapshot.ts'

/** Plans, and memories of plans, kept for the shapes that were scheduled last; a memory holds some 30 bytes a node, so fewer in a large cluster. */
const plansMax = 1_000
const plansMin = 32
const planRowsMax = 4_000_000

export type PodToPlace = {
  readonly key: string
  readonly pod: Pod
  readonly priority: number
  readonly defaultSpread?: DefaultSpread | undefined
  /** What plugins say about this pod alone (claims on volumes and devices). */
  readonly judged?: readonly Judged[]
}

/** Who it is kept for, and what says that there is no room beside them. */
export type KeptRow = { readonly because: PluginVerdict; readonly keys: readonly string[] }

export type SharedCluster = { readonly snapshot: Snapshot; readonly nominations: Nominations }

export function sharedCluster(snapshot: Snapshot): SharedCluster {
  return { snapshot, nominations: new Nominations(snapshot) }
}

/** The pure heart: a snapshot, compiled plans, decisions. No input or output, no time; randomness only for ties. */
export class SchedulerCore {
  readonly snapshot: Snapshot
  readonly nominations: Nominations
  readonly #plugins: readonly Plugin[]
  readonly #honoursPins: boolean
  readonly #random: Random
  readonly #plans = new Map<string, Plan>()
  readonly #memories: PlanMemories
  /** Plans of pods that share theirs with nobody, for as long as one attempt takes. */
  readonly #ownPlans = new WeakMap<PodToPlace, { readonly of: Plan; readonly plan: Plan }>()

  /** `cluster`: what several cores share that place pods in one cluster by different plugins. */
  constructor(options: { readonly plugins: readonly Plugin[]; readonly random: Random; readonly cluster?: SharedCluster }) {
    this.#plugins = options.plugins
    this.#honoursPins = options.plugins.some((p) => p.name === 'NodeAffinity')
    this.#random = options.random
    const { snapshot, nominations } = options.cluster ?? sharedCluster(new Snapshot())
    this.snapshot = snapshot
    this.nominations = nominations
    this.#memories = new PlanMemories({ snapshot, nominations }, () => this.#plansMax())
  }

  /** The best node for a pod; the node that room was made on first. All nodes are evaluated exactly. */
  decide(target: PodToPlace): Decision {
    const plan = this.planOf(target)
    const row = this.nominations.rowOf(target.key)
    if (row >= 0 && isFeasibleNow(plan, row) && this.nominations.isFeasible(plan, row, target))
      return { kind: 'Placed', row, score: 0, feasible: 1, ties: 1, draw: row, best: () => [{ row, score: 0 }] }
    const reserved = this.#reservedRows(plan, target)
    // Where nodes are named (a daemon set's pods) there is little to ask and nobody to share the answers with.
    const view = isShared(target) && !plan.namedNodes ? this.#memories.of(plan).view : undefined
    if (view?.catchUp()) return view.decide(this.#random, reserved)
    return decideByScan(plan, this.snapshot, this.#random, reserved && ((row) => reserved.verdicts.has(row)))
  }

  /** Why the pod fits nowhere. A node that is kept for nominated pods rejects for what it would lack with them. */
  diagnose(target: PodToPlace): Diagnosis {
    const plan = this.planOf(target)
    const reserved = this.#reservedRows(plan, target)
    const verdicts = plan.domainFilters.length > 0 || plan.namedNodes ? undefined : this.#memories.of(plan).verdicts
    return diagnose({ plan, snapshot: this.snapshot, verdicts, reserved: reserved?.verdicts })
  }

  /** Rows that do not take the pod beside those that wait for room there, whether or not they would without them; for explanations. */
  keptRows(target: PodToPlace): ReadonlyMap<number, KeptRow> {
    const reserved = this.#reservedRows(this.planOf(target), target)?.verdicts ?? []
    return new Map(
      [...reserved].map(([row, because]) => [row, { because, keys: this.nominations.keysOn(this.snapshot.nodeName(row), target) }]),
    )
  }

  /** Rows that do not take the pod beside the pods nominated there; undefined where no pod is nominated. */
  #reservedRows(plan: Plan, target: PodToPlace): RejectedRows | undefined {
    if (this.nominations.size === 0) return undefined
    return this.#memories.of(plan).reserved.for(target)
  }

  /** Why a plugin could not judge a row that every other filter leaves to it; undefined where there is no such row. */
  failureOf(target: PodToPlace, plugin: string, failureAt: (row: number) => string | undefined): string | undefined {
    const plan = this.planOf(target)
    beginFilter(plan)
    const others = { ...plan, plugins: plan.plugins.filter(({ name }) => name !== plugin) }
    for (let row = 0; row < this.snapshot.rowsEnd; row++) {
      const why = this.snapshot.nodes[row] && failureAt(row)
      if (why !== undefined && !rejectionOf(others, row)) return why
    }
    return undefined
  }

  /** What evicting pods of lower priority could do for a pod that fits nowhere. Nothing is changed. */
  preempt(target: PodToPlace, diagnosis: Diagnosis, budgets: readonly Budget[], accept?: PreemptionInput['accept']): Preemption {
    return findPreemption({
      accept,
      plan: this.planOf(target),
      snapshot: this.snapshot,
      nominations: this.nominations,
      key: target.key,
      priority: target.priority,
      budgets,
      resolvable: diagnosis.resolvableRows,
      cacheOf: (plan) => this.#memories.of(plan).preemptions,
    })
  }

  /** One plugin's score of a row, 0..100 before its weight, among all feasible rows. */
  pluginScore(input: { readonly plan: Plan; readonly plugin: string; readonly rows: readonly number[]; readonly row: number }): number {
    return (
      pluginScores(input.plan, input.rows)
        .find((s) => s.name === input.plugin)
        ?.of(input.row).score ?? 0
    )
  }

  /** Explanations ask for the pod's own plan: what others share may name other pods' claims. */
  planOf(target: PodToPlace, isOwn = false): Plan {
    const shape = this.snapshot.shapeOf(target.pod)
    const isWhole = !isOwn && isShared(target)
    const shared = this.planOfShape(shape, target.defaultSpread, isWhole ? target.judged : undefined)
    const pin = this.#honoursPins ? pinnedNode(target.pod.spec) : undefined
    const judged = isWhole ? [] : (target.judged ?? [])
    if (pin === undefined && judged.length === 0) return shared
    const known = this.#ownPlans.get(target)
    if (known?.of === shared) return known.plan
    const pinned = pin === undefined ? shared : this.#pinned(shared, target, pin)
    const plan =
      judged.length === 0
        ? pinned
        : withPlugins(
            pinned,
            judged.map((j) => j.plugin),
          )
    this.#ownPlans.set(target, { of: shared, plan })
    return plan
  }

  #pinned(plan: Plan, { pod, defaultSpread }: PodToPlace, name: string): Plan {
    // Hard spread that the profile asks for counts the domains that the pod may go to: nothing of that is common to others.
    const countsDomains = plan.plugins.some((p) => p.name === 'PodTopologySpread' && p.compiled.domainFilter)
    return countsDomains ? this.#compile({ ...plan.shape, spec: pod.spec! }, defaultSpread) : pinnedPlan(plan, this.snapshot, name)
  }

  /** `judged`: by plugins that judge alike every pod that shares theirs. */
  planOfShape(shape: PodShape, defaultSpread: DefaultSpread | undefined, judged: readonly Judged[] = []): Plan {
    let key = defaultSpread ? `${shape.id} ${defaultSpread.key}` : String(shape.id)
    for (const { sharedAs } of judged) key += ` ${sharedAs}`
    const known = this.#plans.get(key)
    if (known && isCurrent(known, this.snapshot)) {
      // The least recently used goes first.
      if (this.#plans.size > this.#plansMax() / 2) {
        this.#plans.delete(key)
        this.#plans.set(key, known)
      }
      return known
    }
    const plan =
      judged.length === 0
        ? this.#compile(shape, defaultSpread)
        : withSharedPlugins(
            this.planOfShape(shape, defaultSpread),
            judged.map((j) => j.plugin),
            judged.map((j) => j.sharedAs).join(' '),
          )
    this.#plans.delete(key)
    this.#plans.set(key, plan)
    if (this.#plans.size > this.#plansMax()) this.#plans.delete(this.#plans.keys().next().value!)
    return plan
  }

  #compile(shape: PodShape, defaultSpread: DefaultSpread | undefined): Plan {
    const input = { snapshot: this.snapshot, shape, defaultSpread, plugins: this.#plugins }
    // Compiling can itself move columns (a resource or label seen for the first time): then once more.
    const plan = compilePlan(input)
    return isCurrent(plan, this.snapshot) ? plan : compilePlan(input)
  }

  #plansMax(): number {
    return Math.max(plansMin, Math.min(plansMax, Math.floor(planRowsMax / (this.snapshot.rowsEnd + 1))))
  }
}

function isFeasibleNow(plan: Plan, row: number): boolean {
  beginFilter(plan)
  return isFeasible(plan, row)
}

/** Whether the pod is decided as every other of its shape is. */
function isShared({ judged }: PodToPlace): boolean {
  return judged === undefined || judged.every((j) => j.sharedAs !== undefined)
}
