import type { Entry, Revision, StoreKey } from '../contract.ts'
import type { SortedMap } from '../sorted-map.ts'
import { compactNumber, type RowChunk } from './messages.ts'
import type { Version } from './row-state.ts'

/**
 * What lives at the moment of the call of the rows that were read when the store was opened, in their order, without asking the
 * database again. The values of a chunk are views of its memory, unless most of that is dead: then they are copies, and the memory
 * goes with the chunk.
 */
export function liveEntries(chunks: readonly RowChunk[], live: Pick<SortedMap<Version>, 'get'>): AsyncGenerator<readonly Entry[]> {
  const alive = chunks.map(({ keys, rowIds }) => Uint8Array.from(keys, (key, i) => (live.get(key)?.rowId === rowIds[i] ? 1 : 0)))
  return entriesOf(chunks, alive)
}

async function* entriesOf(chunks: readonly RowChunk[], alive: readonly Uint8Array[]): AsyncGenerator<readonly Entry[]> {
  for (const [n, { keys, revisions, createRevisions, ends, slab }] of chunks.entries()) {
    const isAlive = alive[n]!
    const entries: Entry[] = []
    let aliveBytes = 0
    for (let i = 0; i < keys.length; i++) {
      if (isAlive[i] === 0) continue
      const start = i === 0 ? 0 : ends[i - 1]!
      const value = new Uint8Array(slab, start, ends[i]! - start)
      aliveBytes += value.byteLength
      entries.push({
        key: keys[i] as StoreKey,
        value,
        revision: compactNumber(revisions[i]!) as Revision,
        createRevision: compactNumber(createRevisions[i]!) as Revision,
      })
    }
    if (entries.length === 0) continue
    yield aliveBytes * 2 < slab.byteLength ? entries.map((entry) => ({ ...entry, value: Uint8Array.from(entry.value) })) : entries
  }
}
