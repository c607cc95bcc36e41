import { type Plan, type PluginVerdict, verdictOf } from './plan.ts'
import type { Snapshot } from './snapshot.ts'

/**
 * Each row's verdict for one plan without domain filters, kept current by the snapshot's ring, and counted: an unschedulable
 * pod that looks like the last one costs as many steps as rows have changed since.
 */
export class RowVerdicts {
  readonly #plan: Plan
  readonly #snapshot: Snapshot
  readonly #of: (PluginVerdict | undefined)[] = []
  readonly #counts = new Map<PluginVerdict, number>()
  #position = -1

  constructor(plan: Plan, snapshot: Snapshot) {
    this.#plan = plan
    this.#snapshot = snapshot
  }

  catchUp(): void {
    const { position, rowsEnd } = this.#snapshot
    const isFarBehind = this.#position < 0 || position - this.#position > rowsEnd
    if (isFarBehind || !this.#snapshot.changesSince(this.#position, (row) => this.#update(row)))
      for (let row = 0; row < rowsEnd; row++) this.#update(row)
    this.#position = position
  }

  /** Undefined for rows that the plan accepts, and for rows without a node. */
  at(row: number): PluginVerdict | undefined {
    return this.#of[row]
  }

  counts(): ReadonlyMap<PluginVerdict, number> {
    return this.#counts
  }

  #update(row: number): void {
    const verdict = this.#snapshot.nodes[row] ? verdictOf(this.#plan, row) : undefined
    const old = this.#of[row]
    if (old === verdict) return
    this.#of[row] = verdict
    if (old) this.#count(old, -1)
    if (verdict) this.#count(verdict, 1)
  }

  #count(verdict: PluginVerdict, by: 1 | -1): void {
    const count = (this.#counts.get(verdict) ?? 0) + by
    if (count === 0) this.#counts.delete(verdict)
    else this.#counts.set(verdict, count)
  }
}
