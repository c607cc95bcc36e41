/**
 * A thread of the SQLite store: the writer (exactly one) or the reader. Started by worker-link.ts, and an entry of its own
 * for the bundler: it imports nothing at run time but node's modules.
 *
 * The log of writes is one table that only grows at its end; what is live is known to the front. Durable means: COMMIT has
 * returned with synchronous=FULL, so the write-ahead log is on the disk (https://sqlite.org/pragma.html#pragma_synchronous).
 */
import { closeSync, fstatSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { parentPort, threadId } from 'node:worker_threads'
import type { RowChunk, Values, WorkerReply, WorkerRequest, WorkerSettings, WriteRequest } from './messages.ts'

const format = 1

const schema = `
  CREATE TABLE IF NOT EXISTS entry (id INTEGER PRIMARY KEY, revision INTEGER NOT NULL, created INTEGER NOT NULL, key TEXT NOT NULL, value BLOB);
  CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
`

/** The write-ahead log is grown ahead by this much with zeros: a sync of blocks that exist already is about 1.6 times faster. */
const walStepBytes = 1 << 20
/** Past this the log is not grown ahead any more: checkpoints have fallen behind and it shall not be made larger still. */
const walGrowMaxBytes = 32 << 20

class Thread {
  readonly #settings: WorkerSettings
  readonly #path: string
  #lock: DatabaseSync | undefined
  #db: DatabaseSync | undefined
  #statements: Statements | undefined
  #walFile: number | undefined
  #walAllocatedBytes = 0

  constructor(settings: WorkerSettings) {
    this.#settings = settings
    this.#path = join(settings.dir, 'store.db')
  }

  start(id: number): void {
    if (this.#settings.role === 'writer') {
      mkdirSync(this.#settings.dir, { recursive: true, mode: 0o700 })
      this.#lock = takeLock(this.#settings.dir)
    }
    this.#open()
    const meta = new Map(
      this.#db!.prepare('SELECT name, value FROM meta')
        .all()
        .map((row) => [row.name as string, row.value as number]),
    )
    const found = meta.get('format') ?? format
    if (found !== format) throw new Error(`${this.#path} has format ${found}; this version reads format ${format}`)
    reply({ type: 'ready', id, revision: meta.get('revision') ?? 0, compactRevision: meta.get('compactRevision') ?? 0 })
  }

  handle(request: Exclude<WorkerRequest, { type: 'open' }>): void {
    switch (request.type) {
      case 'write':
        return this.#write(request)
      case 'read': {
        const values = this.#read(request.rowIds)
        return reply({ type: 'values', id: request.id, values }, [values.slab])
      }
      case 'load':
        return this.#load(request.id)
      case 'checkpoint':
        this.#statementsOrOpen()
        this.#db!.exec(`PRAGMA wal_checkpoint(${request.restart ? 'RESTART' : 'PASSIVE'})`)
        return reply({ type: 'done', id: request.id })
      case 'close':
        this.#close()
        this.#lock?.close()
        reply({ type: 'done', id: request.id })
        parentPort!.close()
    }
  }

  #open(): void {
    closeSync(openSync(this.#path, 'a', 0o600))
    const db = new DatabaseSync(this.#path, { timeout: this.#settings.role === 'writer' ? 0 : 1000 })
    db.exec(`PRAGMA page_size=${this.#settings.pageBytes}; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;
             PRAGMA cache_size=-16384; PRAGMA temp_store=MEMORY`)
    if (this.#settings.role === 'writer') {
      db.exec('BEGIN IMMEDIATE')
      db.exec(schema)
      const addMeta = db.prepare('INSERT OR IGNORE INTO meta (name, value) VALUES (?, ?)')
      const isNew = addMeta.run('format', format).changes === 1
      const { startRevision } = this.#settings
      if (isNew && startRevision > 0) for (const name of ['revision', 'compactRevision']) addMeta.run(name, startRevision)
      db.exec('COMMIT')
    }
    const { sizeMaxBytes, pageBytes } = this.#settings
    if (sizeMaxBytes > 0) db.exec(`PRAGMA max_page_count=${Math.ceil(sizeMaxBytes / pageBytes)}`)
    this.#db = db
    this.#statements = {
      insert: db.prepare('INSERT INTO entry (id, revision, created, key, value) VALUES (?, ?, ?, ?, ?)'),
      insertMany: db.prepare(
        `INSERT INTO entry (id, revision, created, key, value) VALUES ${Array.from({ length: insertRows }, () => '(?, ?, ?, ?, ?)').join(', ')}`,
      ),
      forget: db.prepare('DELETE FROM entry WHERE id = ?'),
      setMeta: db.prepare('INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value'),
      value: db.prepare('SELECT value FROM entry WHERE id = ?'),
      range: db.prepare('SELECT id, value FROM entry WHERE id BETWEEN ? AND ? ORDER BY id'),
      rows: db.prepare('SELECT id, revision, created, key, value FROM entry WHERE id > ? ORDER BY id LIMIT ?'),
      walFrames: db.prepare('PRAGMA wal_checkpoint(NOOP)'),
    }
    for (const name of ['value', 'range', 'rows', 'walFrames'] as const) this.#statements[name].setReturnArrays(true)
    if (this.#settings.role !== 'writer') return
    this.#walFile = openSync(`${this.#path}-wal`, 'r+')
    this.#walAllocatedBytes = 0
  }

  #close(): void {
    this.#statements = undefined
    if (this.#walFile !== undefined) closeSync(this.#walFile)
    this.#walFile = undefined
    this.#db?.close()
    this.#db = undefined
  }

  /** After a failure the connection was dropped: what SQLite and the kernel have cached of a failed write is not to be trusted. */
  #statementsOrOpen(): Statements {
    if (!this.#statements) this.#open()
    return this.#statements!
  }

  #write(request: WriteRequest & { id: number }): void {
    const statements = this.#statementsOrOpen()
    const db = this.#db!
    let wanted: Values | undefined
    try {
      db.exec('BEGIN IMMEDIATE')
      this.#insert(statements, request)
      if (request.wantedRowIds.length > 0) wanted = this.#read(request.wantedRowIds)
      if (request.forget) {
        for (const rowId of request.forget.rowIds) statements.forget.run(rowId)
        statements.setMeta.run('compactRevision', request.forget.compactRevision)
        statements.setMeta.run('revision', request.forget.revision)
      }
      db.exec('COMMIT')
    } catch (error) {
      try {
        if (db.isTransaction) db.exec('ROLLBACK')
      } finally {
        this.#close()
      }
      throw error
    }
    const walBytes = this.#walBytes(statements)
    reply({ type: 'written', id: request.id, wanted, walBytes }, wanted ? [wanted.slab] : [])
    this.#growWal(walBytes)
  }

  #insert(statements: Statements, request: WriteRequest): void {
    const { firstRowId, revisions, createRevisions, keys, lengths, slab } = request
    let offset = 0
    let i = 0
    const row = (): [number, number, number, string, Uint8Array | null] => {
      const length = lengths[i]!
      const value = length < 0 ? null : new Uint8Array(slab, offset, length)
      if (length > 0) offset += length
      const at = i++
      return [firstRowId + at, revisions[at]!, createRevisions[at]!, keys[at]!, value]
    }
    while (keys.length - i >= insertRows) {
      const parameters: (number | string | Uint8Array | null)[] = []
      for (let n = 0; n < insertRows; n++) parameters.push(...row())
      statements.insertMany.run(...parameters)
    }
    while (i < keys.length) statements.insert.run(...row())
  }

  #read(rowIds: readonly number[]): Values {
    const { value, range } = this.#statementsOrOpen()
    const found: (Uint8Array | null)[] = []
    const first = rowIds[0]!
    const last = rowIds[rowIds.length - 1]!
    // Rows that lie close together, in order, are read in one pass over the table.
    if (rowIds.length > 16 && last - first >= 0 && last - first < rowIds.length * 2 && isAscending(rowIds)) {
      let at = 0
      for (const [id, bytes] of range.all(first, last) as unknown as [number, Uint8Array | null][]) {
        while (at < rowIds.length && rowIds[at]! < id) found[at++] = null
        if (rowIds[at] === id) found[at++] = bytes
      }
      while (at < rowIds.length) found[at++] = null
    } else {
      for (const rowId of rowIds) found.push((value.get(rowId) as unknown as [Uint8Array | null] | undefined)?.[0] ?? null)
    }
    const slab = new Uint8Array(found.reduce((sum, bytes) => sum + (bytes?.byteLength ?? 0), 0))
    let offset = 0
    for (const bytes of found) {
      if (!bytes) continue
      slab.set(bytes, offset)
      offset += bytes.byteLength
    }
    return { lengths: found.map((bytes) => bytes?.byteLength ?? -1), slab: slab.buffer }
  }

  #load(id: number): void {
    const { rows } = this.#statementsOrOpen()
    for (let after = 0; ; ) {
      const chunk = rows.all(after, loadRows) as unknown as LoadedRow[]
      const last = chunk[chunk.length - 1]
      if (!last) break
      reply({ type: 'rows', id, rows: toChunk(chunk) })
      after = last[0]
    }
    reply({ type: 'done', id })
  }

  #walBytes(statements: Statements): number {
    const [, frames] = statements.walFrames.get() as unknown as [number, number, number]
    return frames * (this.#settings.pageBytes + 24)
  }

  /** Only this thread appends to the log, and it does so behind its own last frame: the zeros never overwrite anything. */
  #growWal(usedBytes: number): void {
    if (this.#walAllocatedBytes === 0) this.#walAllocatedBytes = fstatSync(this.#walFile!).size
    this.#walAllocatedBytes = Math.max(this.#walAllocatedBytes, usedBytes + 32)
    if (this.#walAllocatedBytes - usedBytes > walStepBytes / 4 || this.#walAllocatedBytes > walGrowMaxBytes) return
    try {
      this.#walAllocatedBytes += writeSync(this.#walFile!, zeros, 0, walStepBytes, this.#walAllocatedBytes)
    } catch {
      // A full disk: SQLite will find it out itself, and says so to the one who writes.
      this.#walAllocatedBytes = walGrowMaxBytes + 1
    }
  }
}

type Statements = Record<'insert' | 'insertMany' | 'forget' | 'setMeta' | 'value' | 'range' | 'rows' | 'walFrames', StatementSync>
type LoadedRow = [id: number, revision: number, created: number, key: string, value: Uint8Array | null]

const insertRows = 16
const loadRows = 256
const zeros = new Uint8Array(walStepBytes)

/**
 * The memory of the values is shared, not transferred: V8 counts what is transferred as garbage to come of the thread that gets it,
 * and collects every few dozen megabytes of a load of which nothing is garbage.
 */
function toChunk(rows: readonly LoadedRow[]): RowChunk {
  const count = rows.length
  const chunk = {
    rowIds: new Float64Array(count),
    revisions: new Float64Array(count),
    createRevisions: new Float64Array(count),
    isDeletion: new Uint8Array(count),
    keys: new Array<string>(count),
    ends: new Uint32Array(count),
  }
  let end = 0
  for (let i = 0; i < count; i++) {
    const [id, revision, created, key, value] = rows[i]!
    chunk.rowIds[i] = id
    chunk.revisions[i] = revision
    chunk.createRevisions[i] = created
    chunk.keys[i] = key
    if (value) end += value.byteLength
    else chunk.isDeletion[i] = 1
    chunk.ends[i] = end
  }
  const slab = new SharedArrayBuffer(end)
  const bytes = new Uint8Array(slab)
  for (let i = 0; i < count; i++) {
    const value = rows[i]![4]
    if (value) bytes.set(value, i === 0 ? 0 : chunk.ends[i - 1]!)
  }
  return { ...chunk, slab }
}

function isAscending(numbers: readonly number[]): boolean {
  for (let i = 1; i < numbers.length; i++) if (numbers[i]! <= numbers[i - 1]!) return false
  return true
}

/**
 * One process a directory: a second database file is kept in a write transaction, which is a lock of the operating system that
 * dies with the process. Readers are not locked out, so that the one who comes second can say who came first.
 */
function takeLock(dir: string): DatabaseSync {
  const path = join(dir, 'store.lock')
  closeSync(openSync(path, 'a', 0o600))
  const lock = new DatabaseSync(path, { timeout: 0 })
  try {
    lock.exec('PRAGMA synchronous=OFF; BEGIN IMMEDIATE; CREATE TABLE IF NOT EXISTS holder (pid INTEGER)')
    lock.exec('DELETE FROM holder')
    lock.prepare('INSERT INTO holder (pid) VALUES (?)').run(process.pid)
    lock.exec('COMMIT; BEGIN IMMEDIATE')
    return lock
  } catch (error) {
    if ((error as { errcode?: number }).errcode !== sqliteBusy) throw error
    let pid: number | undefined
    try {
      pid = lock.prepare('SELECT pid FROM holder').get()?.pid as number | undefined
    } catch {
      // Its holder is just writing its name.
    }
    lock.close()
    throw new Error(`the data directory ${dir} is in use by another process${pid === undefined ? '' : ` (pid ${pid})`}`, {
      cause: error,
    })
  }
}

const sqliteBusy = 5

function reply(message: WorkerReply, transfer: ArrayBuffer[] = []): void {
  parentPort!.postMessage(message, transfer)
}

const failureOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

if (parentPort && threadId !== 0) {
  let thread: Thread | undefined
  parentPort.on('message', (request: WorkerRequest) => {
    try {
      if (request.type !== 'open') return thread!.handle(request)
      thread = new Thread(request.settings)
      thread.start(request.id)
    } catch (error) {
      reply({ type: 'failed', id: request.id, message: failureOf(error) })
      if (request.type === 'open') parentPort!.close()
    }
  })
}
