import type { ContainerImage } from '../../kinds/generated/types/core-v1.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'

type Presence = { readonly rows: Map<number, number>; version: number }

/** Which nodes have which container image, and its size in bytes there. */
export class ImageIndex {
  readonly #byName = new Map<string, Presence>()
  readonly #imagesOf: (readonly ContainerImage[] | undefined)[] = []
  /** Grows with every change of any node's images. */
  version = 0

  set(row: number, images: readonly ContainerImage[]): void {
    if (deepEqual(this.#imagesOf[row] ?? [], images)) return
    this.remove(row)
    if (images.length === 0) return
    this.#imagesOf[row] = images
    this.version++
    for (const image of images) for (const name of image.names ?? []) this.#add(name, row, image.sizeBytes ?? 0)
  }

  #add(name: string, row: number, sizeBytes: number): void {
    let presence = this.#byName.get(name)
    if (!presence) this.#byName.set(name, (presence = { rows: new Map(), version: 0 }))
    presence.rows.set(row, sizeBytes)
    presence.version = this.version
  }

  remove(row: number): void {
    const images = this.#imagesOf[row]
    if (!images) return
    this.#imagesOf[row] = undefined
    this.version++
    for (const { names } of images) {
      for (const name of names ?? []) {
        const presence = this.#byName.get(name)
        if (!presence) continue
        presence.rows.delete(row)
        presence.version = this.version
        if (presence.rows.size === 0) this.#byName.delete(name)
      }
    }
  }

  /** Row → size in bytes; undefined when no node has it. */
  rowsWith(name: string): ReadonlyMap<number, number> | undefined {
    return this.#byName.get(name)?.rows
  }

  /** Differs whenever a score for these images may differ: by who has them, and by how many nodes there are. */
  fingerprint(names: readonly string[], nodeCount: number): string {
    const versions = names.map((name) => this.#byName.get(name)?.version ?? 0)
    return versions.every((v) => v === 0) ? '' : `${versions.join(',')} of ${nodeCount}`
  }
}
