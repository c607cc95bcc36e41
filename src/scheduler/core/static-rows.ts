import type { Plan, RawScore } from './plan.ts'
import type { Snapshot } from './snapshot.ts'

/** Words of a row: the node's version when they were computed, the sum of static scores, the group. */
const stride = 3
const scoreAt = 1
const groupAt = 2
/** So many groups are kept at least; nodes come and go, and with them their scores. */
const groupsMin = 4_096
/** In place of the score: a static filter rejects the row. */
export const fails = -1

/** What one plan says of each node by the node alone, computed anew when the node has changed. Plans that agree in it share it. */
export class StaticRows {
  readonly #plan: Plan
  readonly #snapshot: Snapshot
  readonly #raws: readonly RawScore[]
  readonly #groups = new Map<string, number>()
  readonly #words: Int32Array
  /** Grows when groups are numbered anew. */
  generation = 0

  constructor(plan: Plan, snapshot: Snapshot) {
    this.#plan = plan
    this.#snapshot = snapshot
    this.#raws = plan.rawScores.filter((s) => s.isStatic)
    this.#words = new Int32Array(snapshot.staticVersions.length * stride)
  }

  /** Σ weight × static score, or `fails`. */
  score(row: number): number {
    const at = row * stride
    if (this.#words[at] !== (this.#snapshot.staticVersions[row]! | 0)) this.#compute(row, at)
    return this.#words[at + scoreAt]!
  }

  /** A small number, the same for rows with the same static raw scores. `score` first. */
  group(row: number): number {
    return this.#words[row * stride + groupAt]!
  }

  #compute(row: number, at: number): void {
    const { staticFilters, staticScores } = this.#plan
    const words = this.#words
    const version = this.#snapshot.staticVersions[row]!
    words[at] = version
    words[at + scoreAt] = fails
    for (let i = 0; i < staticFilters.length; i++) if (!staticFilters[i]!(row)) return
    let score = 0
    for (const s of staticScores) score += s.weight * s.score(row)
    // The first: it may forget all rows.
    words[at + groupAt] = this.#groupOf(this.#raws.map((s) => s.raw(row)).join(' '))
    words[at] = version
    words[at + scoreAt] = score
  }

  #groupOf(raws: string): number {
    const known = this.#groups.get(raws)
    if (known !== undefined) return known
    if (this.#groups.size >= Math.max(groupsMin, 2 * this.#snapshot.rowsEnd)) {
      this.#groups.clear()
      this.#words.fill(0)
      this.generation++
    }
    this.#groups.set(raws, this.#groups.size)
    return this.#groups.size - 1
  }
}
