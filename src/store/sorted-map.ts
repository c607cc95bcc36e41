import { assert } from '../base/assert.ts'

/**
 * A map whose keys can be read in order from any point. Keys lie in blocks of bounded size, so that a change moves at
 * most `blockMax` references and a range is copied block by block; nothing is ever sorted as a whole.
 * Not chosen: a balanced tree (three times the memory a key, slower ranges).
 *
 * Cost for n keys: get O(1); set of a new key and delete O(log n + blockMax); range O(log n + result).
 */
export class SortedMap<V> {
  readonly #cells = new Map<string, Cell<V>>()
  readonly #blocks: Cell<V>[][] = []
  #isSorted = true

  get size(): number {
    return this.#cells.size
  }

  get(key: string): V | undefined {
    return this.#cells.get(key)?.value
  }

  has(key: string): boolean {
    return this.#cells.has(key)
  }

  /** Fills an empty map: until `sort` nothing is kept in order, and ranges cannot be read. */
  static unsorted<V>(): SortedMap<V> {
    const map = new SortedMap<V>()
    map.#isSorted = false
    return map
  }

  sort(): void {
    if (this.#isSorted) return
    this.#isSorted = true
    const cells = [...this.#cells.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
    const fill = blockMax >> 1
    for (let i = 0; i < cells.length; i += fill) this.#blocks.push(cells.slice(i, i + fill))
  }

  set(key: string, value: V): void {
    const cell = this.#cells.get(key)
    if (cell) {
      cell.value = value
      return
    }
    const created = { key, value }
    this.#cells.set(key, created)
    if (this.#isSorted) this.#insert(created)
  }

  delete(key: string): boolean {
    if (!this.#cells.delete(key)) return false
    if (!this.#isSorted) return true
    const b = this.#blockOf(key)
    const block = this.#blocks[b]!
    block.splice(lowerBound(block, key), 1)
    const next = this.#blocks[b + 1]
    if (block.length === 0) this.#blocks.splice(b, 1)
    else if (next && block.length + next.length <= blockMax / 2) this.#blocks.splice(b, 2, block.concat(next))
    return true
  }

  clear(): void {
    this.#cells.clear()
    this.#blocks.length = 0
  }

  /** Values of the keys in [from, to) in key order, at most `limit`; `to` undefined: to the end. */
  range(from: string, to: string | undefined, limit = Number.POSITIVE_INFINITY): V[] {
    const values: V[] = []
    this.#visit(from, to, (block, start, end) => {
      const stop = Math.min(end, start + limit - values.length)
      for (let i = start; i < stop; i++) values.push(block[i]!.value)
      return values.length < limit
    })
    return values
  }

  /** How many keys lie in [from, to). */
  count(from: string, to: string | undefined): number {
    let count = 0
    this.#visit(from, to, (_block, start, end) => {
      count += end - start
      return true
    })
    return count
  }

  /** Fills an empty map with entries in any order, in one sort. */
  load(entries: Iterable<readonly [string, V]>): void {
    assert(this.size === 0, 'load needs an empty map')
    this.#isSorted = false
    for (const [key, value] of entries) this.set(key, value)
    this.sort()
  }

  #visit(from: string, to: string | undefined, visit: (block: Cell<V>[], start: number, end: number) => boolean): void {
    assert(this.#isSorted, 'the map is being filled')
    if (this.#blocks.length === 0) return
    for (let b = this.#blockOf(from), start = -1; b < this.#blocks.length; b++) {
      const block = this.#blocks[b]!
      start = start < 0 ? lowerBound(block, from) : 0
      const isLast = to !== undefined && block[block.length - 1]!.key >= to
      const end = isLast ? lowerBound(block, to) : block.length
      if (end > start && !visit(block, start, end)) return
      if (isLast) return
    }
  }

  #insert(cell: Cell<V>): void {
    if (this.#blocks.length === 0) {
      this.#blocks.push([cell])
      return
    }
    const b = this.#blockOf(cell.key)
    const block = this.#blocks[b]!
    const at = lowerBound(block, cell.key)
    if (at === block.length) block.push(cell)
    else block.splice(at, 0, cell)
    if (block.length <= blockMax) return
    // Keys that only grow (timestamps, ordinals) fill a block to the brim; any other order splits it in half.
    const half = at === block.length - 1 && b === this.#blocks.length - 1 ? block.length - 1 : block.length >> 1
    this.#blocks.splice(b + 1, 0, block.splice(half))
  }

  /** The last block whose first key is ≤ key; 0 when there is none. */
  #blockOf(key: string): number {
    let low = 0
    let high = this.#blocks.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (this.#blocks[middle]![0]!.key <= key) low = middle
      else high = middle
    }
    return low
  }
}

type Cell<V> = { readonly key: string; value: V }

const blockMax = 512

function lowerBound<V>(block: readonly Cell<V>[], key: string): number {
  let low = 0
  let high = block.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (block[middle]!.key < key) low = middle + 1
    else high = middle
  }
  return low
}
