import type { Random } from '../../base/random.ts'
import type { Operation, Store, StoreKey } from '../../store/contract.ts'
import type { CachedObject } from '../objects/cached-object.ts'
import type { WatchCache } from '../../store/watch-cache-contract.ts'
import { drawFree } from './number-allocator.ts'

/** Numbers of [0, size) that one server or several take from. */
export type Numbers = {
  /** False when it is taken or out of range. */
  take(number: number): boolean
  free(number: number): void
  /** A free number, taken; undefined when none is left. */
  draw(random: Random): number | undefined
}

/** Marks in the store of what is taken: a key a number, written in the commit of the Service that takes it. */
export type Claims = {
  isClaimed(number: number): boolean
  /** Conflicts with whoever took the number first. */
  claim(number: number): Operation
  /** Nothing to do for what was never claimed. */
  unclaim(number: number): readonly Operation[]
}

/** `from`: what the keys call the first number. */
export function createClaims(cache: WatchCache<CachedObject>, prefix: string, from = 0): Claims {
  const keyOf = (number: number) => `${prefix}${from + number}` as StoreKey
  return {
    isClaimed: (number) => cache.get(keyOf(number)) !== undefined,
    claim: (number) => {
      const value = Buffer.from(JSON.stringify({ metadata: { name: String(from + number) } }))
      return { type: 'put', key: keyOf(number), value, expected: 'absent' }
    },
    unclaim: (number) => {
      const entry = cache.get(keyOf(number))
      return entry ? [{ type: 'delete', key: entry.key, expected: entry.revision }] : []
    },
  }
}

/**
 * Numbers that several servers take from: what the cache has of their claims, and what this one has on the way. Which of two servers
 * was first is decided by the store, when the claims are committed.
 */
export class ClaimedNumbers implements Numbers {
  readonly #size: number
  readonly #staticSize: number
  readonly #claims: Claims
  readonly #onTheWay = new Set<number>()

  constructor(options: { size: number; staticSize: number; claims: Claims }) {
    this.#size = options.size
    this.#staticSize = options.staticSize
    this.#claims = options.claims
  }

  take(number: number): boolean {
    if (number < 0 || number >= this.#size || this.#onTheWay.has(number) || this.#claims.isClaimed(number)) return false
    this.#onTheWay.add(number)
    return true
  }

  free(number: number): void {
    this.#onTheWay.delete(number)
  }

  draw(random: Random): number | undefined {
    return drawFree(random, { size: this.#size, staticSize: this.#staticSize, take: (number) => this.take(number) })
  }
}

const claimsAtOnce = 100

/** Writes claims that are missing, a part after the other: they may be another server's by now, which does the same at its start. */
export async function claimHeld(store: Store, missing: readonly Operation[]): Promise<void> {
  for (let i = 0; i < missing.length; i += claimsAtOnce) {
    const part = missing.slice(i, i + claimsAtOnce)
    const { type } = await store.commit(part)
    if (type === 'conflict') for (const operation of part) await store.commit([operation])
  }
}
