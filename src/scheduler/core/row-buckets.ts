const slotsStart = 16

/**
 * Many sets of rows as bits in one array, each known by a small number above 0: a shape has dozens, and hundreds of shapes are visited in
 * turn, so what a visit reads lies close together.
 */
export class RowBuckets {
  readonly #wordsPerSet: number
  #words: Int32Array
  #sizes = new Int32Array(slotsStart)
  readonly #free: number[] = []
  /** The next number that was never given. */
  #next = 1

  constructor(rowsMax: number) {
    this.#wordsPerSet = (rowsMax + 31) >> 5
    this.#words = new Int32Array(slotsStart * this.#wordsPerSet)
  }

  /** An empty set. */
  take(): number {
    const known = this.#free.pop()
    if (known !== undefined) return known
    if (this.#next === this.#sizes.length) this.#grow()
    return this.#next++
  }

  /** Gives an empty set back. */
  release(set: number): void {
    this.#free.push(set)
  }

  size(set: number): number {
    return this.#sizes[set]!
  }

  /** A row that is not in the set. */
  add(set: number, row: number): void {
    this.#words[set * this.#wordsPerSet + (row >> 5)]! |= 1 << (row & 31)
    this.#sizes[set]!++
  }

  /** Rows from one up to another that are not in the set. */
  addRange(set: number, from: number, end: number): void {
    const start = set * this.#wordsPerSet
    for (let row = from; row < end; ) {
      const next = Math.min(end, (row | 31) + 1)
      this.#words[start + (row >> 5)]! |= (-1 >>> (32 - (next - row))) << (row & 31)
      row = next
    }
    this.#sizes[set]! += end - from
  }

  /** A row that is in the set. Returns how many are left. */
  delete(set: number, row: number): number {
    this.#words[set * this.#wordsPerSet + (row >> 5)]! &= ~(1 << (row & 31))
    return --this.#sizes[set]!
  }

  /** The first row at or after this one that is not among others, given as bits; −1 when there is none. */
  firstFrom(set: number, row: number, without?: Int32Array): number {
    const words = this.#words
    const start = set * this.#wordsPerSet
    const end = start + this.#wordsPerSet
    let at = start + (row >> 5)
    if (at >= end) return -1
    let bits = words[at]! & (-1 << (row & 31))
    if (without) bits &= ~without[at - start]!
    while (bits === 0) {
      if (++at >= end) return -1
      bits = without ? words[at]! & ~without[at - start]! : words[at]!
    }
    return ((at - start) << 5) + 31 - Math.clz32(bits & -bits)
  }

  #grow(): void {
    const sizes = new Int32Array(this.#sizes.length * 2)
    sizes.set(this.#sizes)
    this.#sizes = sizes
    const words = new Int32Array(sizes.length * this.#wordsPerSet)
    words.set(this.#words)
    this.#words = words
  }
}
