import type { LabelColumn } from './label-column.ts'
import type { PodShape } from './pod-shape.ts'

/** One entry of a shape's contribution to the counters. */
export type Bump = { readonly counter: DomainCounter; readonly weight: number }

/** How many (or what weight of) assigned pods lie in each domain of a topology key. */
export type CounterSpec = {
  /** Interning key: equal keys mean equal counters. */
  readonly key: string
  readonly topologyKey: string
  /** The weight of a pod of this shape; 0: not counted. Must depend on the shape and namespace labels only. */
  readonly weight: (shape: PodShape) => number
  /** Pods that are being deleted do not count (topology spread). */
  readonly skipsTerminating: boolean
  /** Only pods on such rows count; by the node object alone. */
  readonly includesRow?: (row: number) => boolean
  /** Set where assigned pods count as owners of a term: what an incoming pod must match for the count to concern it. */
  readonly owned?: { readonly kind: OwnedKind; readonly matches: (pod: PodShape) => boolean }
}

/** Required terms (`affinity`, `antiAffinity`) are counted; of preferred ones the weights are summed, those of anti-affinity below 0. */
export type OwnedKind = 'antiAffinity' | 'affinity' | 'preferred'

export type CounterWatcher = { changed(id: number, old: number, current: number): void; cleared(): void }

export class DomainCounter {
  readonly spec: CounterSpec
  readonly column: LabelColumn
  /** No other counter of the snapshot has it. */
  readonly id: number
  /** By value id of the column; weights are whole numbers. */
  counts = new Int32Array(64)
  total = 0
  /** Told of every change of a count; kept by whoever needs the minimum. */
  watcher: CounterWatcher | undefined
  /** Rows with a count as bits, once asked for: those of many counters are looked at in turn, and a count is thirty times as large. */
  #occupied: Int32Array | undefined
  #occupiedSince = -1

  constructor(spec: CounterSpec, column: LabelColumn, id: number) {
    this.spec = spec
    this.id = id
    this.column = column
  }

  /** Rows without the label belong to no domain: nothing is counted there. */
  add(row: number, weight: number): void {
    const id = this.column.ids[row]!
    if (id === 0 || (this.spec.includesRow && !this.spec.includesRow(row))) return
    if (id >= this.counts.length) this.#grow(id)
    const old = this.counts[id]!
    this.counts[id] = old + weight
    this.total += weight
    if (this.#occupied && (old === 0) !== (old + weight === 0)) this.#occupied[row >> 5]! ^= 1 << (row & 31)
    this.watcher?.changed(id, old, old + weight)
  }

  /** In the row's own domain; 0 where it has none. */
  at(row: number): number {
    return this.counts[this.column.ids[row]!] ?? 0
  }

  /** For `isAt`, of a column that is per row: to be called for each version of the layout. */
  trackRows({ rowsMax, layoutVersion }: { readonly rowsMax: number; readonly layoutVersion: number }): void {
    if (this.#occupiedSince === layoutVersion) return
    this.#occupiedSince = layoutVersion
    this.#occupied = new Int32Array((rowsMax + 31) >> 5)
    for (let row = 0; row < rowsMax; row++) if (this.at(row) !== 0) this.#occupied[row >> 5]! |= 1 << (row & 31)
  }

  /** Whether something is counted in the row's own domain. */
  isAt(row: number): boolean {
    return (this.#occupied![row >> 5]! & (1 << (row & 31))) !== 0
  }

  clear(): void {
    this.counts.fill(0)
    this.#occupied?.fill(0)
    this.total = 0
    this.watcher?.cleared()
  }

  #grow(id: number): void {
    const larger = new Int32Array(Math.max(id + 1, this.counts.length * 2))
    larger.set(this.counts)
    this.counts = larger
  }
}
