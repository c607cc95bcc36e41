/** A set of rows as bits: constant-time add and delete, and the first member at or after a row. */
export class RowSet {
  readonly #words: Int32Array
  size = 0

  constructor(rowsMax: number) {
    this.#words = new Int32Array((rowsMax + 31) >> 5)
  }

  add(row: number): void {
    const word = row >> 5
    const bit = 1 << (row & 31)
    if ((this.#words[word]! & bit) !== 0) return
    this.#words[word]! |= bit
    this.size++
  }

  delete(row: number): void {
    const word = row >> 5
    const bit = 1 << (row & 31)
    if ((this.#words[word]! & bit) === 0) return
    this.#words[word]! &= ~bit
    this.size--
  }

  has(row: number): boolean {
    return (this.#words[row >> 5]! & (1 << (row & 31))) !== 0
  }

  /** −1 when there is none. */
  firstFrom(row: number): number {
    let word = row >> 5
    if (word >= this.#words.length) return -1
    let bits = this.#words[word]! & (-1 << (row & 31))
    while (bits === 0) {
      if (++word >= this.#words.length) return -1
      bits = this.#words[word]!
    }
    return (word << 5) + 31 - Math.clz32(bits & -bits)
  }
}
