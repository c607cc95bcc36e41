import type { Random } from '../../base/random.ts'
import { assert } from '../../base/assert.ts'
import type { AlikeRows } from './alike-rows.ts'
import { type Decision, unplaced } from './decision.ts'
import { beginFilter, emptyRange, normalised, type Plan } from './plan.ts'
import { ignoredRaw } from './plugin.ts'
import { RowBuckets } from './row-buckets.ts'
import type { Snapshot } from './snapshot.ts'
import { fails, type StaticRows } from './static-rows.ts'

/** Past this the cells no longer save work, and the scan is used. */
const cellsMax = 2_048
/** Changed rows from which on it pays to fetch all sets first, and how many rows' sets are in one line of the cache. */
const fetchMin = 64
const rowsPerLine = 32

/** Rows that domain filters and normalised scores cannot tell apart, by their un-normalised score. */
class Cell {
  /** Its place in the list, plus one. */
  readonly id: number
  /** Sets of rows by local score, 0 where there is no row; they come and go with their rows. */
  readonly buckets: number[] = []
  size = 0
  /** The highest local score of a row. */
  top = -1
  /** Any row of the cell: what is true of it is true of all. */
  sample = -1
  /** Of the decision under way: what of it is not hidden, the highest local score there, Σ weight × normalised score. */
  visible = 0
  visibleTop = -1
  addition = 0

  constructor(id: number) {
    this.id = id
  }
}

type KeyNode = { readonly next: Map<number, KeyNode>; cell: Cell | undefined }

/** Rows that count as infeasible for whoever asks. */
export type Hidden = {
  readonly bits: Int32Array
  inBucket(bucket: number): number
  /** By the cell's id. */
  inCell(cell: number): number
}

/**
 * The feasible nodes of shapes that agree in all but filters that are kept apart (core/index-view.ts), grouped so that a decision looks at groups instead of nodes, exactly.
 *
 * 1. Every row that passes the static and usage filters, but those that are kept apart, is in one cell; a cell is a tuple of all cell keys and static raws.
 * 2. Within a cell, rows lie in buckets by the sum of their un-normalised scores.
 * 3. A row is looked at again only when the snapshot's ring says that it changed; the static part only when its node did.
 * 4. Domain filters, raw scores and min/max run over cells with any of its rows, which is exact by the plugins' invariant 1.
 */
export class CellIndex {
  readonly #plan: Plan
  readonly #snapshot: Snapshot
  #position = -1
  #isHopeless = false
  readonly #cells: Cell[] = []
  /** By the group of static raw scores. */
  readonly #roots: KeyNode[] = []
  #groupsSeen = 0
  readonly #static: StaticRows
  readonly #alike: AlikeRows
  /** All cells' rows, and by the number of a set the cell and the local score that its rows have. */
  readonly #buckets: RowBuckets
  readonly #cellOf: (Cell | undefined)[] = [undefined]
  readonly #localOf: number[] = [0]
  /** The set that a row is in, 0: none. Little for each row: many indexes are visited in turn. */
  readonly #bucketOf: Int32Array | Uint16Array
  readonly #feasible: Cell[] = []
  /** Grows when cells and sets are made anew: no row is then where it was. */
  generation = 0
  readonly #updateRow = (row: number) => this.#update(row)

  constructor(plan: Plan, snapshot: Snapshot, { rows, alike }: { readonly rows: StaticRows; readonly alike: AlikeRows }) {
    this.#plan = plan
    this.#snapshot = snapshot
    this.#static = rows
    this.#alike = alike
    this.#groupsSeen = rows.generation
    // The snapshot's columns have one capacity; when it grows, the plan and this index are made anew.
    const rowsMax = snapshot.staticVersions.length
    this.#buckets = new RowBuckets(rowsMax)
    // There are no more sets than rows.
    this.#bucketOf = rowsMax < 1 << 16 ? new Uint16Array(rowsMax) : new Int32Array(rowsMax)
  }

  /** False when there are too many cells: then use the scan. */
  catchUp(): boolean {
    if (this.#isHopeless) return false
    const { position, rowsEnd } = this.#snapshot
    const changes = position - this.#position
    if (this.#position >= 0 && changes > fetchMin) this.#fetchSets()
    if (this.#position < 0) this.#fill()
    else if (changes > rowsEnd || !this.#snapshot.changesSince(this.#position, this.#updateRow))
      for (let row = 0; row < rowsEnd; row++) this.#update(row)
    this.#position = position
    if (this.#cells.length > cellsMax || this.#groupsSeen !== this.#static.generation) this.#dropEmptyCells()
    return !this.#isHopeless
  }

  /**
   * Reads a word of every cache line of the rows' sets. Where hundreds of indexes are visited in turn those have left the cache, and every
   * changed row would wait for memory; read in order they come together, and a visit takes a third less.
   */
  #fetchSets(): void {
    let sum = 0
    for (let row = 0; row < this.#bucketOf.length; row += rowsPerLine) sum += this.#bucketOf[row]!
    assert(sum >= 0, 'sets are counted from 0')
  }

  /** Cells stay when their last row leaves, because it often comes back; when there are many, or groups have other numbers, they are made anew. */
  #dropEmptyCells(): void {
    this.#isHopeless = this.#cells.filter((cell) => cell.size > 0).length > cellsMax / 2
    if (this.#isHopeless) return
    for (let row = 0; row < this.#snapshot.rowsEnd; row++) this.#remove(row)
    this.generation++
    this.#groupsSeen = this.#static.generation
    this.#cells.length = 0
    this.#roots.length = 0
    this.#fill()
  }

  /** The set that the row is in, 0: none. */
  bucketOf(row: number): number {
    return this.#bucketOf[row]!
  }

  /** The id of the cell that the set belongs to now, 0: none. */
  cellOf(bucket: number): number {
    return this.#cellOf[bucket]?.id ?? 0
  }

  /** As `decideByScan`, to the row and the draw. `catchUp` first. */
  decide(random: Random, hidden: Hidden | undefined): Decision {
    const feasible = this.#filterCells(hidden)
    if (feasible.length === 0) return unplaced
    this.#scoreCells()
    let best = Number.NEGATIVE_INFINITY
    let count = 0
    for (let i = 0; i < feasible.length; i++) {
      const total = feasible[i]!.visibleTop + feasible[i]!.addition
      if (total > best) best = total
      count += feasible[i]!.visible
    }
    const draw = random.below(this.#snapshot.rowsEnd)
    let [ties, atOrAfter, first] = [0, -1, -1]
    for (let i = 0; i < feasible.length; i++) {
      const cell = feasible[i]!
      if (cell.visibleTop + cell.addition !== best) continue
      const bucket = cell.buckets[cell.visibleTop]!
      ties += this.#buckets.size(bucket) - (hidden?.inBucket(bucket) ?? 0)
      const later = this.#buckets.firstFrom(bucket, draw, hidden?.bits)
      if (later >= 0 && (atOrAfter < 0 || later < atOrAfter)) atOrAfter = later
      const earliest = later >= 0 ? later : this.#buckets.firstFrom(bucket, 0, hidden?.bits)
      if (first < 0 || earliest < first) first = earliest
    }
    const row = atOrAfter >= 0 ? atOrAfter : first
    return { kind: 'Placed', row, score: best, feasible: count, ties, draw, best: (max) => this.#best(max, hidden?.bits) }
  }

  #filterCells(hidden: Hidden | undefined): readonly Cell[] {
    beginFilter(this.#plan)
    const { domainFilters } = this.#plan
    const feasible = this.#feasible
    feasible.length = 0
    for (let i = 0; i < this.#cells.length; i++) {
      const cell = this.#cells[i]!
      cell.visible = hidden ? cell.size - hidden.inCell(cell.id) : cell.size
      if (cell.visible === 0) continue
      if (cell.sample < 0) cell.sample = this.#buckets.firstFrom(cell.buckets[cell.top]!, 0)
      let passes = true
      for (let f = 0; f < domainFilters.length && passes; f++) passes = domainFilters[f]!(cell.sample)
      if (!passes) continue
      cell.visibleTop = hidden ? this.#visibleTop(cell, hidden) : cell.top
      feasible.push(cell)
    }
    return feasible
  }

  #visibleTop({ buckets, top }: Cell, hidden: Hidden): number {
    for (let local = top; ; local--) {
      const bucket = buckets[local] ?? 0
      if (bucket !== 0 && this.#buckets.size(bucket) > hidden.inBucket(bucket)) return local
    }
  }

  #scoreCells(): void {
    const feasible = this.#feasible
    const { rawScores, beginScores } = this.#plan
    for (const cell of feasible) cell.addition = 0
    if (rawScores.length === 0) return
    const groups = { count: feasible.length, row: (i: number) => feasible[i]!.sample, size: (i: number) => feasible[i]!.visible }
    for (const begin of beginScores) begin(groups)
    for (const score of rawScores) {
      const range = emptyRange()
      let isFirst = true
      for (const cell of feasible) {
        const raw = score.raw(cell.sample)
        if (raw === ignoredRaw) continue
        if (raw < range.min) range.min = raw
        if (isFirst || raw > range.max) range.max = raw
        isFirst = false
      }
      for (const cell of feasible) cell.addition += score.weight * normalised(score, score.raw(cell.sample), range)
    }
  }

  /** The best rows, of the decision just taken. */
  #best(max: number, without: Int32Array | undefined): readonly { readonly row: number; readonly score: number }[] {
    const cells = [...this.#feasible].sort((a, b) => b.visibleTop + b.addition - (a.visibleTop + a.addition))
    let rows: { row: number; score: number }[] = []
    for (const cell of cells) {
      const worst = rows.length < max ? Number.NEGATIVE_INFINITY : rows.at(-1)!.score
      if (cell.visibleTop + cell.addition < worst) break
      const of = this.#bestOf(cell, { max, worst, without })
      rows = rows.length === 0 ? of : [...rows, ...of].sort((a, b) => b.score - a.score || a.row - b.row).slice(0, max)
    }
    return rows
  }

  #bestOf(
    cell: Cell,
    { max, worst, without }: { readonly max: number; readonly worst: number; readonly without: Int32Array | undefined },
  ): { row: number; score: number }[] {
    const rows: { row: number; score: number }[] = []
    for (let local = cell.visibleTop; local >= 0 && rows.length < max && local + cell.addition >= worst; local--) {
      const bucket = cell.buckets[local] ?? 0
      if (bucket === 0) continue
      for (
        let row = this.#buckets.firstFrom(bucket, 0, without);
        row >= 0 && rows.length < max;
        row = this.#buckets.firstFrom(bucket, row + 1, without)
      )
        rows.push({ row, score: local + cell.addition })
    }
    return rows
  }

  /** Of rows that are alike the first answers for the others. The index is empty. */
  #fill(): void {
    const { rowsEnd } = this.#snapshot
    const alike = this.#plan.readsAmounts ? this.#alike : undefined
    alike?.catchUp()
    for (let row = 0; row < rowsEnd; ) {
      const back = alike?.back(row) ?? 0
      const end = alike && back > 0 ? alike.nextUnlike(row + 1, rowsEnd) : row + 1
      if (back === 0) this.#update(row)
      else this.#placeAlike(this.#bucketOf[row - back]!, row, end)
      row = end
    }
  }

  #placeAlike(bucket: number, from: number, end: number): void {
    if (bucket === 0) return
    this.#buckets.addRange(bucket, from, end)
    this.#bucketOf.fill(bucket, from, end)
    this.#cellOf[bucket]!.size += end - from
  }

  #update(row: number): void {
    if (this.#snapshot.nodes[row] === undefined) return this.#remove(row)
    let local = this.#static.score(row)
    if (local === fails) return this.#remove(row)
    const { indexFilters, usageScores } = this.#plan
    for (let i = 0; i < indexFilters.length; i++) if (!indexFilters[i]!(row)) return this.#remove(row)
    for (let i = 0; i < usageScores.length; i++) local += usageScores[i]!.weight * usageScores[i]!.score(row)
    const cell = this.#locate(row)
    const bucket = this.#bucketOf[row]!
    if (bucket !== 0 && this.#cellOf[bucket] === cell && this.#localOf[bucket] === local) return
    this.#remove(row)
    this.#insert(row, cell, local)
  }

  #locate(row: number): Cell {
    const group = this.#static.group(row)
    let node = (this.#roots[group] ??= { next: new Map(), cell: undefined })
    const { cellKeys } = this.#plan
    for (let i = 0; i < cellKeys.length; i++) node = nextNode(node, cellKeys[i]!(row))
    if (!node.cell) this.#cells.push((node.cell = new Cell(this.#cells.length + 1)))
    return node.cell
  }

  #insert(row: number, cell: Cell, local: number): void {
    let bucket = cell.buckets[local] ?? 0
    if (bucket === 0) {
      assert(Number.isInteger(local) && local >= 0, `a local score must be a whole number ≥ 0, not ${local}`)
      bucket = cell.buckets[local] = this.#buckets.take()
      this.#cellOf[bucket] = cell
      this.#localOf[bucket] = local
    }
    this.#buckets.add(bucket, row)
    this.#bucketOf[row] = bucket
    cell.size++
    if (local > cell.top) cell.top = local
    if (cell.sample < 0) cell.sample = row
  }

  #remove(row: number): void {
    const bucket = this.#bucketOf[row]!
    if (bucket === 0) return
    this.#bucketOf[row] = 0
    const cell = this.#cellOf[bucket]!
    cell.size--
    if (cell.sample === row) cell.sample = -1
    if (this.#buckets.delete(bucket, row) > 0) return
    const local = this.#localOf[bucket]!
    cell.buckets[local] = 0
    this.#cellOf[bucket] = undefined
    this.#buckets.release(bucket)
    if (local === cell.top) while (cell.top >= 0 && !cell.buckets[cell.top]) cell.top--
  }
}

function nextNode(node: KeyNode, key: number): KeyNode {
  let next = node.next.get(key)
  if (!next) node.next.set(key, (next = { next: new Map(), cell: undefined }))
  return next
}
