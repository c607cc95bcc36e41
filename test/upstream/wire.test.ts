/** HTTP at its edges: the same bytes, the same answers as Kubernetes 1.36, recorded from it by `record-wire.ts`. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { ownFront } from './own-front.ts'
import { type WireRecord, wireRecords } from './wire.ts'

const recorded = readFileSync(new URL('wire.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as WireRecord)

test('HTTP at its edges answers as upstream', async (t) => {
  const front = await ownFront()
  const records = await wireRecords(front)
  await front.close()
  assert.deepEqual(
    records.map((one) => one.case),
    recorded.map((one) => one.case),
    'recorded anew after the cases were changed',
  )
  for (const [i, wanted] of recorded.entries()) await t.test(wanted.case, () => assert.deepEqual(records[i]!.answers, wanted.answers))
})
