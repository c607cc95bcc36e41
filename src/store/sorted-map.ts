import { assert } from '../base/assert.ts'
import { SortedBlocks } from './sorted-blocks.ts'

/**
 * A map whose keys can be read in order from any point.
 *
 * Cost for n keys: get and set of a known key O(1); set of a new key and delete O(log n) and a bounded move; range O(log n + result).
 */
export class SortedMap<V> {
  readonly #cells = new Map<string, Cell<V>>()
  /** Undefined while the map is being filled. */
  #blocks: SortedBlocks<Cell<V>> | undefined = new SortedBlocks()

  get size(): number {
    return this.#cells.size
  }

  get(key: string): V | undefined {
    return this.#cells.get(key)?.value
  }

  has(key: string): boolean {
    return this.#cells.has(key)
  }

  /** Where the key's value lies, the present one and all that follow until the key is deleted. */
  cell(key: string): Cell<V> | undefined {
    return this.#cells.get(key)
  }

  /** Fills an empty map: until `sort` nothing is kept in order, and ranges cannot be read. */
  static unsorted<V>(): SortedMap<V> {
    const map = new SortedMap<V>()
    map.#blocks = undefined
    return map
  }

  sort(): void {
    this.#blocks ??= SortedBlocks.of(this.#cells.values())
  }

  set(key: string, value: V): void {
    const cell = this.#cells.get(key)
    if (cell) {
      cell.value = value
      return
    }
    const created = { key, value }
    this.#cells.set(key, created)
    this.#blocks?.add(created)
  }

  delete(key: string): boolean {
    if (!this.#cells.delete(key)) return false
    this.#blocks?.delete(key)
    return true
  }

  clear(): void {
    this.#cells.clear()
    this.#blocks = new SortedBlocks()
  }

  /** Values of the keys in [from, to) in key order, at most `limit`; `to` undefined: to the end. */
  range(from: string, to: string | undefined, limit?: number): V[] {
    return this.cells(from, to, limit).map(({ value }) => value)
  }

  cells(from: string, to: string | undefined, limit?: number): Cell<V>[] {
    return this.#sorted.range(from, to, limit)
  }

  /** How many keys lie in [from, to). */
  count(from: string, to: string | undefined): number {
    return this.#sorted.count(from, to)
  }

  /** Fills an empty map with entries in any order, in one sort. */
  load(entries: Iterable<readonly [string, V]>): void {
    assert(this.size === 0, 'load needs an empty map')
    this.#blocks = undefined
    for (const [key, value] of entries) this.set(key, value)
    this.sort()
  }

  get #sorted(): SortedBlocks<Cell<V>> {
    assert(this.#blocks !== undefined, 'the map is being filled')
    return this.#blocks
  }
}

export type Cell<V> = { readonly key: string; value: V }
