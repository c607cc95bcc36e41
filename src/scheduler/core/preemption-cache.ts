import type { Budget, Candidate } from './preemption.ts'
import type { Snapshot } from './snapshot.ts'

/** What trying one row gave: a candidate, or the reasons why evicting does not help there. */
export type RowAttempt = { readonly candidate: Candidate | undefined; readonly reasons: readonly string[] }

/**
 * Attempts by row for one plan, priority and set of budgets: pods of one shape that preempt one after another try again only
 * the rows that changed in between. Only for plans where a row's answer depends on that row alone.
 */
export class PreemptionCache {
  readonly #snapshot: Snapshot
  #attempts: (RowAttempt | undefined)[] = []
  #position = -1
  #priority = 0
  #budgets: readonly Budget[] = []

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot
  }

  /** Forgets what may have changed. `budgets` are compared by identity of the list, or both empty. */
  catchUp(priority: number, budgets: readonly Budget[]): void {
    const isSame = this.#priority === priority && (this.#budgets === budgets || (this.#budgets.length === 0 && budgets.length === 0))
    const isKnown = isSame && this.#position >= 0
    if (!isKnown || !this.#snapshot.changesSince(this.#position, (row) => (this.#attempts[row] = undefined))) this.#attempts = []
    this.#position = this.#snapshot.position
    this.#priority = priority
    this.#budgets = budgets
  }

  at(row: number): RowAttempt | undefined {
    return this.#attempts[row]
  }

  set(row: number, attempt: RowAttempt): void {
    this.#attempts[row] = attempt
  }
}
