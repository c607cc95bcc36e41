import type { Random } from '../../base/random.ts'

/**
 * Which numbers of [0, size) are taken, in a bitmap that grows with the highest one used. The first `staticSize` are left
 * for callers that ask for a number; drawn ones come from behind them while any is free there, as upstream splits
 * service addresses and node ports (https://kubernetes.io/docs/concepts/services-networking/cluster-ip-allocation/).
 */
export class NumberAllocator {
  readonly #size: number
  readonly #staticSize: number
  #bits = new Uint32Array(32)
  #taken = 0

  constructor(options: { size: number; staticSize: number }) {
    this.#size = options.size
    this.#staticSize = options.staticSize
  }

  has(number: number): boolean {
    return ((this.#bits[number >>> 5] ?? 0) & (1 << (number & 31))) !== 0
  }

  /** False when it is taken or out of range. */
  take(number: number): boolean {
    if (number < 0 || number >= this.#size || this.has(number)) return false
    if (number >>> 5 >= this.#bits.length) this.#grow(number >>> 5)
    this.#bits[number >>> 5]! |= 1 << (number & 31)
    this.#taken++
    return true
  }

  free(number: number): void {
    if (!this.has(number)) return
    this.#bits[number >>> 5]! &= ~(1 << (number & 31))
    this.#taken--
  }

  /** A free number, taken; undefined when none is left. */
  draw(random: Random): number | undefined {
    if (this.#taken >= this.#size) return undefined
    return drawFree(random, { size: this.#size, staticSize: this.#staticSize, take: (number) => this.take(number) })
  }

  #grow(words: number): void {
    const grown = new Uint32Array(Math.max(this.#bits.length * 2, words + 1))
    grown.set(this.#bits)
    this.#bits = grown
  }
}

type Drawing = { readonly size: number; readonly staticSize: number; readonly take: (number: number) => boolean }

/** A number that `take` gives, one behind the first `staticSize` where there is any. */
export function drawFree(random: Random, { size, staticSize, take }: Drawing): number | undefined {
  return drawWithin(random, staticSize, size, take) ?? drawWithin(random, 0, staticSize, take)
}

/** Starts at a random place and takes the next free one, so that it ends however full the range is. */
function drawWithin(random: Random, from: number, to: number, take: Drawing['take']): number | undefined {
  const size = to - from
  if (size <= 0) return undefined
  const start = random.below(size)
  for (let i = 0; i < size; i++) {
    const number = from + ((start + i) % size)
    if (take(number)) return number
  }
  return undefined
}

/** Upstream's split: min(max(16, size / 16), 256) addresses (ports: 128) for those who choose. */
export function staticShare(size: number, options: { min: number; max: number; step: number }): number {
  if (size < options.min) return 0
  return Math.min(Math.max(options.min, Math.floor(size / options.step)), options.max)
}
