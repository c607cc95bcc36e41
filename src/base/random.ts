/** The only source of randomness above `platform/`: seeded in tests, the operating system's in production. */
export type Random = {
  /** A float in [0, 1). */
  next(): number
  /** An integer in [0, n). */
  below(n: number): number
  /** An RFC 4122 version 4 UUID. */
  uuid(): string
  /** `length` characters of the alphabet that generated names use (no vowels, no look-alikes). */
  suffix(length: number): string
}

const alphabet = 'bcdfghjklmnpqrstvwxz2456789'

/** xoshiro128** seeded by splitmix32: fast, reproducible, not for secrets. */
export function seededRandom(seed: number): Random {
  let s = seed >>> 0
  const mix = () => {
    s = (s + 0x9e3779b9) >>> 0
    let z = s
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return (z ^ (z >>> 15)) >>> 0
  }
  let [a, b, c, d] = [mix(), mix(), mix(), mix()]
  const rotl = (x: number, k: number) => ((x << k) | (x >>> (32 - k))) >>> 0
  const next32 = () => {
    const result = Math.imul(rotl(Math.imul(b, 5), 7), 9) >>> 0
    const t = (b << 9) >>> 0
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= t
    d = rotl(d, 11)
    return result
  }
  return randomFrom(() => next32() / 2 ** 32)
}

/** Builds every drawing method from one source of floats in [0, 1). */
export function randomFrom(next: () => number): Random {
  const below = (n: number) => Math.floor(next() * n)
  const hex = (count: number) => Array.from({ length: count }, () => below(16).toString(16)).join('')
  return {
    next,
    below,
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-${'89ab'[below(4)]}${hex(3)}-${hex(12)}`,
    suffix: (length) => Array.from({ length }, () => alphabet[below(alphabet.length)]).join(''),
  }
}
