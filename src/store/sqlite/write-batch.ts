import type { CommitResult, Revision } from '../contract.ts'
import type { ForgetRequest, Values, WriteRequest } from './messages.ts'
import type { Change } from './row-state.ts'

/** One commit on its way to the disk. */
export type PendingCommit = {
  readonly revision: Revision
  readonly changes: readonly Change[]
  /** Of its values. */
  readonly bytes: number
  readonly resolve: (result: CommitResult) => void
  readonly reject: (error: Error) => void
}

/** What goes to the disk in one transaction. */
export type WriteBatch = {
  readonly commits: readonly PendingCommit[]
  /** Deletions whose last value nobody holds in memory: the writer reads it in the same transaction. */
  readonly wanted: readonly Change[]
  readonly forget: ForgetRequest | undefined
}

/** Takes whole commits from the front of the queue, up to about `bytesMax` of values and `rowsMax` rows; at least one. */
export function takeCommits(queue: PendingCommit[], limits: { readonly rowsMax: number; readonly bytesMax: number }): PendingCommit[] {
  let rows = 0
  let bytes = 0
  let count = 0
  for (const commit of queue) {
    rows += commit.changes.length
    bytes += commit.bytes
    if (count > 0 && (rows > limits.rowsMax || bytes > limits.bytesMax)) break
    count++
  }
  return queue.splice(0, count)
}

/**
 * Memory that both threads have goes when both have collected what they know of it, and the store's thread collects after some thousand
 * rows: what is long in the mean is given away instead.
 */
const sharedValueBytesMax = 16_384

export function toWriteRequest(batch: WriteBatch): WriteRequest {
  const changes = batch.commits.flatMap((commit) => commit.changes)
  const lengths = changes.map(({ current }) => current?.value!.byteLength ?? -1)
  const bytes = lengths.reduce((sum, length) => sum + Math.max(0, length), 0)
  const isShared = bytes <= changes.length * sharedValueBytesMax
  const slab = new Uint8Array(isShared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes))
  let offset = 0
  for (const { current } of changes) {
    if (!current) continue
    slab.set(current.value!, offset)
    offset += current.value!.byteLength
  }
  return {
    firstRowId: changes[0]?.rowId ?? 0,
    revisions: changes.map((change) => change.revision),
    createRevisions: changes.map((change) => change.current?.createRevision ?? change.previous!.createRevision),
    keys: changes.map((change) => change.key),
    lengths,
    slab: slab.buffer,
    wantedRowIds: batch.wanted.map((change) => change.previous!.rowId),
    forget: batch.forget,
  }
}

/** The values of an answer as views into its slab; undefined where there was no such row. */
export function toValues({ lengths, slab }: Values): (Uint8Array | undefined)[] {
  let offset = 0
  return lengths.map((length) => {
    if (length < 0) return undefined
    const value = new Uint8Array(slab, offset, length)
    offset += length
    return value
  })
}
