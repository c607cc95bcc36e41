import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planHistoryCleanup } from './revision-history.ts'

test('the oldest unused revisions beyond the limit go; a negative limit keeps all', () => {
  const revisions = [3, 1, 2, 4].map((revision) => ({ metadata: { name: `r${revision}` }, revision }))
  const check = (limit: number, expected: readonly string[]) =>
    assert.deepEqual(
      planHistoryCleanup(revisions, new Set(['r4']), limit).map(({ metadata }) => metadata.name),
      expected,
    )
  check(10, [])
  check(2, ['r1'])
  check(0, ['r1', 'r2', 'r3'])
  check(-1, [])
})
