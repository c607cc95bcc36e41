import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { silentLog } from '../../src/base/log.ts'
import { systemClock } from '../../src/platform/system-clock.ts'
import { systemRandom } from '../../src/platform/system-random.ts'
import { ensureClusterPki } from '../../src/platform/pki/cluster-pki.ts'
import { migrateStore } from '../../src/roles/backup/migrate.ts'
import { openEtcd } from '../../src/roles/open-store.ts'
import { parseStoreLocation } from '../../src/roles/store-location.ts'
import { committed, describeStore, follow, put, remove, type StoreUnderTest } from '../../src/store/conformance.ts'
import { type Revision, type Store, StoreCompacted } from '../../src/store/contract.ts'
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { openEtcdStore } from '../../src/store/etcd/etcd-store.ts'
import { type EtcdCluster, startEtcdCluster } from './etcd-cluster.ts'

let etcd: EtcdCluster
let made = 0
before(async () => {
  etcd = await startEtcdCluster({ members: 3 })
})
after(() => etcd.close())

async function open(root: string): Promise<StoreUnderTest> {
  const store = await openEtcdStore({ endpoints: etcd.endpoints, tls: undefined, root, clock: systemClock, random: systemRandom })
  return {
    store,
    reopen: async () => {
      await store.close()
      return open(root)
    },
    dispose: () => store.close(),
  }
}

describeStore('etcd', () => open(`/store-${++made}`), { runs: 15, isDurable: true })

test('a scan reads on past its first page, and few times where entries are small', async () => {
  const { store, dispose } = await open(`/store-${++made}`)
  const name = (i: number) => `k${String(i).padStart(4, '0')}`
  for (let at = 0; at < 2_500; at += 100) await committed(store, ...Array.from({ length: 100 }, (_, i) => put(name(at + i), `${at + i}`)))
  const { chunks } = await store.scan('')
  const pages: string[][] = []
  for await (const chunk of chunks) pages.push(chunk.map(({ value }) => Buffer.from(value).toString()))
  assert.deepEqual(
    pages.flat(),
    Array.from({ length: 2_500 }, (_, i) => String(i)),
  )
  assert.equal(pages.length, 2)
  await dispose()
})

test('a migration to etcd and back keeps every object, and no revision is given that a client has seen', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'keelson-migrate-'))
  const parts = { clock: systemClock, random: systemRandom }
  const sqlite = (name: string) => openSqliteStore({ dir: join(dir, name, 'store'), clock: systemClock, log: silentLog })
  const url = `etcd://${etcd.endpoints.join(',')}/migrated`
  const state = async (store: Store) => (await store.list('')).entries.map(({ key, value }) => `${key}=${Buffer.from(value).toString()}`)
  const checkAfter = async (store: Store, seen: Revision, expected: readonly string[]) => {
    assert.deepEqual(await state(store), expected)
    for (const entry of (await store.list('')).entries) assert.ok(entry.revision > seen, `${entry.key} has revision ${entry.revision}`)
    await assert.rejects(follow(store, seen, store.revision), StoreCompacted)
    assert.ok((await committed(store, put('later', '1'))) > seen)
  }
  try {
    const old = await sqlite('old')
    for (let i = 0; i < 300; i++) await committed(old, put(`k${i}`, `${i}`), put('same', `${i}`))
    await committed(old, remove('k7'))
    const [seen, objects] = [old.revision, await state(old)]
    await old.close()
    assert.equal((await migrateStore(parts, { from: `sqlite:${join(dir, 'old')}`, to: url })).entries, objects.length)
    const between = await openEtcdStore({
      endpoints: etcd.endpoints,
      tls: undefined,
      root: '/migrated',
      clock: systemClock,
      random: systemRandom,
    })
    await checkAfter(between, seen, objects)
    const [seenThere, objectsThere] = [await between.freshRevision(), await state(between)]
    await between.close()
    await migrateStore(parts, { from: url, to: `sqlite:${join(dir, 'new')}` })
    const back = await sqlite('new')
    await checkAfter(back, seenThere, objectsThere)
    await back.close()
    await assert.rejects(migrateStore(parts, { from: url, to: `sqlite:${join(dir, 'new')}` }), /cannot migrate to sqlite:.*never used/)
    await assert.rejects(migrateStore(parts, { from: 'sqlite:/nowhere', to: url }), /there is no store in/)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
})

test('members that demand a client certificate let in who shows one, and nobody else', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'keelson-etcd-tls-'))
  ensureClusterPki({ dir, hosts: ['127.0.0.1', 'localhost'], nowMs: systemClock.now() })
  const file = (name: string) => join(dir, name)
  const secured = await startEtcdCluster({
    members: 1,
    tls: { ca: file('ca.crt'), certificate: file('apiserver.crt'), key: file('apiserver.key') },
  })
  const [endpoint] = secured.endpoints
  const parts = { clock: systemClock, random: systemRandom }
  const open = (query: string) => openEtcd(parseStoreLocation(`etcd://${endpoint}?${query}`), parts)
  try {
    const store = await open(`cacert=${file('ca.crt')}&cert=${file('admin.crt')}&key=${file('admin.key')}`)
    assert.equal(await committed(store, put('a', '1')), 1)
    await store.close()
    await assert.rejects(open(`cacert=${file('ca.crt')}`), /no etcd member answers/)
    await assert.rejects(open(`cacert=${file('missing.crt')}`), /cannot read .*missing.crt/)
  } finally {
    await secured.close()
    await rm(dir, { recursive: true, force: true })
  }
})
