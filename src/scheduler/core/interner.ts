/** Small dense integers for strings: the first string gets `first`, the next one more. */
export class Interner {
  readonly #ids = new Map<string, number>()
  readonly #names: string[] = []
  readonly #first: number

  constructor(options: { first: number }) {
    this.#first = options.first
  }

  get size(): number {
    return this.#names.length
  }

  id(name: string): number {
    const known = this.#ids.get(name)
    if (known !== undefined) return known
    const id = this.#first + this.#names.length
    this.#ids.set(name, id)
    this.#names.push(name)
    return id
  }

  find(name: string): number | undefined {
    return this.#ids.get(name)
  }

  name(id: number): string {
    return this.#names[id - this.#first] ?? ''
  }
}
