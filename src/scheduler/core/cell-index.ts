import type { Random } from '../../base/random.ts'
import { assert } from '../../base/assert.ts'
import { type Decision, unplaced } from './decision.ts'
import { beginFilter, emptyRange, normalised, type Plan, type RawScore } from './plan.ts'
import { ignoredRaw } from './plugin.ts'
import { RowSet } from './row-set.ts'
import type { Snapshot } from './snapshot.ts'

/** Past this the cells no longer save work, and the scan is used. */
const cellsMax = 2_048

/** Rows that domain filters and normalised scores cannot tell apart, by their un-normalised score. */
class Cell {
  /** Its place in the list, plus one. */
  readonly id: number
  /** Rows by local score; buckets come and go with their rows. */
  readonly buckets: (RowSet | undefined)[] = []
  size = 0
  /** The highest local score of a row. */
  top = -1
  /** Any row of the cell: what is true of it is true of all. */
  sample = -1
  /** Σ weight × normalised score, of the decision under way. */
  addition = 0

  constructor(id: number) {
    this.id = id
  }
}

/** Offsets within a row's words: its cell's id (0: none), its local score there, the node's version when the static part was computed, the static score. */
const cellAt = 0
const localAt = 1
const seenAt = 2
const staticAt = 3
const rawsAt = 4
/** In place of the static score: a static filter rejects the row. */
const fails = -1

type KeyNode = { readonly next: Map<number, KeyNode>; cell: Cell | undefined }

/**
 * One shape's feasible nodes, grouped so that a decision looks at groups instead of nodes, exactly.
 *
 * 1. Every row that passes the static and usage filters is in one cell; a cell is a tuple of all cell keys and static raws.
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
  readonly #root: KeyNode = { next: new Map(), cell: undefined }
  /** All that is known of a row, side by side: many indexes are visited in turn, and a visit should cost one cache line. */
  readonly #rows: Int32Array
  readonly #stride: number
  readonly #staticRaws: readonly RawScore[]
  readonly #pool: RowSet[] = []
  readonly #feasible: Cell[] = []
  readonly #rowsMax: number
  /** Rows that the last decision left out. */
  #excluded: readonly number[] = []

  constructor(plan: Plan, snapshot: Snapshot) {
    this.#plan = plan
    this.#snapshot = snapshot
    // The snapshot's columns have one capacity; when it grows, the plan and this index are made anew.
    this.#rowsMax = snapshot.staticVersions.length
    this.#staticRaws = plan.rawScores.filter((s) => s.isStatic)
    this.#stride = rawsAt + this.#staticRaws.length
    this.#rows = new Int32Array(this.#rowsMax * this.#stride)
  }

  /** False when there are too many cells: then use the scan. */
  catchUp(): boolean {
    if (this.#isHopeless) return false
    const { position, rowsEnd } = this.#snapshot
    const isFarBehind = this.#position < 0 || position - this.#position > rowsEnd
    if (isFarBehind || !this.#snapshot.changesSince(this.#position, (row) => this.#update(row)))
      for (let row = 0; row < rowsEnd; row++) this.#update(row)
    this.#position = position
    if (this.#cells.length > cellsMax) this.#dropEmptyCells()
    return !this.#isHopeless
  }

  /** Cells stay when their last row leaves, because it often comes back; when there are many, they are made anew. */
  #dropEmptyCells(): void {
    this.#isHopeless = this.#cells.filter((cell) => cell.size > 0).length > cellsMax / 2
    if (this.#isHopeless) return
    for (let row = 0; row < this.#snapshot.rowsEnd; row++) this.#remove(row)
    this.#cells.length = 0
    this.#root.next.clear()
    this.#root.cell = undefined
    for (let row = 0; row < this.#snapshot.rowsEnd; row++) this.#update(row)
  }

  /** As `decideByScan`, to the row and the draw. `catchUp` first. Excluded rows count as infeasible. */
  decide(random: Random, excluded?: ReadonlyMap<number, unknown>): Decision {
    // The next decision mostly leaves the same rows out: only the others come back.
    for (const row of this.#excluded) if (!excluded?.has(row)) this.#update(row)
    this.#excluded = excluded ? [...excluded.keys()] : []
    for (const row of this.#excluded) this.#remove(row)
    return this.#decide(random)
  }

  #decide(random: Random): Decision {
    const feasible = this.#filterCells()
    if (feasible.length === 0) return unplaced
    this.#scoreCells()
    let best = Number.NEGATIVE_INFINITY
    let count = 0
    for (let i = 0; i < feasible.length; i++) {
      const total = feasible[i]!.top + feasible[i]!.addition
      if (total > best) best = total
      count += feasible[i]!.size
    }
    const draw = random.below(this.#snapshot.rowsEnd)
    let [ties, atOrAfter, first] = [0, -1, -1]
    for (let i = 0; i < feasible.length; i++) {
      const cell = feasible[i]!
      if (cell.top + cell.addition !== best) continue
      const bucket = cell.buckets[cell.top]!
      ties += bucket.size
      const later = bucket.firstFrom(draw)
      if (later >= 0 && (atOrAfter < 0 || later < atOrAfter)) atOrAfter = later
      const earliest = bucket.firstFrom(0)
      if (first < 0 || earliest < first) first = earliest
    }
    const row = atOrAfter >= 0 ? atOrAfter : first
    return { kind: 'Placed', row, score: best, feasible: count, ties, draw, best: (max) => this.#best(max) }
  }

  #filterCells(): readonly Cell[] {
    beginFilter(this.#plan)
    const { domainFilters } = this.#plan
    const feasible = this.#feasible
    feasible.length = 0
    for (let i = 0; i < this.#cells.length; i++) {
      const cell = this.#cells[i]!
      if (cell.size === 0) continue
      if (cell.sample < 0) cell.sample = cell.buckets[cell.top]!.firstFrom(0)
      let passes = true
      for (let f = 0; f < domainFilters.length && passes; f++) passes = domainFilters[f]!(cell.sample)
      if (passes) feasible.push(cell)
    }
    return feasible
  }

  #scoreCells(): void {
    const feasible = this.#feasible
    const { rawScores, beginScores } = this.#plan
    for (const cell of feasible) cell.addition = 0
    if (rawScores.length === 0) return
    const groups = { count: feasible.length, row: (i: number) => feasible[i]!.sample, size: (i: number) => feasible[i]!.size }
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
  #best(max: number): readonly { readonly row: number; readonly score: number }[] {
    const cells = [...this.#feasible].sort((a, b) => b.top + b.addition - (a.top + a.addition))
    let rows: { row: number; score: number }[] = []
    for (const cell of cells) {
      const worst = rows.length < max ? Number.NEGATIVE_INFINITY : rows.at(-1)!.score
      if (cell.top + cell.addition < worst) break
      const of = this.#bestOf(cell, max, worst)
      rows = rows.length === 0 ? of : [...rows, ...of].sort((a, b) => b.score - a.score || a.row - b.row).slice(0, max)
    }
    return rows
  }

  #bestOf(cell: Cell, max: number, worst: number): { row: number; score: number }[] {
    const rows: { row: number; score: number }[] = []
    for (let local = cell.top; local >= 0 && rows.length < max && local + cell.addition >= worst; local--) {
      const bucket = cell.buckets[local]
      if (!bucket) continue
      for (let row = bucket.firstFrom(0); row >= 0 && rows.length < max; row = bucket.firstFrom(row + 1))
        rows.push({ row, score: local + cell.addition })
    }
    return rows
  }

  #update(row: number): void {
    const { nodes, staticVersions } = this.#snapshot
    if (nodes[row] === undefined) return this.#remove(row)
    const at = row * this.#stride
    const rows = this.#rows
    if (rows[at + seenAt] !== (staticVersions[row]! | 0)) this.#updateStatic(row, at)
    if (rows[at + staticAt] === fails || !this.#passesUsage(row)) return this.#remove(row)
    let local = rows[at + staticAt]!
    const { usageScores } = this.#plan
    for (let i = 0; i < usageScores.length; i++) local += usageScores[i]!.weight * usageScores[i]!.score(row)
    const cell = this.#locate(row, at)
    if (rows[at + cellAt] === cell.id && rows[at + localAt] === local) return
    this.#remove(row)
    this.#insert(row, cell, local)
  }

  #updateStatic(row: number, at: number): void {
    const { staticFilters, staticScores } = this.#plan
    const rows = this.#rows
    rows[at + seenAt] = this.#snapshot.staticVersions[row]!
    rows[at + staticAt] = fails
    for (let i = 0; i < staticFilters.length; i++) if (!staticFilters[i]!(row)) return
    let score = 0
    for (const s of staticScores) score += s.weight * s.score(row)
    rows[at + staticAt] = score
    this.#staticRaws.forEach((s, i) => (rows[at + rawsAt + i] = s.raw(row)))
  }

  #passesUsage(row: number): boolean {
    const { usageFilters } = this.#plan
    for (let i = 0; i < usageFilters.length; i++) if (!usageFilters[i]!(row)) return false
    return true
  }

  #locate(row: number, at: number): Cell {
    let node = this.#root
    const { cellKeys } = this.#plan
    for (let i = 0; i < cellKeys.length; i++) node = nextNode(node, cellKeys[i]!(row))
    for (let i = 0; i < this.#staticRaws.length; i++) node = nextNode(node, this.#rows[at + rawsAt + i]!)
    if (!node.cell) {
      this.#cells.push((node.cell = new Cell(this.#cells.length + 1)))
    }
    return node.cell
  }

  #insert(row: number, cell: Cell, local: number): void {
    assert(Number.isInteger(local) && local >= 0, `a local score must be a whole number ≥ 0, not ${local}`)
    const bucket = (cell.buckets[local] ??= this.#pool.pop() ?? new RowSet(this.#rowsMax))
    bucket.add(row)
    cell.size++
    if (local > cell.top) cell.top = local
    if (cell.sample < 0) cell.sample = row
    const at = row * this.#stride
    this.#rows[at + cellAt] = cell.id
    this.#rows[at + localAt] = local
  }

  #remove(row: number): void {
    const at = row * this.#stride
    const id = this.#rows[at + cellAt]!
    if (id === 0) return
    this.#rows[at + cellAt] = 0
    const cell = this.#cells[id - 1]!
    const local = this.#rows[at + localAt]!
    const bucket = cell.buckets[local]!
    bucket.delete(row)
    cell.size--
    if (cell.sample === row) cell.sample = -1
    if (bucket.size > 0) return
    cell.buckets[local] = undefined
    this.#pool.push(bucket)
    if (local === cell.top) while (cell.top >= 0 && cell.buckets[cell.top] === undefined) cell.top--
  }
}

function nextNode(node: KeyNode, key: number): KeyNode {
  let next = node.next.get(key)
  if (!next) node.next.set(key, (next = { next: new Map(), cell: undefined }))
  return next
}
