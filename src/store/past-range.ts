import { compareKeys, type Revision } from './contract.ts'
import type { EventLog } from './event-log.ts'
import type { SortedMap } from './sorted-map.ts'

export type KeyRange = {
  readonly from: string
  /** Undefined: to the end. */
  readonly to: string | undefined
  /** At most this many entries (> 0). */
  readonly limit?: number | undefined
}

/**
 * A piece of the state as it was at an earlier revision, in key order, and how many entries follow it in the range: the present
 * with what has changed since undone. It costs what the piece and the events since then cost, however many keys there are.
 * Nothing is kept between the pages of a list: any page is cut anew from any moment that the log still reaches.
 */
export function pastRange<V extends { readonly key: string }, E extends { readonly key: string; readonly revision: Revision }>(
  state: { readonly live: Pick<SortedMap<V>, 'range' | 'count' | 'has'>; readonly log: EventLog<E> },
  revision: Revision,
  { from, to, limit = Number.POSITIVE_INFINITY }: KeyRange,
  previousOf: (event: E) => V | undefined,
): { readonly values: V[]; readonly remaining: number } {
  const { live, log } = state
  const then = changedSince(log, revision, { from, to }, previousOf)
  const present = live.range(from, to, limit + then.size)
  const values = then.size === 0 ? present : merged(present, then)
  const there = [...then].reduce((sum, [key, value]) => sum + (value ? 1 : 0) - (live.has(key) ? 1 : 0), 0)
  if (values.length > limit) values.length = limit
  const total = present.length < limit + then.size ? present.length : live.count(from, to)
  return { values, remaining: total + there - values.length }
}

/** What was at `revision` under the keys of the range that have changed since. */
export function changedSince<V, E extends { readonly key: string; readonly revision: Revision }>(
  log: EventLog<E>,
  revision: Revision,
  { from, to }: Pick<KeyRange, 'from' | 'to'>,
  previousOf: (event: E) => V | undefined,
): Map<string, V | undefined> {
  const then = new Map<string, V | undefined>()
  for (const event of log.newestFirst(revision)) {
    if (event.key >= from && (to === undefined || event.key < to)) then.set(event.key, previousOf(event))
  }
  return then
}

function merged<V extends { readonly key: string }>(present: readonly V[], then: ReadonlyMap<string, V | undefined>): V[] {
  const others = [...then.values()].filter((value) => value !== undefined).sort((a, b) => compareKeys(a.key, b.key))
  const values: V[] = []
  let next = 0
  for (const value of present) {
    while (next < others.length && others[next]!.key < value.key) values.push(others[next++]!)
    if (!then.has(value.key)) values.push(value)
  }
  return values.concat(others.slice(next))
}
