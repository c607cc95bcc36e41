import { operationsMax, type Operation, type Revision, type Store } from './contract.ts'
import type { StoredRecord } from './record-stream.ts'

/** Bytes of values in one commit of a copy, at most; a larger value goes alone. */
const commitBytesMax = 512 << 10

/** Everything that a store held at one revision. */
export type StoreContents = { readonly revision: Revision; readonly chunks: AsyncIterable<readonly StoredRecord[]> }

/**
 * Writes all that `from` holds into `to`, and gives how many entries that were and the revision that `to` then has.
 *
 * Revisions never go back for clients: `to` must be empty and begin to count at `from.revision` or later (its `startRevision`), so
 * that every entry gets a revision that nobody has seen yet. What a client remembers of `from` is thereby older than the oldest
 * revision of `to`: it is told that it is compacted, and starts over from a list. Values are copied as they are stored, encrypted ones too.
 * Throws an Error when `to` is not as said; nothing has then been written.
 */
export async function copyStore(from: Store, to: Store): Promise<{ readonly entries: number; readonly revision: Revision }> {
  return fillStore(to, await from.scan(''))
}

/** As `copyStore`, from contents that may come from elsewhere. */
export async function fillStore(
  to: Store,
  { revision, chunks }: StoreContents,
): Promise<{ readonly entries: number; readonly revision: Revision }> {
  if (to.compactRevision < revision)
    throw new Error(`the target counts from ${to.compactRevision}, below the source's revision ${revision}`)
  if ((await to.list('', { limit: 1 })).entries.length > 0) throw new Error('the target is not empty')
  let entries = 0
  let part: Operation[] = []
  let bytes = 0
  const flush = async () => {
    if (part.length === 0) return
    const { type } = await to.commit(part)
    if (type === 'conflict') throw new Error('something else writes to the target')
    part = []
    bytes = 0
  }
  const add = async ({ key, value }: StoredRecord) => {
    if (part.length === operationsMax || (part.length > 0 && bytes + value.byteLength > commitBytesMax)) await flush()
    part.push({ type: 'put', key, value, expected: 'absent' })
    bytes += value.byteLength
    entries++
  }
  for await (const chunk of chunks) for (const entry of chunk) await add(entry)
  await flush()
  // Nobody shall follow the copy itself.
  await to.compact(to.revision)
  return { entries, revision: to.revision }
}
