import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { prefixEnd } from './contract.ts'
import { SortedMap } from './sorted-map.ts'

const keys = fc.integer({ min: 0, max: 2000 }).map((n) => `/k/${n % 3}/${n}`)

describe('sorted map', () => {
  it('agrees with a sorted array, whatever is set and deleted', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ key: keys, isDelete: fc.boolean() }), { maxLength: 3000, size: 'max' }), keys, (changes, from) => {
        const map = new SortedMap<string>()
        const model = new Map<string, string>()
        for (const { key, isDelete } of changes) {
          if (isDelete) assert.equal(map.delete(key), model.delete(key))
          else {
            map.set(key, key)
            model.set(key, key)
          }
        }
        const sorted = [...model.keys()].sort()
        assert.equal(map.size, sorted.length)
        for (const prefix of ['', '/k/1/', from]) {
          const expected = sorted.filter((key) => key.startsWith(prefix))
          assert.deepEqual(map.range(prefix, prefixEnd(prefix)), expected)
          assert.equal(map.count(prefix, prefixEnd(prefix)), expected.length)
          assert.deepEqual(map.range(prefix, prefixEnd(prefix), 7), expected.slice(0, 7))
        }
        const loaded = new SortedMap<string>()
        loaded.load(model)
        assert.deepEqual(loaded.range('', undefined), sorted)
      }),
      { numRuns: 30 },
    )
  })
  it('stays fast with many keys in any order', () => {
    for (const order of ['rising', 'falling', 'scattered']) {
      const map = new SortedMap<number>()
      for (let i = 0; i < 50_000; i++) {
        const n = order === 'rising' ? i : order === 'falling' ? 50_000 - i : (i * 7919) % 50_021
        map.set(`${n}`.padStart(6, '0'), n)
      }
      assert.equal(map.range('', undefined).length, map.size)
      assert.ok(
        map.range('', undefined).every((n, i, all) => i === 0 || all[i - 1]! < n),
        order,
      )
    }
  })
})
