/**
 * Things in the order of their keys, each once. They lie in blocks of bounded size, so that a change moves at most `blockMax` references and a range
 * is copied block by block; nothing is ever sorted as a whole but what it is made of.
 * Not chosen: a balanced tree (three times the memory a key, slower ranges).
 *
 * Cost for n keys: add and delete O(log n + blockMax); range O(log n + result).
 */
export class SortedBlocks<C extends Keyed> {
  readonly #blocks: C[][] = []
  #size = 0

  /** Of things in any order, each once. */
  static of<C extends Keyed>(cells: Iterable<C>): SortedBlocks<C> {
    const sorted = new SortedBlocks<C>()
    const all = [...cells].sort((a, b) => (a.key < b.key ? -1 : 1))
    const fill = blockMax >> 1
    for (let i = 0; i < all.length; i += fill) sorted.#blocks.push(all.slice(i, i + fill))
    sorted.#size = all.length
    return sorted
  }

  get size(): number {
    return this.#size
  }

  /** Its key must not be there yet. */
  add(cell: C): void {
    this.#size++
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

  /** The key must be there. */
  delete(key: string): void {
    this.#size--
    const b = this.#blockOf(key)
    const block = this.#blocks[b]!
    block.splice(lowerBound(block, key), 1)
    const next = this.#blocks[b + 1]
    if (block.length === 0) this.#blocks.splice(b, 1)
    else if (next && block.length + next.length <= blockMax / 2) this.#blocks.splice(b, 2, block.concat(next))
  }

  /** What has keys in [from, to), at most `limit`; `to` undefined: to the end. */
  range(from: string, to: string | undefined, limit = Number.POSITIVE_INFINITY): C[] {
    const cells: C[] = []
    this.visit(from, to, (block, start, end) => {
      const stop = Math.min(end, start + limit - cells.length)
      for (let i = start; i < stop; i++) cells.push(block[i]!)
      return cells.length < limit
    })
    return cells
  }

  /** How many keys lie in [from, to). */
  count(from: string, to: string | undefined): number {
    let count = 0
    this.visit(from, to, (_block, start, end) => {
      count += end - start
      return true
    })
    return count
  }

  /** The blocks of [from, to) and from where to where they are in it, while `visit` gives true. */
  visit(from: string, to: string | undefined, visit: (block: readonly C[], start: number, end: number) => boolean): void {
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

type Keyed = { readonly key: string }

const blockMax = 512

function lowerBound(block: readonly Keyed[], key: string): number {
  let low = 0
  let high = block.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (block[middle]!.key < key) low = middle + 1
    else high = middle
  }
  return low
}
