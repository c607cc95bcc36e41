import type { Snapshot } from './snapshot.ts'
import { fails, type StaticRows } from './static-rows.ts'

/** How far back a row may look for one that is like it: past a single neighbour that has changed. */
const backMax = 2
const allLikeBefore = 0x01_01_01_01

/**
 * Which rows are like one just before them, as far as static answers and amounts go (allocatable, requested, pods). In a large cluster
 * that is new most are, and what a new shape makes of one is then true of the others. Kept current by the snapshot's ring.
 */
export class AlikeRows {
  readonly #snapshot: Snapshot
  readonly #static: StaticRows
  /** By row how far back the one like it is, 0: it is like none. */
  readonly #back: Uint8Array
  readonly #words: Int32Array
  #position = -1
  #generation = -1

  constructor(snapshot: Snapshot, staticRows: StaticRows) {
    this.#snapshot = snapshot
    this.#static = staticRows
    const rowsMax = (snapshot.staticVersions.length + 3) & ~3
    this.#back = new Uint8Array(rowsMax)
    this.#words = new Int32Array(this.#back.buffer)
  }

  catchUp(): void {
    const { position, rowsEnd } = this.#snapshot
    const { generation } = this.#static
    const isNear = this.#generation === generation && this.#position >= 0 && position - this.#position <= rowsEnd
    const look = (row: number) => {
      for (let near = row; near <= Math.min(row + backMax, rowsEnd - 1); near++) this.#back[near] = this.#find(near)
    }
    if (!isNear || !this.#snapshot.changesSince(this.#position, look))
      for (let row = 0; row < rowsEnd; row++) this.#back[row] = this.#find(row)
    this.#position = position
    this.#generation = generation
  }

  back(row: number): number {
    return this.#back[row]!
  }

  /** The first row from this one on that is not like the one right before it; at most `end`. */
  nextUnlike(row: number, end: number): number {
    while (row < end && this.#back[row] === 1) {
      if ((row & 3) === 0 && this.#words[row >> 2] === allLikeBefore) row += 4
      else row++
    }
    return Math.min(row, end)
  }

  #find(row: number): number {
    for (let back = 1; back <= Math.min(backMax, row); back++) if (this.#areAlike(row, row - back)) return back
    return 0
  }

  #areAlike(a: number, b: number): boolean {
    const { nodes, nonZeroCpu, nonZeroMemory, podCount, podsMax, requested, allocatable } = this.#snapshot
    if (nodes[a] === undefined || nodes[b] === undefined) return false
    if (podCount[a] !== podCount[b] || podsMax[a] !== podsMax[b]) return false
    if (nonZeroCpu[a] !== nonZeroCpu[b] || nonZeroMemory[a] !== nonZeroMemory[b]) return false
    for (let i = 0; i < requested.length; i++)
      if (requested[i]![a] !== requested[i]![b] || allocatable[i]![a] !== allocatable[i]![b]) return false
    const { generation } = this.#static
    const score = this.#static.score(a)
    // Groups that are numbered anew cannot be compared with older ones.
    if (score !== this.#static.score(b) || this.#static.generation !== generation) return false
    return score === fails || this.#static.group(a) === this.#static.group(b)
  }
}
