import type { Nominations, Yielding } from './nominations.ts'
import type { Plan, PluginVerdict } from './plan.ts'
import type { Snapshot } from './snapshot.ts'

/** Rows that are left out, and which of them have come or gone since that was asked last. */
export type RejectedRows = {
  readonly verdicts: ReadonlyMap<number, PluginVerdict>
  takeChanged(visit: (row: number) => void): void
}

/**
 * What rows that are kept for nominated pods answer one plan, as if those pods were there. Rows that would take both are not among them.
 *
 *  1. Where the plan looks at nothing but the row (no domain filters), answers are kept, and only rows that changed are asked again.
 *  2. The row that is kept for the asking pod itself answers without it, and is asked again for the next.
 */
export class ReservedRows implements RejectedRows {
  readonly #plan: Plan
  readonly #snapshot: Snapshot
  readonly #nominations: Nominations
  readonly verdicts = new Map<number, PluginVerdict>()
  readonly #changed = new Set<number>()
  #position = -1
  #priority = 0
  /** The row that answered without the last pod that asked. */
  #ownRow = -1

  constructor(plan: Plan, snapshot: Snapshot, nominations: Nominations) {
    this.#plan = plan
    this.#snapshot = snapshot
    this.#nominations = nominations
  }

  /** Itself, as it is for this pod; valid until it is asked again. */
  for(target: Yielding): this {
    const ask = (row: number) => this.#ask(row, target)
    const isKept = this.#plan.domainFilters.length === 0 && this.#priority === target.priority && this.#position >= 0
    const isNear = this.#snapshot.position - this.#position <= this.#snapshot.rowsEnd
    const ownRow = this.#nominations.rowOf(target.key)
    if (!isKept || !isNear || !this.#snapshot.changesSince(this.#position, ask)) {
      for (const row of this.verdicts.keys()) this.#changed.add(row)
      this.verdicts.clear()
      for (const row of this.#nominations.rows()) ask(row)
    } else {
      if (this.#ownRow >= 0) ask(this.#ownRow)
      if (ownRow >= 0) ask(ownRow)
    }
    this.#position = this.#snapshot.position
    this.#priority = target.priority
    this.#ownRow = ownRow
    return this
  }

  #ask(row: number, target: Yielding): void {
    const verdict = this.#nominations.concerns(row, target) ? this.#nominations.verdictOf(this.#plan, row, target) : undefined
    if (this.verdicts.has(row) !== (verdict !== undefined)) this.#changed.add(row)
    if (verdict) this.verdicts.set(row, verdict)
    else this.verdicts.delete(row)
  }

  takeChanged(visit: (row: number) => void): void {
    if (this.#changed.size === 0) return
    for (const row of this.#changed) visit(row)
    this.#changed.clear()
  }
}
