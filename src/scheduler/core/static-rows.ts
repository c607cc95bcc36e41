import type { Plan, RawScore } from './plan.ts'
import type { Snapshot } from './snapshot.ts'

/** Offsets within a row's words: the node's version when they were computed, the sum of static scores, the raw ones. */
const scoreAt = 1
const rawsAt = 2
/** In place of the score: a static filter rejects the row. */
export const fails = -1

/** What one plan says of each node by the node alone, computed anew when the node has changed. Plans that agree in it share it. */
export class StaticRows {
  readonly #plan: Plan
  readonly #snapshot: Snapshot
  readonly #raws: readonly RawScore[]
  readonly #stride: number
  readonly #words: Int32Array

  constructor(plan: Plan, snapshot: Snapshot) {
    this.#plan = plan
    this.#snapshot = snapshot
    this.#raws = plan.rawScores.filter((s) => s.isStatic)
    this.#stride = rawsAt + this.#raws.length
    this.#words = new Int32Array(snapshot.staticVersions.length * this.#stride)
  }

  get rawCount(): number {
    return this.#raws.length
  }

  /** Σ weight × static score, or `fails`. */
  score(row: number): number {
    const at = row * this.#stride
    if (this.#words[at] !== (this.#snapshot.staticVersions[row]! | 0)) this.#compute(row, at)
    return this.#words[at + scoreAt]!
  }

  /** The static raw score of that place in the plan's order. `score` first. */
  raw(row: number, index: number): number {
    return this.#words[row * this.#stride + rawsAt + index]!
  }

  #compute(row: number, at: number): void {
    const { staticFilters, staticScores } = this.#plan
    const words = this.#words
    words[at] = this.#snapshot.staticVersions[row]!
    words[at + scoreAt] = fails
    for (let i = 0; i < staticFilters.length; i++) if (!staticFilters[i]!(row)) return
    let score = 0
    for (const s of staticScores) score += s.weight * s.score(row)
    words[at + scoreAt] = score
    this.#raws.forEach((s, i) => (words[at + rawsAt + i] = s.raw(row)))
  }
}
