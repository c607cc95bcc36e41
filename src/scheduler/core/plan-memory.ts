import { CellIndex } from './cell-index.ts'
import type { Nominations } from './nominations.ts'
import type { Plan } from './plan.ts'
import { PreemptionCache } from './preemption-cache.ts'
import { ReservedRows } from './reserved-rows.ts'
import { RowVerdicts } from './row-verdicts.ts'
import type { Snapshot } from './snapshot.ts'
import { StaticRows } from './static-rows.ts'

/**
 * What is remembered from one decision to the next about nodes, as one plan sees them. Plans that ask the same of every node (the same
 * workload in a hundred namespaces, say) share one memory: a changed node is then looked at once and not once a shape.
 */
export class PlanMemory {
  /** The one that was first. The functions of all that share the memory give the same answers. */
  readonly #plan: Plan
  readonly #snapshot: Snapshot
  readonly #nominations: Nominations
  readonly #static: StaticRows
  #index: CellIndex | undefined
  #verdicts: RowVerdicts | undefined
  #preemptions: PreemptionCache | undefined
  #reserved: ReservedRows | undefined

  constructor(plan: Plan, cluster: { readonly snapshot: Snapshot; readonly nominations: Nominations }, staticRows: StaticRows) {
    this.#static = staticRows
    this.#plan = plan
    this.#snapshot = cluster.snapshot
    this.#nominations = cluster.nominations
  }

  get index(): CellIndex {
    return (this.#index ??= new CellIndex(this.#plan, this.#snapshot, this.#static))
  }

  get verdicts(): RowVerdicts {
    return (this.#verdicts ??= new RowVerdicts(this.#plan, this.#snapshot))
  }

  get preemptions(): PreemptionCache {
    return (this.#preemptions ??= new PreemptionCache(this.#snapshot))
  }

  get reserved(): ReservedRows {
    return (this.#reserved ??= new ReservedRows(this.#plan, this.#snapshot, this.#nominations))
  }
}

/** Finds the memory of a plan: that of another one with equal answers, or a new one. Of at most `max()` memories the oldest goes first. */
export class PlanMemories {
  readonly #cluster: { readonly snapshot: Snapshot; readonly nominations: Nominations }
  readonly #max: () => number
  readonly #ofPlan = new WeakMap<Plan, PlanMemory>()
  readonly #shared = new Map<string, PlanMemory>()
  readonly #staticRows = new Map<string, StaticRows>()
  #layoutVersion = 0

  constructor(cluster: { readonly snapshot: Snapshot; readonly nominations: Nominations }, max: () => number) {
    this.#cluster = cluster
    this.#max = max
  }

  of(plan: Plan): PlanMemory {
    let memory = this.#ofPlan.get(plan)
    if (!memory) this.#ofPlan.set(plan, (memory = this.#find(plan)))
    return memory
  }

  #find(plan: Plan): PlanMemory {
    if (this.#layoutVersion !== plan.layoutVersion) {
      this.#shared.clear()
      this.#staticRows.clear()
    }
    this.#layoutVersion = plan.layoutVersion
    return this.#kept(this.#shared, plan.sharedAs?.(), () => new PlanMemory(plan, this.#cluster, this.#staticRowsOf(plan)))
  }

  #staticRowsOf(plan: Plan): StaticRows {
    return this.#kept(this.#staticRows, plan.staticSharedAs?.(), () => new StaticRows(plan, this.#cluster.snapshot))
  }

  #kept<T>(among: Map<string, T>, key: string | undefined, make: () => T): T {
    if (key === undefined) return make()
    const kept = among.get(key) ?? make()
    among.delete(key)
    among.set(key, kept)
    if (among.size > this.#max()) among.delete(among.keys().next().value!)
    return kept
  }
}
