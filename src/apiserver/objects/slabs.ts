import { type CachedObject, frameHeadSpace, frameSpace } from './cached-object.ts'

const slabBytes = 1 << 20
/** Smaller memory that came from elsewhere is not worth an entry of its own. */
const foreignBytesMin = slabBytes >> 4
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

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  static ofBytes(length: number): Slab {
    return new Slab(Buffer.allocUnsafeSlow(length))
  }
}

/**
 * Where the bytes of cached objects live: megabyte buffers filled front to back, so that a hundred thousand objects are
 * a few hundred allocations to the garbage collector. A full slab that is less than a third alive is emptied by copying its
 * live objects on; the history of events may keep the old bytes for as long as it needs them.
 */
export class Slabs {
  #current = Slab.ofBytes(slabBytes)
  readonly #foreign = new WeakMap<object, Slab>()
  #isEmptying = false

  allocate(length: number): { readonly slab: Slab; readonly start: number } {
    if (length > ownSlabBytes) {
      const slab = Slab.ofBytes(length)
      slab.used = length
      return { slab, start: 0 }
    }
    if (this.#current.used + length > slabBytes) {
      const full = this.#current
      this.#current = Slab.ofBytes(slabBytes)
      this.maybeEmpty(full)
    }
    const slab = this.#current
    const start = slab.used
    slab.used += length
    return { slab, start }
  }

  /** Memory that something else has filled, as a slab: undefined for what is too small to be one. */
  foreign(memory: ArrayBufferLike): Slab | undefined {
    if (memory.byteLength < foreignBytesMin) return undefined
    let slab = this.#foreign.get(memory)
    if (!slab) {
      this.#foreign.set(memory, (slab = new Slab(Buffer.from(memory))))
      slab.used = memory.byteLength
    }
    return slab
  }

  /** Makes `object` a live member of its slab. */
  adopt(slab: Slab, object: CachedObject, start: number): void {
    object.settle(slab, start, slab.members.push(object) - 1)
    slab.liveBytes += object.footprint
  }

  /** Copies the live objects of a mostly dead slab to the current one. */
  maybeEmpty(slab: Slab): void {
    if (slab === this.#current || this.#isEmptying || slab.liveBytes * 3 > slab.used || slab.members.length === 0) return
    this.#isEmptying = true
    for (const object of slab.members.splice(0)) {
      slab.liveBytes -= object.footprint
      this.move(object)
    }
    this.#isEmptying = false
  }

  /** Copies an object to the current slab and makes it a member there; it is none of its old slab any more. */
  move(object: CachedObject): void {
    const { slab, start } = this.allocate(object.length + frameSpace)
    object.copyTo(slab.bytes, start + frameHeadSpace)
    object.becomeWhole()
    this.adopt(slab, object, start + frameHeadSpace)
  }
}
