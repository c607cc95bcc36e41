import type { Entry, StoreKey } from './contract.ts'

/**
 * Entries as bytes, for backups: for each the lengths of key and value (four bytes each, big-endian), the key in UTF-8, the value. At the
 * end a length of 0 for the key and the number of entries: what lacks it is cut short. Revisions are not kept: who reads it writes anew.
 */
export type StoredRecord = Pick<Entry, 'key' | 'value'>

const blockBytes = 1 << 20

/** Blocks of about a mebibyte, or of one entry where that is larger. */
export async function* encodeRecords(chunks: AsyncIterable<readonly StoredRecord[]>): AsyncGenerator<Buffer> {
  let parts: Uint8Array[] = []
  let bytes = 0
  let count = 0
  for await (const chunk of chunks) {
    for (const { key, value } of chunk) {
      const name = Buffer.from(key)
      parts.push(lengths(name.byteLength, value.byteLength), name, value)
      bytes += 8 + name.byteLength + value.byteLength
      count++
      if (bytes < blockBytes) continue
      yield Buffer.concat(parts)
      parts = []
      bytes = 0
    }
  }
  yield Buffer.concat([...parts, lengths(0, count)])
}

function lengths(first: number, second: number): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(first, 0)
  head.writeUInt32BE(second, 4)
  return head
}

/** The entries again, however the bytes are cut. Throws when the end is missing or the number of entries is another. */
export async function* decodeRecords(blocks: AsyncIterable<Uint8Array>): AsyncGenerator<readonly StoredRecord[]> {
  let rest: Buffer = Buffer.alloc(0)
  let count = 0
  let isOver = false
  for await (const block of blocks) {
    if (isOver) throw new Error('there is something behind the last entry')
    rest = rest.byteLength === 0 ? Buffer.from(block) : Buffer.concat([rest, block])
    const records: StoredRecord[] = []
    let at = 0
    while (rest.byteLength - at >= 8) {
      const [nameLength, valueLength] = [rest.readUInt32BE(at), rest.readUInt32BE(at + 4)]
      if (nameLength === 0) {
        if (valueLength !== count + records.length || rest.byteLength > at + 8) throw new Error('the number of entries is not right')
        isOver = true
        at += 8
        break
      }
      const end = at + 8 + nameLength + valueLength
      if (end > rest.byteLength) break
      const nameEnd = at + 8 + nameLength
      records.push({ key: rest.toString('utf8', at + 8, nameEnd) as StoreKey, value: rest.subarray(nameEnd, end) })
      at = end
    }
    rest = rest.subarray(at)
    count += records.length
    if (records.length > 0) yield records
  }
  if (!isOver) throw new Error('the entries are cut short')
}
