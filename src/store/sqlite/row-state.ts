import type { Revision, StoreKey } from '../contract.ts'
import { EventLog } from '../event-log.ts'
import { SortedMap } from '../sorted-map.ts'
import { compactNumber, type RowChunk } from './messages.ts'

/**
 * One state of one key, and the row that holds its value. `value` is there while the state is being written and for a while
 * after; later it is read from the database when somebody asks.
 */
export type Version = {
  readonly key: StoreKey
  readonly rowId: number
  readonly revision: Revision
  readonly createRevision: Revision
  /** Of the value. */
  readonly bytes: number
  value: Uint8Array | undefined
}

/** What happened to a key at a revision, with what it takes to undo it. */
export type Change = {
  readonly key: StoreKey
  readonly rowId: number
  readonly revision: Revision
  /** Undefined: the key was deleted. */
  readonly current: Version | undefined
  readonly previous: Version | undefined
  /** What the event of a deletion tells in place of the previous value; until it has been told. */
  last?: Uint8Array | undefined
}

/** What the front knows of the rows in the database. */
export type RowState = {
  readonly live: SortedMap<Version>
  readonly log: EventLog<Change>
  /** Rows that nobody can ask for any more: a compaction was cut short before it forgot them. */
  readonly garbage: readonly number[]
  readonly nextRowId: number
  /** The rows as they were read, values and all: of use to the first who wants everything. */
  readonly loaded: readonly RowChunk[]
  /** What the values take that are there for the history alone. */
  readonly historyBytes: number
}

/** Replays the rows in the order of their ids. Pure but for its own result. */
export class RowReplay {
  readonly #compactRevision: Revision
  readonly #live = SortedMap.unsorted<Version>()
  readonly #chunks: RowChunk[] = []
  readonly #changes: Change[] = []
  readonly #garbage: number[] = []
  #revision: Revision
  #lastRowId = 0
  #historyBytes = 0

  /** `revision`: the newest durable one that the database remembers apart from its rows. */
  constructor(start: { readonly revision: number; readonly compactRevision: number }) {
    this.#revision = Math.max(start.revision, start.compactRevision) as Revision
    this.#compactRevision = start.compactRevision as Revision
  }

  add(rows: RowChunk): void {
    this.#chunks.push(rows)
    for (let i = 0; i < rows.keys.length; i++) {
      const key = rows.keys[i] as StoreKey
      const rowId = compactNumber(rows.rowIds[i]!)
      const revision = compactNumber(rows.revisions[i]!) as Revision
      const createRevision = compactNumber(rows.createRevisions[i]!) as Revision
      const previous = this.#live.get(key)
      const bytes = rows.ends[i]! - (i === 0 ? 0 : rows.ends[i - 1]!)
      const current = rows.isDeletion[i] === 1 ? undefined : { key, rowId, revision, createRevision, bytes, value: undefined }
      if (current) this.#live.set(key, current)
      else this.#live.delete(key)
      this.#lastRowId = rowId
      if (revision > this.#compactRevision) {
        this.#changes.push({ key, rowId, revision, current, previous })
        this.#historyBytes += previous?.bytes ?? 0
      } else if (previous || !current) this.#garbage.push(...garbageOf([{ key, rowId, revision, current, previous }]))
    }
  }

  finish(): RowState {
    const live = this.#live
    live.sort()
    const log = new EventLog<Change>({ revision: this.#compactRevision, compactRevision: this.#compactRevision })
    log.load(this.#changes)
    log.append(Math.max(this.#revision, log.revision) as Revision, [])
    return {
      live,
      log,
      garbage: this.#garbage,
      nextRowId: this.#lastRowId + 1,
      loaded: this.#chunks,
      historyBytes: this.#historyBytes,
    }
  }
}

/**
 * The rows that nobody can reach once these changes are compacted: what they replaced, and the deletions themselves.
 * In this order: were a deletion forgotten before the row that it deleted, a crash in between would bring the key back.
 */
export function garbageOf(changes: readonly Change[]): number[] {
  const rowIds: number[] = []
  for (const { previous, current, rowId } of changes) {
    if (previous) rowIds.push(previous.rowId)
    if (!current) rowIds.push(rowId)
  }
  return rowIds
}

/** What the values take that only these changes keep. */
export const bytesKeptBy = (changes: readonly Change[]): number => changes.reduce((sum, { previous }) => sum + (previous?.bytes ?? 0), 0)
