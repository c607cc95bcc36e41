import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { sleep } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { systemClock } from '../../platform/system-clock.ts'
import { committed, describeStore, follow, key, put, remove, showEntry, showEvent, type StoreUnderTest } from '../conformance.ts'
import { type EventBatch, noRevision, type Operation, type Revision, type Store, type StoreKey, StoreUnavailable } from '../contract.ts'
import { createWatchCache } from '../watch-cache.ts'
import { openSqliteStore, type SqliteStoreOptions } from './sqlite-store.ts'

async function open(dir: string): Promise<StoreUnderTest> {
  const store = await openSqliteStore({ dir, clock: systemClock, log: silentLog })
  return {
    store,
    reopen: async () => {
      await store.close()
      return open(dir)
    },
    dispose: async () => {
      await store.close()
      await rm(dir, { recursive: true })
    },
  }
}

describeStore('sqlite', async () => open(await mkdtemp(join(tmpdir(), 'keelson-store-'))), { runs: 15, isDurable: true })

const using = (options: Partial<SqliteStoreOptions>, use: (store: Store, dir: string) => Promise<void>) => async () => {
  const dir = await mkdtemp(join(tmpdir(), 'keelson-store-'))
  const store = await openSqliteStore({ dir, clock: systemClock, log: silentLog, ...options })
  try {
    await use(store, dir)
  } finally {
    await store.close()
    await rm(dir, { recursive: true })
  }
}

const large = (name: string, expected: 'any' | 'absent' = 'any'): Operation => ({
  type: 'put',
  key: key(name),
  value: new Uint8Array(100_000).fill(name.length),
  expected,
})

describe('sqlite: the last state that a deletion tells', () => {
  it(
    'comes once, to who follows; whoever asks for the past gets what was stored',
    using({}, async (store) => {
      const before = await committed(store, put('a', 'x'))
      const last = new TextEncoder().encode('x, for a reason')
      const following = follow(store, before, (before + 1) as Revision)
      await committed(store, { type: 'delete', key: key('a'), expected: before, last })
      const shown = (batches: readonly EventBatch[]) => batches.flatMap(({ events }) => events.map(showEvent))
      assert.deepEqual(shown(await following), ['delete a@2 was a=x, for a reason@1/1'])
      assert.deepEqual(shown(await follow(store, before, (before + 1) as Revision)), ['delete a@2 was a=x@1/1'])
      assert.deepEqual((await store.list('', { revision: before })).entries.map(showEntry), ['a=x@1/1'])
    }),
  )
})

describe('sqlite: a full disk', () => {
  it(
    'fails the writes that did not fit, keeps the rest, and writes again once there is room',
    using({ sizeMaxBytes: 1 << 20 }, async (store) => {
      let count = 0
      const fillUp = async () => {
        for (;;) {
          await committed(store, large(`k${count}`))
          count++
        }
      }
      await assert.rejects(fillUp(), (error) => error instanceof StoreUnavailable && /full/.test(error.message))
      assert.ok(count > 3 && count < 11, `${count} fitted`)
      assert.equal(store.revision, count)
      assert.equal((await store.list('')).entries.length, count)
      const burst = await Promise.allSettled([store.commit([large('x', 'absent')]), store.commit([large('x', 'absent')])])
      assert.deepEqual(
        burst.map((result) => result.status),
        ['rejected', 'rejected'],
      )
      assert.equal(await store.get(key('x')), undefined)
      for (let i = 0; i < count; i += 2) await committed(store, remove(`k${i}`))
      await store.compact(store.revision)
      const revision = await committed(store, large('x', 'absent'))
      // I1: the revisions of the writes that failed are not given again.
      assert.ok(revision > count + Math.ceil(count / 2) + 2)
      const events = (await follow(store, store.compactRevision, store.revision)).flatMap((batch) => batch.events)
      assert.deepEqual(
        events.map((event) => event.revision),
        [revision],
      )
    }),
  )
  it(
    'makes room by compaction while writes keep failing',
    using({ sizeMaxBytes: 1 << 20 }, async (store) => {
      const overwrite = async () => {
        for (;;) await committed(store, large('k'))
      }
      await assert.rejects(overwrite(), StoreUnavailable)
      const failing = Promise.allSettled(Array.from({ length: 30 }, () => store.commit([large('k')])))
      await Promise.allSettled([store.compact(store.revision), failing])
      await store.compact(store.revision)
      await committed(store, large('k'))
    }),
  )
})

describe('sqlite: its files', () => {
  it(
    'stay as small as what is there and the history that may be kept of it, however much is written',
    using({ historyBytesMax: 1 << 20, checkpointBytes: 1 << 20 }, async (store, dir) => {
      for (let i = 0; i < 200; i++) await committed(store, i % 10 === 9 ? remove('k') : large('k'))
      const { size } = await stat(join(dir, 'store.db'))
      assert.ok(size < 6 << 20, `${size} bytes for one value of 100,000`)
      assert.ok(store.revision - store.compactRevision <= 13, 'the history holds ten values')
      assert.ok(store.revision - store.compactRevision >= 5, 'and not much less than half of them')
    }),
  )
  it(
    'stay so over a restart',
    using({}, async (store, dir) => {
      for (let i = 0; i < 30; i++) await committed(store, large('k'))
      await store.close()
      const again = await openSqliteStore({ dir, clock: systemClock, log: silentLog, historyBytesMax: 1 << 20 })
      await committed(again, large('k'))
      assert.ok(again.revision - again.compactRevision <= 11)
      await again.close()
    }),
  )
  it(
    'let only one process in, and say which',
    using({}, async (_store, dir) => {
      const second = openSqliteStore({ dir, clock: systemClock, log: silentLog })
      await assert.rejects(second, new RegExp(`the data directory ${dir} is in use by another process \\(pid ${process.pid}\\)`))
    }),
  )
  it(
    'are for their owner alone',
    using({}, async (store, dir) => {
      await committed(store, put('a', '1'))
      for (const file of ['store.db', 'store.db-wal', 'store.lock']) assert.equal(statSync(join(dir, file)).mode & 0o077, 0, file)
    }),
  )
  it('of a newer format are refused', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'keelson-store-'))
    await (await openSqliteStore({ dir, clock: systemClock, log: silentLog })).close()
    const db = new DatabaseSync(join(dir, 'store.db'))
    db.exec("UPDATE meta SET value = 99 WHERE name = 'format'")
    db.close()
    await assert.rejects(openSqliteStore({ dir, clock: systemClock, log: silentLog }), /has format 99; this version reads format 1/)
    await rm(dir, { recursive: true })
  })
  it('are scanned as they are, whatever was written between the opening and the scan', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'keelson-store-'))
    const open = () => openSqliteStore({ dir, clock: systemClock, log: silentLog })
    const first = await open()
    for (let i = 0; i < 600; i++) await committed(first, put(`k${i % 400}`, `${i}`))
    await committed(first, remove('k7'))
    await first.close()
    const store = await open()
    await committed(store, put('k3', 'newer'), put('new', 'x'))
    await committed(store, remove('k5'))
    for (const round of ['from what was read at the opening', 'from the database']) {
      const { chunks, revision } = await store.scan('')
      const seen = new Set<string | undefined>()
      for await (const chunk of chunks) {
        // What happens meanwhile is not of the moment.
        if (seen.size === 0) await committed(store, put('k9', 'later'), remove('k11'), put('later', 'x'))
        for (const entry of chunk) seen.add(showEntry(entry))
      }
      assert.deepEqual(seen, new Set((await store.list('', { revision })).entries.map(showEntry)), round)
      await committed(store, remove('later'), put('k11', 'again'))
    }
    await store.close()
    await rm(dir, { recursive: true })
  })
  it(
    'keep the write-ahead log bounded',
    using({ checkpointBytes: 512 << 10 }, async (store, dir) => {
      // The thread that moves the log into the file starts with the first need of it: until then the log may grow.
      for (let i = 0; i < 10; i++) await store.commit([large(`k${i}`)])
      for (let n = 0; n < 3000 && statSync(join(dir, 'store.db')).size < 512 << 10; n++) await sleep(systemClock, 10)
      for (let round = 0; round < 40; round++) await Promise.all(Array.from({ length: 10 }, (_, i) => store.commit([large(`k${i}`)])))
      const { size } = statSync(join(dir, 'store.db-wal'))
      assert.ok(size < 16 << 20, `40 MB written, a log of ${size} bytes`)
    }),
  )
})

describe('sqlite: what it keeps in memory', () => {
  it(
    'serves values that have left it, to readers and to watchers from the past',
    using({}, async (store) => {
      for (let i = 0; i < 200; i++) await committed(store, large(`k${i % 20}`))
      await committed(store, remove('k3'))
      assert.equal((await store.get(key('k5')))?.value.byteLength, 100_000)
      const events = (await follow(store, noRevision, store.revision)).flatMap((batch) => batch.events)
      assert.equal(events.length, 201)
      for (const event of events) assert.equal((event.type === 'put' ? event : event.previous).value.byteLength, 100_000)
    }),
  )
  it(
    "holds nothing of a writer's memory once the next transaction is written",
    using({}, async (store) => {
      const operation = (name: string) => ({ type: 'put', key: key(name), value: Buffer.from(name.repeat(5)), expected: 'any' }) as const
      const first = [operation('a'), operation('bc'), operation('')]
      await Promise.all(first.map((one) => store.commit([one])))
      await committed(store, remove('bc'))
      await committed(store, put('x', 'x'))
      for (const { value } of first) value.fill(0)
      const texts = (await store.list('')).entries.map(({ value }) => Buffer.from(value).toString())
      assert.deepEqual(texts, ['', 'aaaaa', 'x'])
      const removed = (await follow(store, noRevision, store.revision)).flatMap((batch) => batch.events).find((e) => e.type === 'delete')
      assert.equal(removed && Buffer.from(removed.previous.value).toString(), 'bcbcbcbcbc')
    }),
  )
  it(
    'forgets the oldest events by itself',
    using({ historyEventsMax: 20 }, async (store) => {
      for (let i = 0; i < 100; i++) await committed(store, put('a', `${i}`))
      assert.ok(store.compactRevision >= 79, `${store.compactRevision}`)
      assert.equal(
        showEntry((await store.list('', { revision: store.compactRevision })).entries[0]),
        `a=${store.compactRevision - 1}@${store.compactRevision}/1`,
      )
    }),
  )
})

describe('sqlite: a compaction cut short', () => {
  it('brings no deleted key back and is finished after the restart', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'keelson-store-'))
    let store = await openSqliteStore({ dir, clock: systemClock, log: silentLog })
    for (let i = 0; i < 10; i++) await committed(store, put(`k${i}`, '1'), put(`l${i}`, '1'))
    for (let i = 0; i < 10; i++) await committed(store, remove(`k${i}`), put(`l${i}`, '2'))
    await store.close()
    // As a crash after the first chunk leaves it: the revision is written, a part of the rows is gone.
    const db = new DatabaseSync(join(dir, 'store.db'))
    db.exec("INSERT INTO meta VALUES ('compactRevision', 20), ('revision', 20); DELETE FROM entry WHERE id <= 3 OR id = 21")
    db.close()
    store = await openSqliteStore({ dir, clock: systemClock, log: silentLog })
    assert.deepEqual([store.revision, store.compactRevision], [20, 20])
    const expected = Array.from({ length: 10 }, (_, i) => `l${i}=2@${11 + i}/${i + 1}`)
    assert.deepEqual((await store.list('')).entries.map(showEntry), expected)
    await committed(store, put('z', '1'))
    await store.compact(store.revision)
    await store.close()
    const after = new DatabaseSync(join(dir, 'store.db'))
    assert.equal(after.prepare('SELECT count(*) AS n FROM entry').get()?.n, 11)
    after.close()
    await rm(dir, { recursive: true })
  })
})

it(
  'sqlite: a watch cache over it starts with everything and reads its own writes',
  using({}, async (store) => {
    await Promise.all(Array.from({ length: 1500 }, (_, i) => committed(store, put(`k${i}`, `${i}`))))
    const decode = (_key: StoreKey, value: Uint8Array, revision: Revision) => `${new TextDecoder().decode(value)}@${revision}`
    const cache = await createWatchCache<string>({ store, decode, clock: systemClock })
    assert.equal(cache.list('').length, 1500)
    await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        const result = await cache.commit([put(`k${i}`, 'new')])
        assert.equal(cache.get(key(`k${i}`))?.value, `new@${result.type === 'committed' ? result.revision : ''}`)
      }),
    )
    await cache.commit([remove('k7')])
    assert.equal(cache.get(key('k7')), undefined)
    await cache.close()
  }),
)
