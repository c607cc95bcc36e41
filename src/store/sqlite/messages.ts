/**
 * What the store's front and its threads say to each other. Columns instead of objects, and all values of a message in one
 * buffer, transferred or shared (`slab`, one after the other), so that nothing is copied by structured clone but keys and numbers.
 */
export type WorkerSettings = {
  readonly role: 'writer' | 'reader'
  readonly dir: string
  readonly pageBytes: number
  /** The database file never grows past this; 0: no limit. */
  readonly sizeMaxBytes: number
  /** The first revision of a database that is made now, and its compact revision. */
  readonly startRevision: number
}

export type WorkerRequest =
  /** The first one; answers `ready`. */
  | { readonly type: 'open'; readonly id: number; readonly settings: WorkerSettings }
  | ({ readonly type: 'write'; readonly id: number } & WriteRequest)
  /** Values of rows; answers `values`. */
  | { readonly type: 'read'; readonly id: number; readonly rowIds: readonly number[] }
  /** Everything, in chunks of `rows`, then `done`. */
  | { readonly type: 'load'; readonly id: number }
  /** Moves what the write-ahead log holds into the database file. `restart`: also lets the log begin anew; writer only. */
  | { readonly type: 'checkpoint'; readonly id: number; readonly restart: boolean }
  | { readonly type: 'close'; readonly id: number }

/** One transaction: rows to add, rows to forget, and values wanted by the front, read in the same go. */
export type WriteRequest = {
  /** Row ids are `firstRowId`, `firstRowId` + 1, … */
  readonly firstRowId: number
  readonly revisions: readonly number[]
  readonly createRevisions: readonly number[]
  readonly keys: readonly string[]
  /** Bytes of each value; -1 for a deletion. */
  readonly lengths: readonly number[]
  readonly slab: ArrayBufferLike
  readonly wantedRowIds: readonly number[]
  readonly forget: ForgetRequest | undefined
}

export type ForgetRequest = {
  readonly rowIds: readonly number[]
  readonly compactRevision: number
  /** The newest durable revision: it outlives the rows that carried it. */
  readonly revision: number
}

/** Values in the order asked for; length -1 where there is no such row. */
export type Values = { readonly lengths: readonly number[]; readonly slab: ArrayBuffer }

/** The values lie one after the other in `slab`: value i from `ends[i - 1]` to `ends[i]`. */
export type RowChunk = {
  readonly rowIds: Float64Array
  readonly revisions: Float64Array
  readonly createRevisions: Float64Array
  readonly isDeletion: Uint8Array
  readonly keys: readonly string[]
  readonly ends: Uint32Array
  readonly slab: SharedArrayBuffer
}

/**
 * The number itself, in the form that costs no memory of its own: what is read out of a Float64Array is a double, and each double that
 * an object keeps is an object to V8.
 */
export function compactNumber(value: number): number {
  const small = value | 0
  return small === value ? small : value
}

export type WorkerReply =
  | { readonly type: 'ready'; readonly id: number; readonly revision: number; readonly compactRevision: number }
  | { readonly type: 'written'; readonly id: number; readonly wanted: Values | undefined; readonly walBytes: number }
  | { readonly type: 'values'; readonly id: number; readonly values: Values }
  | { readonly type: 'rows'; readonly id: number; readonly rows: RowChunk }
  | { readonly type: 'done'; readonly id: number }
  /** The request with this id failed and changed nothing. */
  | { readonly type: 'failed'; readonly id: number; readonly message: string }
