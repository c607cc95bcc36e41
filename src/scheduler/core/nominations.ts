import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { beginFilter, isFeasible, type Plan } from './plan.ts'
import type { Snapshot } from './snapshot.ts'

export type Nomination = { readonly key: string; readonly pod: Pod; readonly nodeName: string; readonly priority: number }

/** Pods that wait for their victims to leave a node: others of no higher priority must leave them that room. */
export class Nominations {
  readonly #snapshot: Snapshot
  readonly #byKey = new Map<string, Nomination>()
  readonly #byNode = new Map<string, readonly Nomination[]>()

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot
  }

  get(key: string): Nomination | undefined {
    return this.#byKey.get(key)
  }

  set(nomination: Nomination): void {
    // Interned now: meeting the shape for the first time within a question would make its plan stale.
    this.#snapshot.shapeOf(nomination.pod)
    this.delete(nomination.key)
    this.#byKey.set(nomination.key, nomination)
    this.#byNode.set(nomination.nodeName, [...this.#on(nomination.nodeName), nomination])
  }

  delete(key: string): void {
    const known = this.#byKey.get(key)
    if (!known) return
    this.#byKey.delete(key)
    const left = this.#on(known.nodeName).filter((other) => other !== known)
    if (left.length > 0) this.#byNode.set(known.nodeName, left)
    else this.#byNode.delete(known.nodeName)
  }

  #on(nodeName: string): readonly Nomination[] {
    return this.#byNode.get(nodeName) ?? []
  }

  /** Whether somebody waits for room on the node. */
  isKept(nodeName: string): boolean {
    return this.#byNode.has(nodeName)
  }

  /** Nominations of lower priority on a node: their room is given away when a stronger pod takes it. */
  below(nodeName: string, priority: number): readonly Nomination[] {
    return this.#on(nodeName).filter((n) => n.priority < priority)
  }

  /** Rows that the pod would only fit on if the pods nominated there (priority ≥ its own) did not come; undefined when none can be. */
  rowsThatReject(plan: Plan, target: { readonly key: string; readonly priority: number }): ReadonlySet<number> | undefined {
    if (this.#byKey.size === 0) return undefined
    const rejecting = new Set<number>()
    for (const row of this.rowsConcerning(target)) {
      const fits = this.withNominated({ row, ...target }, () => {
        beginFilter(plan)
        return isFeasible(plan, row)
      })
      if (!fits) rejecting.add(row)
    }
    return rejecting.size > 0 ? rejecting : undefined
  }

  /** Rows with nominations that the target must yield to. */
  rowsConcerning(target: { readonly key: string; readonly priority: number }): ReadonlySet<number> {
    const rows = new Set<number>()
    for (const nomination of this.#byKey.values()) {
      const row = this.#snapshot.rowOf(nomination.nodeName)
      if (row !== undefined && yieldsTo(target, nomination)) rows.add(row)
    }
    return rows
  }

  /** Runs `question` as if the pods nominated to the row, which the target must yield to, were there already. */
  withNominated<T>(target: { readonly row: number; readonly key: string; readonly priority: number }, question: () => T): T {
    const nodeName = this.#snapshot.nodeName(target.row)
    const there = this.#on(nodeName).filter((n) => yieldsTo(target, n))
    if (there.length === 0) return question()
    return this.#snapshot.whatIf(() => {
      const keys = there.map((n) => this.#snapshot.addPod(`nominated ${n.key}`, n.pod, nodeName).key)
      try {
        return question()
      } finally {
        for (const key of keys) this.#snapshot.removePod(key)
      }
    })
  }
}

function yieldsTo(target: { readonly key: string; readonly priority: number }, nomination: Nomination): boolean {
  return nomination.key !== target.key && nomination.priority >= target.priority
}
