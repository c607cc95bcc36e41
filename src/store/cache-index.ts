import { prefixEnd, type Revision, type StoreKey } from './contract.ts'
import type { EventLog } from './event-log.ts'
import { changedSince, type KeyRange } from './past-range.ts'
import { SortedBlocks } from './sorted-blocks.ts'
import type { Cell, SortedMap } from './sorted-map.ts'
import type { CacheEntry, CacheEvent, CacheIndex, CacheSelection, Grouping, SelectedEntry } from './watch-cache-contract.ts'

/**
 * The entries of a folder in groups of those that are alike, and the groups by their terms: a query looks at groups, of which there
 * are few, and at nothing that does not match.
 *
 *  I1 It holds the keys of the folder's entries that are less than `#reach`, all of them when that is undefined.
 *  I2 A key is in the group that `groupOf` gives of the present value.
 */
export class GroupIndex<T, G> implements CacheIndex<T, G> {
  readonly folder: string
  readonly grouping: Grouping<T, G>
  readonly #live: SortedMap<CacheEntry<T>>
  readonly #log: EventLog<CacheEvent<T>>
  readonly #groups = new Map<G, Group<T, G>>()
  readonly #byTerm = new Map<string, Set<Group<T, G>>>()
  #reach: string | undefined

  constructor(state: {
    readonly folder: string
    readonly grouping: Grouping<T, G>
    readonly live: SortedMap<CacheEntry<T>>
    readonly log: EventLog<CacheEvent<T>>
  }) {
    this.folder = state.folder
    this.grouping = state.grouping
    this.#live = state.live
    this.#log = state.log
    this.#reach = state.folder
  }

  extend(count: number): boolean {
    if (this.#reach === undefined) return false
    const cells = this.#live.cells(this.#reach, prefixEnd(this.folder), count)
    for (const cell of cells) this.#add(cell, this.grouping.groupOf(cell.value.value))
    this.#reach = cells.length < count ? undefined : `${cells.at(-1)!.key}\0`
    return this.#reach !== undefined
  }

  /** To be told of every change of the folder: what was under the key and what is. */
  note(key: StoreKey, old: T | undefined, current: T | undefined): void {
    if (this.#reach !== undefined && key >= this.#reach) return
    const before = old === undefined ? undefined : this.grouping.groupOf(old)
    const now = current === undefined ? undefined : this.grouping.groupOf(current)
    if (before === now) return
    if (before !== undefined) this.#remove(key, before)
    if (now !== undefined) this.#add(this.#live.cell(key)!, now)
  }

  select({ query, prefix, after, revision, max }: CacheSelection<G>): readonly SelectedEntry<T>[] | undefined {
    if (this.#reach !== undefined || revision > this.#log.revision || revision < this.#log.compactRevision) return undefined
    const groups = [...this.#candidates(query)].filter(({ group }) => query.wants(group))
    if (groups.reduce((sum, { members }) => sum + members.size, 0) > max) return undefined
    const range = { from: after === undefined || after < prefix ? prefix : `${after}\0`, to: prefixEnd(prefix) }
    const cells = groups.flatMap(({ members }) => members.range(range.from, range.to))
    if (groups.length > 1) cells.sort(inOrder)
    const now = cells.map(({ value }) => value)
    return revision === this.#log.revision ? now : this.#asOfThen(now, { query, revision, range })
  }

  #asOfThen(
    now: readonly SelectedEntry<T>[],
    { query, revision, range }: { query: CacheSelection<G>['query']; revision: Revision; range: Pick<KeyRange, 'from' | 'to'> },
  ): readonly SelectedEntry<T>[] {
    const then = changedSince(this.#log, revision, range, ({ previous }) => previous)
    if (then.size === 0) return now
    const selected = now.filter(({ key }) => !then.has(key))
    for (const [key, value] of then) {
      if (value !== undefined && query.wants(this.grouping.groupOf(value))) selected.push({ key: key as StoreKey, value })
    }
    return selected.sort(inOrder)
  }

  /** All groups that have a term of the list that leaves the fewest of them. */
  #candidates({ terms }: CacheSelection<G>['query']): Iterable<Group<T, G>> {
    let fewest: ReadonlySet<Group<T, G>>[] | undefined
    let count = Number.POSITIVE_INFINITY
    for (const list of terms) {
      const sets = [...new Set(list)].flatMap((term) => this.#byTerm.get(term) ?? [])
      const groups = sets.reduce((sum, { size }) => sum + size, 0)
      if (groups < count) [fewest, count] = [sets, groups]
    }
    return fewest ? new Set(fewest.flatMap((set) => [...set])) : this.#groups.values()
  }

  #add(cell: Cell<CacheEntry<T>>, group: G): void {
    let known = this.#groups.get(group)
    if (!known) {
      known = { group, members: new SortedBlocks() }
      this.#groups.set(group, known)
      for (const term of this.grouping.termsOf(group)) {
        const others = this.#byTerm.get(term)
        if (others) others.add(known)
        else this.#byTerm.set(term, new Set([known]))
      }
    }
    known.members.add(cell)
  }

  #remove(key: string, group: G): void {
    const known = this.#groups.get(group)!
    known.members.delete(key)
    if (known.members.size > 0) return
    this.#groups.delete(group)
    for (const term of this.grouping.termsOf(group)) {
      const others = this.#byTerm.get(term)
      others?.delete(known)
      if (others?.size === 0) this.#byTerm.delete(term)
    }
  }
}

/** The members are where the map has them: nothing has to be done here when one changes and stays alike. */
type Group<T, G> = { readonly group: G; readonly members: SortedBlocks<Cell<CacheEntry<T>>> }

const inOrder = (a: { readonly key: string }, b: { readonly key: string }) => (a.key < b.key ? -1 : 1)
