import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { beginFilter, isFeasible, type Plan, type PluginVerdict, verdictOf } from './plan.ts'
import type { PodShape } from './pod-shape.ts'
import type { Snapshot } from './snapshot.ts'

export type Nomination = {
  readonly key: string
  readonly pod: Pod
  readonly nodeName: string
  readonly priority: number
  /** Keys of the victims that have not left yet; absent where it is not known who leaves (after a restart). */
  readonly leaving?: Set<string>
}
type Known = Nomination & { readonly shape: PodShape }

/** Who asks: a pod yields neither to itself nor to weaker ones. */
export type Yielding = { readonly key: string; readonly priority: number }

/**
 * Pods that wait for their victims to leave a node: others of no higher priority must leave them that room.
 *
 * A nomination that comes or goes is a change of its row like any other: what is remembered of the row is looked at anew.
 */
export class Nominations {
  readonly #snapshot: Snapshot
  readonly #byKey = new Map<string, Known>()
  readonly #byNode = new Map<string, readonly Known[]>()

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot
  }

  get size(): number {
    return this.#byKey.size
  }

  get(key: string): Nomination | undefined {
    return this.#byKey.get(key)
  }

  set(nomination: Nomination): void {
    // Interned now: meeting the shape for the first time within a question would make its plan stale.
    const shape = this.#snapshot.shapeOf(nomination.pod)
    this.delete(nomination.key)
    // A shape that somebody uses is not dropped.
    shape.podCount++
    const known = { ...nomination, shape }
    this.#byKey.set(nomination.key, known)
    this.#byNode.set(nomination.nodeName, [...this.#on(nomination.nodeName), known])
    this.#snapshot.touchNode(nomination.nodeName)
  }

  delete(key: string): void {
    const known = this.#byKey.get(key)
    if (!known) return
    known.shape.podCount--
    this.#byKey.delete(key)
    const left = this.#on(known.nodeName).filter((other) => other !== known)
    if (left.length > 0) this.#byNode.set(known.nodeName, left)
    else this.#byNode.delete(known.nodeName)
    this.#snapshot.touchNode(known.nodeName)
  }

  #on(nodeName: string): readonly Known[] {
    return this.#byNode.get(nodeName) ?? []
  }

  /** A pod has left the node, or will not. Keys of pods that wait for it or for nobody else any more. */
  settle(nodeName: string, victim: string): readonly string[] {
    const ready: string[] = []
    for (const { key, leaving } of this.#on(nodeName)) {
      leaving?.delete(victim)
      if (leaving?.size === 0) ready.push(key)
    }
    return ready
  }

  /** Those on the node that the pod must yield to. */
  keysOn(nodeName: string, target: Yielding): readonly string[] {
    return this.#on(nodeName)
      .filter((n) => yieldsTo(target, n))
      .map((n) => n.key)
  }

  /** Whether somebody waits for room on the node. */
  isKept(nodeName: string): boolean {
    return this.#byNode.has(nodeName)
  }

  /** The node that is kept for the pod, −1 where there is none. */
  rowOf(key: string): number {
    const known = this.#byKey.get(key)
    return (known && this.#snapshot.rowOf(known.nodeName)) ?? -1
  }

  /** Rows with nominations, whoever asks. */
  rows(): readonly number[] {
    return [...this.#byNode.keys()].flatMap((nodeName) => this.#snapshot.rowOf(nodeName) ?? [])
  }

  /** Nominations of lower priority on a node: their room is given away when a stronger pod takes it. */
  below(nodeName: string, priority: number): readonly Nomination[] {
    return this.#on(nodeName).filter((n) => n.priority < priority)
  }

  /** Whether the row takes the pod if those came that are nominated there and that it must yield to. */
  isFeasible(plan: Plan, row: number, target: Yielding): boolean {
    return this.withNominated({ row, ...target }, () => {
      beginFilter(plan)
      return isFeasible(plan, row)
    })
  }

  /** Why it does not, if so. */
  verdictOf(plan: Plan, row: number, target: Yielding): PluginVerdict | undefined {
    return this.withNominated({ row, ...target }, () => {
      beginFilter(plan)
      return verdictOf(plan, row)
    })
  }

  /** Whether there is somebody on the row whom the target must yield to. */
  concerns(row: number, target: Yielding): boolean {
    return this.#on(this.#snapshot.nodeName(row)).some((n) => yieldsTo(target, n))
  }

  /** Runs `question`, which asks filters about the row, as if the pods that are nominated there were there already. */
  withNominated<T>(target: Yielding & { readonly row: number }, question: () => T): T {
    const { row } = target
    const there = this.#on(this.#snapshot.nodeName(row)).filter((n) => yieldsTo(target, n))
    if (there.length === 0) return question()
    return this.#snapshot.suppose(() => {
      const ghosts = there.map(({ shape }) => this.#snapshot.addGhost(shape, row, false))
      try {
        return question()
      } finally {
        for (const ghost of ghosts) this.#snapshot.lift(ghost)
      }
    })
  }
}

function yieldsTo(target: Yielding, nomination: Nomination): boolean {
  return nomination.key !== target.key && nomination.priority >= target.priority
}
