import type { ContainerImage } from '../../kinds/generated/types/core-v1.ts'

/** Which nodes have which container image, and its size in bytes there. */
export class ImageIndex {
  readonly #byName = new Map<string, Map<number, number>>()
  readonly #namesOf: (string[] | undefined)[] = []
  /** Grows when any node's images change: the share of nodes that have an image enters every node's score. */
  version = 0

  set(row: number, images: readonly ContainerImage[]): void {
    this.remove(row)
    const names: string[] = []
    for (const image of images) {
      for (const name of image.names ?? []) {
        let rows = this.#byName.get(name)
        if (!rows) this.#byName.set(name, (rows = new Map()))
        rows.set(row, image.sizeBytes ?? 0)
        names.push(name)
      }
    }
    if (names.length === 0) return
    this.#namesOf[row] = names
    this.version++
  }

  remove(row: number): void {
    const names = this.#namesOf[row]
    if (!names) return
    for (const name of names) {
      const rows = this.#byName.get(name)
      rows?.delete(row)
      if (rows?.size === 0) this.#byName.delete(name)
    }
    this.#namesOf[row] = undefined
    this.version++
  }

  /** Row → size in bytes; undefined when no node has it. */
  rowsWith(name: string): ReadonlyMap<number, number> | undefined {
    return this.#byName.get(name)
  }
}
