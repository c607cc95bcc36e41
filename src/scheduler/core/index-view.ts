import type { Random } from '../../base/random.ts'
import type { CellIndex, Hidden } from './cell-index.ts'
import type { Decision } from './decision.ts'
import type { Plan } from './plan.ts'
import type { RejectedRows } from './reserved-rows.ts'
import type { Snapshot } from './snapshot.ts'

/**
 * One plan's look at an index that others share: rows that its own filters reject, or that are left out for its pod, are hidden from it.
 * What it costs to follow a change is that question and no more; a changed row's scores are computed once, by the index.
 *
 * A row's place in the index changes only together with the row, so the snapshot's ring tells which hidden rows to look at again.
 */
export class IndexView implements Hidden {
  readonly #snapshot: Snapshot
  readonly #index: CellIndex
  readonly #filters: Plan['apartFilters']
  /** By row the set and the cell that it is hidden in, two words each; 0: it is not. */
  #places = new Int32Array(0)
  #size = 0
  bits = new Int32Array(0)
  #inBucket = new Int32Array(64)
  #inCell = new Int32Array(64)
  #position = -1
  #generation = -1
  #excluded: RejectedRows | undefined
  readonly #updateRow = (row: number) => this.#update(row)

  constructor(plan: Plan, snapshot: Snapshot, index: CellIndex) {
    this.#snapshot = snapshot
    this.#index = index
    this.#filters = plan.apartFilters
  }

  /** False when there are too many cells: then use the scan. */
  catchUp(): boolean {
    return this.#index.catchUp()
  }

  /** As `decideByScan`, to the row and the draw. `catchUp` first. Excluded rows count as infeasible. */
  decide(random: Random, excluded?: RejectedRows): Decision {
    this.#hide(excluded)
    return this.#index.decide(random, this.#size > 0 ? this : undefined)
  }

  inBucket(bucket: number): number {
    return this.#inBucket[bucket] ?? 0
  }

  inCell(cell: number): number {
    return this.#inCell[cell] ?? 0
  }

  #hide(excluded: RejectedRows | undefined): void {
    const before = this.#excluded
    this.#excluded = excluded
    if (this.#filters.length > 0 || excluded || this.#size > 0) {
      this.#follow()
      // The next decision mostly leaves the same rows out.
      if (excluded !== before) for (const rejected of [before, excluded]) this.#updateAll(rejected)
      excluded?.takeChanged(this.#updateRow)
    }
    this.#position = this.#snapshot.position
    this.#generation = this.#index.generation
  }

  #updateAll(rejected: RejectedRows | undefined): void {
    for (const row of rejected?.verdicts.keys() ?? []) this.#update(row)
    rejected?.takeChanged(this.#updateRow)
  }

  #follow(): void {
    if (this.#places.length === 0) {
      // Most views never hide anything. The snapshot's columns have one capacity; when it grows, plan and view are made anew.
      const rowsMax = this.#snapshot.staticVersions.length
      this.#places = new Int32Array(rowsMax * 2)
      this.bits = new Int32Array((rowsMax + 31) >> 5)
    }
    const { position, rowsEnd } = this.#snapshot
    const isNear = this.#generation === this.#index.generation && this.#position >= 0 && position - this.#position <= rowsEnd
    if (isNear && this.#snapshot.changesSince(this.#position, this.#updateRow)) return
    for (const counts of [this.#places, this.bits, this.#inBucket, this.#inCell]) counts.fill(0)
    this.#size = 0
    for (let row = 0; row < rowsEnd; row++) this.#update(row)
  }

  #update(row: number): void {
    const bucket = this.#isHidden(row) ? this.#index.bucketOf(row) : 0
    const cell = this.#index.cellOf(bucket)
    const at = row * 2
    const [oldBucket, oldCell] = [this.#places[at]!, this.#places[at + 1]!]
    if (oldBucket === bucket && oldCell === cell) return
    if (oldBucket !== 0) this.#count(oldBucket, oldCell, -1)
    if (bucket !== 0) this.#count(bucket, cell, 1)
    if ((oldBucket === 0) !== (bucket === 0)) this.bits[row >> 5]! ^= 1 << (row & 31)
    this.#places[at] = bucket
    this.#places[at + 1] = cell
  }

  #isHidden(row: number): boolean {
    if (this.#excluded?.verdicts.has(row)) return true
    for (let i = 0; i < this.#filters.length; i++) if (!this.#filters[i]!(row)) return true
    return false
  }

  #count(bucket: number, cell: number, by: 1 | -1): void {
    if (bucket >= this.#inBucket.length) this.#inBucket = longer(this.#inBucket, bucket)
    if (cell >= this.#inCell.length) this.#inCell = longer(this.#inCell, cell)
    this.#inBucket[bucket]! += by
    this.#inCell[cell]! += by
    this.#size += by
  }
}

function longer(counts: Int32Array<ArrayBuffer>, index: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(index * 2)
  larger.set(counts)
  return larger
}
