import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { StoreKey } from './contract.ts'
import { decodeRecords, encodeRecords, type StoredRecord } from './record-stream.ts'

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}

async function all(blocks: readonly Uint8Array[]): Promise<StoredRecord[]> {
  const found: StoredRecord[] = []
  for await (const records of decodeRecords(each(blocks))) found.push(...records)
  return found
}

async function blocksOf(records: readonly StoredRecord[]): Promise<Buffer[]> {
  const blocks: Buffer[] = []
  for await (const block of encodeRecords(each([records]))) blocks.push(block)
  return blocks
}

const encoded = async (records: readonly StoredRecord[]) => Buffer.concat(await blocksOf(records))
const record = (name: string, value: string): StoredRecord => ({ key: `/${name}` as StoreKey, value: Buffer.from(value) })
const show = (records: readonly StoredRecord[]) => records.map(({ key, value }) => `${key}=${Buffer.from(value).toString()}`)

test('entries come back however their bytes are cut', async () => {
  const records = fc.array(fc.tuple(fc.string({ maxLength: 9, unit: 'grapheme' }), fc.string({ maxLength: 30 })), { maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(records, fc.integer({ min: 1, max: 20 }), async (pairs, step) => {
      const given = pairs.map(([name, value]) => record(name, value))
      const bytes = await encoded(given)
      const blocks = Array.from({ length: Math.ceil(bytes.length / step) }, (_, i) => bytes.subarray(i * step, (i + 1) * step))
      assert.deepEqual(show(await all(blocks)), show(given))
    }),
    { numRuns: 100 },
  )
})

test('large values are kept whole, and blocks stay about a mebibyte', async () => {
  const given = Array.from({ length: 12 }, (_, i) => record(`k${i}`, `${i}`.repeat(300_000)))
  const blocks = await blocksOf(given)
  assert.ok(blocks.length > 2)
  assert.deepEqual(show(await all(blocks)), show(given))
})

test('what is cut short, or has too much, is refused', async () => {
  const bytes = await encoded([record('a', '1'), record('b', '2')])
  for (let length = 0; length < bytes.length; length++) await assert.rejects(all([bytes.subarray(0, length)]), /cut short/)
  await assert.rejects(all([bytes, Buffer.of(1)]), /behind the last/)
  await assert.rejects(all([bytes.subarray(12)]), /not right|cut short/)
})
