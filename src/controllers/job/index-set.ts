/** Completion indexes as sorted, disjoint runs, so that a hundred thousand of them stay small. Written `1,3-5,7` as in a Job's status. */
export class IndexSet {
  static readonly empty = new IndexSet([])
  readonly #runs: readonly Run[]

  private constructor(runs: readonly Run[]) {
    this.#runs = runs
  }

  /** Reads the text of a status; indexes from `completions` on are left out (the Job was made smaller). */
  static parse(text: string | undefined, completions: number): IndexSet {
    if (!text) return IndexSet.empty
    const runs: Run[] = []
    for (const part of text.split(',')) {
      const [first = Number.NaN, last = first] = part.split('-').map(Number)
      if (first < completions) runs.push({ first, last: Math.min(last, completions - 1) })
    }
    return IndexSet.#ofRuns(runs)
  }

  static of(indexes: Iterable<number>): IndexSet {
    return IndexSet.#ofRuns(Array.from(indexes, (index) => ({ first: index, last: index })))
  }

  static #ofRuns(unordered: readonly Run[]): IndexSet {
    const runs: Run[] = []
    for (const run of [...unordered].sort((a, b) => a.first - b.first)) {
      const previous = runs.at(-1)
      if (previous && run.first <= previous.last + 1)
        runs[runs.length - 1] = { first: previous.first, last: Math.max(previous.last, run.last) }
      else runs.push(run)
    }
    return runs.length === 0 ? IndexSet.empty : new IndexSet(runs)
  }

  get size(): number {
    return this.#runs.reduce((total, { first, last }) => total + last - first + 1, 0)
  }

  has(index: number): boolean {
    let [low, high] = [0, this.#runs.length - 1]
    while (low <= high) {
      const middle = (low + high) >> 1
      const { first, last } = this.#runs[middle]!
      if (index < first) high = middle - 1
      else if (index > last) low = middle + 1
      else return true
    }
    return false
  }

  union(other: IndexSet): IndexSet {
    return IndexSet.#ofRuns([...this.#runs, ...other.#runs])
  }

  /** How many indexes both have. */
  commonSize(other: IndexSet): number {
    let common = 0
    for (const a of this.#runs)
      for (const b of other.#runs) common += Math.max(0, Math.min(a.last, b.last) - Math.max(a.first, b.first) + 1)
    return common
  }

  /** The lowest indexes below `end` that are not in it, at most `count`. */
  missing(count: number, end: number): number[] {
    const indexes: number[] = []
    let next = 0
    for (const { first, last } of [...this.#runs, { first: end, last: end }]) {
      for (; next < Math.min(first, end) && indexes.length < count; next++) indexes.push(next)
      next = last + 1
    }
    return indexes
  }

  /** A run of two is written as two numbers. */
  toString(): string {
    return this.#runs.map(({ first, last }) => (first === last ? `${first}` : `${first}${last === first + 1 ? ',' : '-'}${last}`)).join(',')
  }
}

type Run = { readonly first: number; readonly last: number }
