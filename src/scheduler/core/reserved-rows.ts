import type { Nominations, Yielding } from './nominations.ts'
import type { Plan, PluginVerdict } from './plan.ts'
import type { Snapshot } from './snapshot.ts'

/**
 * What rows that are kept for nominated pods answer one plan, as if those pods were there. Rows that would take both are not among them.
 *
 *  1. Where the plan looks at nothing but the row (no domain filters), answers are kept, and only rows that changed are asked again.
 *  2. The row that is kept for the asking pod itself answers without it, and is asked again for the next.
 */
export class ReservedRows {
  readonly #plan: Plan
  readonly #snapshot: Snapshot
  readonly #nominations: Nominations
  readonly #verdicts = new Map<number, PluginVerdict>()
  #position = -1
  #priority = 0
  /** The row that answered without the last pod that asked. */
  #ownRow = -1

  constructor(plan: Plan, snapshot: Snapshot, nominations: Nominations) {
    this.#plan = plan
    this.#snapshot = snapshot
    this.#nominations = nominations
  }

  /** Valid until it is asked again. */
  for(target: Yielding): ReadonlyMap<number, PluginVerdict> {
    const ask = (row: number) => this.#ask(row, target)
    const isKept = this.#plan.domainFilters.length === 0 && this.#priority === target.priority && this.#position >= 0
    const isNear = this.#snapshot.position - this.#position <= this.#snapshot.rowsEnd
    const ownRow = this.#nominations.rowOf(target.key)
    if (!isKept || !isNear || !this.#snapshot.changesSince(this.#position, ask)) {
      this.#verdicts.clear()
      for (const row of this.#nominations.rows()) ask(row)
    } else {
      if (this.#ownRow >= 0) ask(this.#ownRow)
      if (ownRow >= 0) ask(ownRow)
    }
    this.#position = this.#snapshot.position
    this.#priority = target.priority
    this.#ownRow = ownRow
    return this.#verdicts
  }

  #ask(row: number, target: Yielding): void {
    const verdict = this.#nominations.concerns(row, target) ? this.#nominations.verdictOf(this.#plan, row, target) : undefined
    if (verdict) this.#verdicts.set(row, verdict)
    else this.#verdicts.delete(row)
  }
}
