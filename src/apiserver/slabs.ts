import { type CachedObject, frameHeadSpace, frameSpace } from './cached-object.ts'

const slabBytes = 1 << 20
/** An object larger than this gets a slab of its own. */
const ownSlabBytes = slabBytes >> 3

export class Slab {
  readonly bytes: Buffer
  /** Bytes handed out so far. */
  used = 0
  /** Bytes of objects that are still the newest state of their key. */
  liveBytes = 0
  /** Those objects. */
  readonly members: CachedObject[] = []

  constructor(bytes: number) {
    this.bytes = Buffer.allocUnsafeSlow(bytes)
  }
}

/**
 * Where the bytes of cached objects live: megabyte buffers filled front to back, so that a hundred thousand objects are
 * a few hundred allocations to the garbage collector. A full slab that is less than half alive is emptied by copying its
 * live objects on; the history of events may keep the old bytes for as long as it needs them.
 */
export class Slabs {
  #current = new Slab(slabBytes)
  #isEmptying = false

  allocate(length: number): { readonly slab: Slab; readonly start: number } {
    if (length > ownSlabBytes) {
      const slab = new Slab(length)
      slab.used = length
      return { slab, start: 0 }
    }
    if (this.#current.used + length > slabBytes) {
      const full = this.#current
      this.#current = new Slab(slabBytes)
      this.maybeEmpty(full)
    }
    const slab = this.#current
    const start = slab.used
    slab.used += length
    return { slab, start }
  }

  /** Makes `object` a live member of its slab. */
  adopt(slab: Slab, object: CachedObject, start: number, length: number): void {
    slab.liveBytes += length
    object.settle(slab, start, slab.members.push(object) - 1)
  }

  /** Copies the live objects of a mostly dead slab to the current one. */
  maybeEmpty(slab: Slab): void {
    if (slab === this.#current || this.#isEmptying || slab.liveBytes * 2 > slab.used || slab.members.length === 0) return
    this.#isEmptying = true
    for (const object of slab.members.splice(0)) {
      const { slab: target, start } = this.allocate(object.length + frameSpace)
      object.copyTo(target.bytes, start + frameHeadSpace)
      this.adopt(target, object, start + frameHeadSpace, object.length + frameSpace)
    }
    slab.liveBytes = 0
    this.#isEmptying = false
  }
}
