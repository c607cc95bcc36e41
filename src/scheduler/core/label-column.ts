import { Interner } from './interner.ts'

/** One label key over all rows: the interned value of each node, 0 where it has none. */
export class LabelColumn {
  readonly key: string
  ids: Int32Array
  readonly values = new Interner({ first: 1 })
  /** Rows by value id. */
  readonly #rowsOf: number[] = [0]
  #sharedValues = 0
  /** How many value ids are in use by at least one row (0 not counted). */
  valuesInUse = 0

  constructor(key: string, capacity: number) {
    this.key = key
    this.ids = new Int32Array(capacity)
  }

  /** No value is held by two rows: a domain is a node (`kubernetes.io/hostname`). */
  get isPerRow(): boolean {
    return this.#sharedValues === 0
  }

  set(row: number, value: string | undefined): void {
    const old = this.ids[row]!
    const id = value === undefined ? 0 : this.values.id(value)
    if (old === id) return
    if (old !== 0) this.#leave(old)
    if (id !== 0) this.#enter(id)
    this.ids[row] = id
  }

  #enter(id: number): void {
    const rows = (this.#rowsOf[id] = (this.#rowsOf[id] ?? 0) + 1)
    if (rows === 1) this.valuesInUse++
    if (rows === 2) this.#sharedValues++
  }

  #leave(id: number): void {
    const rows = (this.#rowsOf[id] = this.#rowsOf[id]! - 1)
    if (rows === 0) this.valuesInUse--
    if (rows === 1) this.#sharedValues--
  }

  grow(capacity: number): void {
    const larger = new Int32Array(capacity)
    larger.set(this.ids)
    this.ids = larger
  }

  value(row: number): string | undefined {
    const id = this.ids[row]!
    return id === 0 ? undefined : this.values.name(id)
  }
}
