import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { prefixEnd, type Revision, type StoreKey } from './contract.ts'
import { GroupIndex } from './cache-index.ts'
import { EventLog } from './event-log.ts'
import { SortedMap } from './sorted-map.ts'
import type { CacheEntry, CacheEvent } from './watch-cache-contract.ts'

type Value = { readonly group: string }

/** A folder of entries whose groups are two letters, with their letters as terms. */
function setUp() {
  const live = new SortedMap<CacheEntry<Value>>()
  const log = new EventLog<CacheEvent<Value>>({ revision: 0 as Revision, compactRevision: 0 as Revision })
  const grouping = { groupOf: ({ group }: Value) => group, termsOf: (group: string) => [...new Set(group)] }
  const index = new GroupIndex<Value, string>({ folder: '/k/', grouping, live, log })
  const change = (key: StoreKey, group: string | undefined) => {
    const previous = live.get(key)?.value
    const revision = (log.revision + 1) as Revision
    if (group !== undefined) {
      const value = { group }
      live.set(key, { key, revision, createRevision: revision, value })
      log.append(revision, [{ type: 'put', key, revision, createRevision: revision, value, previous }])
      index.note(key, previous, value)
    } else if (previous) {
      live.delete(key)
      log.append(revision, [{ type: 'delete', key, revision, value: previous, previous }])
      index.note(key, previous, undefined)
    } else log.append(revision, [])
  }
  return { live, log, index, change }
}

type Setting = ReturnType<typeof setUp>

const having = (letter: string, prefix = '/k/') => ({
  query: { terms: [[letter]], wants: (group: string) => group.includes(letter) },
  prefix,
  max: Number.POSITIVE_INFINITY,
})
const scanned = ({ live }: Setting, letter: string, prefix = '/k/') =>
  live.range(prefix, prefixEnd(prefix)).flatMap(({ key, value }) => (value.group.includes(letter) ? [key] : []))

describe('group index', () => {
  it('gives what a look at every entry of every moment would', () => {
    const key = fc.integer({ min: 0, max: 30 }).map((n) => `/k/${n % 2}/${n}` as StoreKey)
    const group = fc.option(fc.constantFrom('ab', 'bc', 'cd', 'a', 'dd'), { nil: undefined })
    fc.assert(
      fc.property(fc.array(fc.tuple(key, group), { maxLength: 100, size: 'max' }), fc.integer({ min: 0, max: 99 }), (changes, builtAt) => {
        const setting = setUp()
        const { index, log } = setting
        const moments: { readonly revision: Revision; readonly keys: Record<string, StoreKey[]> }[] = []
        let isWhole = false
        for (const [i, [key, group]] of changes.entries()) {
          setting.change(key, group)
          // Changes come between the steps in which it is made.
          if (i >= builtAt && !isWhole) isWhole = !index.extend(3)
          moments.push({ revision: log.revision, keys: { a: scanned(setting, 'a'), 'd/1': scanned(setting, 'd', '/k/1/') } })
        }
        while (!isWhole) isWhole = !index.extend(3)
        for (const { revision, keys } of moments) {
          assert.deepEqual(
            index.select({ ...having('a'), revision })?.map((e) => e.key),
            keys.a,
          )
          const [, ...later] = keys['d/1']!
          const after = keys['d/1']![0] ?? ('/k/1/' as StoreKey)
          assert.deepEqual(
            index.select({ ...having('d', '/k/1/'), revision, after })?.map((e) => e.key),
            later,
          )
        }
      }),
      { numRuns: 60 },
    )
  })

  it('tells nothing before it is whole, past its history, and past what is worth it', () => {
    const setting = setUp()
    for (let i = 0; i < 10; i++) setting.change(`/k/0/${i}` as StoreKey, i % 2 === 0 ? 'a' : 'b')
    const { index, log } = setting
    const select = (more: { revision?: Revision; max?: number } = {}) =>
      index.select({ ...having('a'), revision: log.revision, ...more })?.length
    assert.equal(index.extend(4), true)
    assert.equal(select(), undefined)
    assert.equal(index.extend(100), false)
    assert.equal(select(), 5)
    assert.equal(select({ max: 4 }), undefined)
    assert.equal(select({ revision: 11 as Revision }), undefined)
    log.compact(5 as Revision)
    assert.equal(select({ revision: 4 as Revision }), undefined)
    assert.equal(select({ revision: 5 as Revision }), 3)
  })
})
