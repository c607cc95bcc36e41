import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { prefixEnd, type Revision } from './contract.ts'
import { EventLog } from './event-log.ts'
import { pastRange } from './past-range.ts'
import { SortedMap } from './sorted-map.ts'

type Row = { readonly key: string; readonly revision: number }

it('gives every piece of every moment as a copy made then would', () => {
  const change = fc.record({ key: fc.integer({ min: 0, max: 40 }).map((n) => `/k/${n % 2}/${n}`), isDelete: fc.boolean() })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 120, size: 'max' }), fc.integer({ min: 1, max: 9 }), (changes, limit) => {
      const live = new SortedMap<Row>()
      const log = new EventLog<{ key: string; revision: Revision; previous: Row | undefined }>({
        revision: 0 as Revision,
        compactRevision: 0 as Revision,
      })
      const copies: Row[][] = [[]]
      for (const [i, { key, isDelete }] of changes.entries()) {
        const revision = (i + 1) as Revision
        const previous = live.get(key)
        if (isDelete) live.delete(key)
        else live.set(key, { key, revision })
        log.append(revision, isDelete && !previous ? [] : [{ key, revision, previous }])
        copies.push(live.range('', undefined))
      }
      for (const prefix of ['', '/k/1/', '/k/1/7']) {
        for (const [revision, copy] of copies.entries()) {
          const expected = copy.filter(({ key }) => key.startsWith(prefix))
          const piece = (from: string, max?: number) =>
            pastRange({ live, log }, revision as Revision, { from, to: prefixEnd(prefix), limit: max }, (event) => event.previous)
          assert.deepEqual(piece(prefix), { values: expected, remaining: 0 })
          const seen: Row[] = []
          for (let from = prefix, remaining = 1; remaining > 0; ) {
            const page = piece(from, limit)
            seen.push(...page.values)
            remaining = page.remaining
            assert.equal(remaining, expected.length - seen.length)
            from = `${page.values.at(-1)?.key}\0`
          }
          assert.deepEqual(seen, expected)
        }
      }
    }),
    { numRuns: 40 },
  )
})
