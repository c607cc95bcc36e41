import { BinaryHeap } from '../binary-heap.ts'
import { type Budget, type Candidate, isBetter } from './preemption.ts'
import type { Snapshot } from './snapshot.ts'

/** What trying one row gave: a candidate, or the reasons why evicting does not help there. */
export type RowAttempt = { readonly candidate: Candidate | undefined; readonly reasons: readonly string[] }

export const noVictims = 'No preemption victims found for incoming pod'
export const withoutVictims: RowAttempt = { candidate: undefined, reasons: [noVictims] }

/** Who asks, beside the plan: with the same of all these a row that has not changed answers the same. */
export type Asking = {
  readonly priority: number
  /** Compared by identity of the list, or both empty. */
  readonly budgets: readonly Budget[]
  /** The row that is kept for the asking pod itself, −1: none. It answers for this pod alone. */
  readonly ownRow: number
}

/**
 * Attempts by row for one plan, with the best candidate and the sum of the reasons always at hand: pods of one shape that preempt one after
 * another try again only the rows that changed in between. Only for plans where a row's answer depends on that row alone.
 */
export class PreemptionCache {
  readonly #snapshot: Snapshot
  readonly #attempts: (RowAttempt | undefined)[] = []
  /** Also of attempts that are out of date: those are thrown away when they come up. */
  #best = newHeap()
  readonly #reasons = new Map<string, number>()
  #position = -1
  #asking: Asking = { priority: 0, budgets: [], ownRow: -1 }
  readonly #stale = new Set<number>()

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot
  }

  /** `attempt`: tries a row, undefined for one where eviction cannot help. */
  catchUp(asking: Asking, attempt: (row: number) => RowAttempt | undefined): void {
    const old = this.#asking
    const isSame = old.priority === asking.priority && (old.budgets === asking.budgets || old.budgets.length + asking.budgets.length === 0)
    const { position, rowsEnd } = this.#snapshot
    const isNear = isSame && this.#position >= 0 && position - this.#position <= rowsEnd
    const stale = this.#stale
    if (!isNear || !this.#snapshot.changesSince(this.#position, (row) => stale.add(row)))
      for (let row = 0; row < rowsEnd; row++) stale.add(row)
    for (const row of [old.ownRow, asking.ownRow]) if (row >= 0) stale.add(row)
    for (const row of stale) this.#set(row, attempt(row))
    stale.clear()
    this.#position = position
    this.#asking = asking
    if (this.#best.size > 64 + 4 * rowsEnd) this.#sortAnew()
  }

  at(row: number): RowAttempt | undefined {
    return this.#attempts[row]
  }

  /** Of equals that of the first row. */
  best(): Candidate | undefined {
    for (let top = this.#best.peek(); top; top = this.#best.peek()) {
      if (this.#attempts[top.row]?.candidate === top) return top
      this.#best.pop()
    }
    return undefined
  }

  /** How many rows give each reason. */
  reasons(): ReadonlyMap<string, number> {
    return this.#reasons
  }

  #set(row: number, attempt: RowAttempt | undefined): void {
    const old = this.#attempts[row]
    if (old === attempt) return
    this.#attempts[row] = attempt
    if (old) this.#count(old, -1)
    if (attempt) this.#count(attempt, 1)
    if (attempt?.candidate && attempt.candidate.victims.length > 0) this.#best.push(attempt.candidate)
  }

  #count(attempt: RowAttempt, by: 1 | -1): void {
    for (const reason of reasonsOf(attempt)) {
      const count = (this.#reasons.get(reason) ?? 0) + by
      if (count === 0) this.#reasons.delete(reason)
      else this.#reasons.set(reason, count)
    }
  }

  #sortAnew(): void {
    this.#best = newHeap()
    for (const attempt of this.#attempts) if (attempt?.candidate && attempt.candidate.victims.length > 0) this.#best.push(attempt.candidate)
  }
}

const newHeap = () => new BinaryHeap<Candidate>((a, b) => isBetter(a, b) || (a.row < b.row && !isBetter(b, a)))

/** Why the row is no help, if so. Where the pod fits as it is, what keeps it away (an extender) is not for victims to settle. */
export function reasonsOf({ candidate, reasons }: RowAttempt): readonly string[] {
  return candidate?.victims.length === 0 ? withoutVictims.reasons : candidate ? [] : reasons
}
