import { AlikeRows } from './alike-rows.ts'
import { CellIndex } from './cell-index.ts'
import { IndexView } from './index-view.ts'
import type { Nominations } from './nominations.ts'
import { indexSharedAs, type Plan, sharedAs, staticSharedAs } from './plan.ts'
import { PreemptionCache } from './preemption-cache.ts'
import { ReservedRows } from './reserved-rows.ts'
import { RowVerdicts } from './row-verdicts.ts'
import type { Snapshot } from './snapshot.ts'
import { StaticRows } from './static-rows.ts'

type Cluster = { readonly snapshot: Snapshot; readonly nominations: Nominations }

/**
 * What is remembered from one decision to the next about nodes, as one plan sees them. Plans that ask the same of every node (the same
 * workload in a hundred namespaces, say) share one memory: a changed node is then looked at once and not once a shape.
 */
export class PlanMemory {
  /** The one that was first. The functions of all that share the memory give the same answers. */
  readonly #plan: Plan
  readonly #snapshot: Snapshot
  readonly #nominations: Nominations
  readonly #index: () => CellIndex
  #view: IndexView | undefined
  #verdicts: RowVerdicts | undefined
  #preemptions: PreemptionCache | undefined
  #reserved: ReservedRows | undefined

  constructor(plan: Plan, cluster: Cluster, index: () => CellIndex) {
    this.#index = index
    this.#plan = plan
    this.#snapshot = cluster.snapshot
    this.#nominations = cluster.nominations
  }

  get view(): IndexView {
    return (this.#view ??= new IndexView(this.#plan, this.#snapshot, this.#index()))
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
  readonly #cluster: Cluster
  readonly #max: () => number
  readonly #ofPlan = new WeakMap<Plan, PlanMemory>()
  readonly #shared = new Map<string, PlanMemory>()
  readonly #indexes = new Map<string, CellIndex>()
  readonly #staticRows = new Map<string, { readonly rows: StaticRows; readonly alike: AlikeRows }>()
  #layoutVersion = 0

  constructor(cluster: Cluster, max: () => number) {
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
      this.#indexes.clear()
      this.#staticRows.clear()
    }
    this.#layoutVersion = plan.layoutVersion
    return this.#kept(this.#shared, sharedAs(plan), () => new PlanMemory(plan, this.#cluster, () => this.#indexOf(plan)))
  }

  #indexOf(plan: Plan): CellIndex {
    const make = () => new CellIndex(plan, this.#cluster.snapshot, this.#staticRowsOf(plan))
    return this.#kept(this.#indexes, indexSharedAs(plan), make)
  }

  #staticRowsOf(plan: Plan): { readonly rows: StaticRows; readonly alike: AlikeRows } {
    return this.#kept(this.#staticRows, staticSharedAs(plan), () => {
      const rows = new StaticRows(plan, this.#cluster.snapshot)
      return { rows, alike: new AlikeRows(this.#cluster.snapshot, rows) }
    })
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
