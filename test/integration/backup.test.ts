/** Backups of running clusters and what comes back of them, however the restore ends. */
import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { silentLog } from '../../src/base/log.ts'
import type { Client } from '../../src/client/contract.ts'
import { isStatus } from '../../src/machinery/status-error.ts'
import { ensureClusterPki } from '../../src/platform/pki/cluster-pki.ts'
import { systemClock } from '../../src/platform/system-clock.ts'
import { systemRandom } from '../../src/platform/system-random.ts'
import { backupCluster } from '../../src/roles/backup/backup.ts'
import { finishRestore } from '../../src/roles/backup/finish-restore.ts'
import { openEtcd } from '../../src/roles/open-store.ts'
import { restoreCluster } from '../../src/roles/backup/restore.ts'
import { parseStoreLocation } from '../../src/roles/store-location.ts'
import { committed, follow, put } from '../../src/store/conformance.ts'
import { type Operation, type Revision, type Store, StoreCompacted } from '../../src/store/contract.ts'
import { clearForRestore } from '../../src/store/etcd/restore-mark.ts'
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { startEtcdCluster } from './etcd-cluster.ts'
import { freePort, keelson, startServerProcess } from './server-process.ts'

const directory = mkdtempSync(join(tmpdir(), 'keelson-backup-'))
const dirOf = (name: string) => join(directory, name)
after(() => rmSync(directory, { recursive: true, force: true }))
const parts = { clock: systemClock, random: systemRandom }
const noClient = (): Client => assert.fail('no server is asked')
const openAt = (dataDir: string) => openSqliteStore({ dir: join(dataDir, 'store'), clock: systemClock, log: silentLog })
const backupOf = (dataDir: string, file: string, more: { store?: string; passphrase?: string } = {}) =>
  backupCluster(parts, { file, dataDir, client: noClient, store: undefined, passphrase: undefined, ...more })
const restoreTo = (dataDir: string, file: string, more: { store?: string; passphrase?: string; force?: boolean } = {}) =>
  restoreCluster(parts, { file, dataDir, store: undefined, passphrase: undefined, force: false, ...more })
const state = async (store: Store) => (await store.list('')).entries.map(({ key, value }) => `${key}=${Buffer.from(value).toString()}`)

/** A data directory with keys and some objects, no server on it. */
async function makeCluster(name: string, objects: readonly Operation[]): Promise<string> {
  const dataDir = dirOf(name)
  ensureClusterPki({ dir: join(dataDir, 'pki'), hosts: ['localhost'], nowMs: systemClock.now() })
  const store = await openAt(dataDir)
  for (const operation of objects) await committed(store, operation)
  await store.close()
  return dataDir
}

async function stateOf(dataDir: string): Promise<{ readonly objects: readonly string[]; readonly authority: string }> {
  const store = await openAt(dataDir)
  const objects = await state(store)
  await store.close()
  return { objects, authority: readFileSync(join(dataDir, 'pki/ca.crt'), 'utf8') }
}

const some = (text: string) => Array.from({ length: 20 }, (_, i) => put(`k${i}`, `${text}${i}`))

test('a running cluster is backed up at one revision while writes go on, and comes back elsewhere with its secrets', async () => {
  const server = await startServerProcess({ dataDir: dirOf('running'), port: await freePort(), args: ['--runtime', 'none'] })
  const maps = server.clientset.coreV1().configMaps('default')
  await server.clientset
    .coreV1()
    .secrets('default')
    .create({ metadata: { name: 'db' }, stringData: { password: 'p4ssword' } })
  for (const name of ['a', 'b']) await maps.create({ metadata: { name }, data: { i: '0' } })
  let isOver = false
  // In every state there is, a is b or one more.
  const writing = (async () => {
    for (let i = 1; !isOver && i < 5000; i++)
      for (const name of ['a', 'b']) await maps.patch(name, { type: 'merge', body: { data: { i: `${i}` } } })
  })()
  const file = dirOf('running.backup')
  const made = await keelson(['backup', file, '--data-dir', server.dataDir])
  assert.equal(made.code, 0, made.stderr)
  assert.match(made.stderr, /objects and the cluster's keys are in .*running\.backup[\s\S]*--passphrase-file/)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  isOver = true
  await writing
  const seen = Number((await maps.list()).metadata?.resourceVersion)
  const refused = await keelson(['restore', file, '--force', '--data-dir', server.dataDir])
  assert.match(refused.stderr, /a server runs on .*: run `keelson down` first/)
  await server.stop()

  const restored = await keelson(['restore', file, '--data-dir', dirOf('elsewhere')])
  assert.equal(restored.code, 0, restored.stderr)
  const again = await startServerProcess({ dataDir: dirOf('elsewhere'), port: await freePort(), args: ['--runtime', 'none'] })
  try {
    const back = again.clientset.coreV1()
    const [a, b] = await Promise.all(['a', 'b'].map(async (name) => Number((await back.configMaps('default').get(name)).data?.i)))
    assert.ok(a === b || a === b! + 1, `a ${a}, b ${b}`)
    const secret = await back.secrets('default').get('db')
    assert.equal(Buffer.from(secret.data?.password ?? '', 'base64').toString(), 'p4ssword')
    assert.ok(Number(secret.metadata.resourceVersion) > seen)
    const watching = async () => {
      for await (const _ of back.configMaps('default').watch({ resourceVersion: String(seen), signal: AbortSignal.timeout(20_000) }));
    }
    await assert.rejects(watching(), (error) => isStatus(error, 'Expired'))
    // Whoever had credentials of the cluster before has them still.
    const old = readFileSync(join(server.dataDir, 'pki/ca.crt'), 'utf8')
    assert.equal(readFileSync(join(again.dataDir, 'pki/ca.crt'), 'utf8'), old)
  } finally {
    await again.stop()
  }
})

test('a backup is never restored over a cluster unless that is asked for, and then no revision goes back', async () => {
  const [one, two] = [await makeCluster('one', some('one')), await makeCluster('two', some('two'))]
  const file = dirOf('one.backup')
  assert.equal((await backupOf(one, file)).entries, 20)
  const before = await stateOf(two)
  await assert.rejects(restoreTo(two, file), /two holds a cluster already: give --force/)
  assert.deepEqual(await stateOf(two), before)
  const late = await openAt(two)
  for (let i = 0; i < 50; i++) await committed(late, put('busy', `${i}`))
  const seen = late.revision
  await late.close()
  await restoreTo(two, file, { force: true })
  assert.deepEqual(await stateOf(two), await stateOf(one))
  assert.deepEqual(readdirSync(two).sort(), ['pki', 'store'])
  const store = await openAt(two)
  for (const { key, revision } of (await store.list('')).entries) assert.ok(revision > seen, key)
  await assert.rejects(follow(store, seen, store.revision), StoreCompacted)
  await store.close()
})

test('what cannot be restored is told why, and changes nothing', async () => {
  const [one, two] = [await makeCluster('kept', some('kept')), await makeCluster('same', some('same'))]
  const file = dirOf('kept.backup')
  await backupOf(one, file, { passphrase: 'correct horse' })
  const before = await stateOf(two)
  const whole = readFileSync(file)
  const check = async (given: { passphrase?: string; bytes?: Buffer }, expected: RegExp) => {
    writeFileSync(file, given.bytes ?? whole)
    const passphrase = 'passphrase' in given ? given : { passphrase: 'correct horse' }
    await assert.rejects(restoreTo(two, file, { force: true, ...passphrase }), expected)
    await assert.rejects(restoreTo(dirOf('fresh'), file, passphrase), expected)
    assert.deepEqual(await stateOf(two), before)
    assert.equal(existsSync(join(dirOf('fresh'), 'pki')), false)
  }
  await check({ passphrase: 'battery staple' }, /the passphrase is not that of .*kept\.backup/)
  await check({ passphrase: undefined } as { passphrase?: string }, /is encrypted: it needs its passphrase/)
  await check({ bytes: whole.subarray(0, whole.length - 10) }, /is cut short: nothing was restored/)
  await check({ bytes: whole.subarray(0, 70) }, /is cut short/)
  await check({ bytes: Buffer.from(whole.with(whole.length - 80, whole.at(-80)! ^ 1)) }, /is damaged|not that of/)
  writeFileSync(file, whole)
  await restoreTo(dirOf('fresh'), file, { passphrase: 'correct horse' })
  assert.deepEqual(await stateOf(dirOf('fresh')), await stateOf(one))
})

test('a restore that is killed at any moment leaves the cluster from before or the whole new one', async () => {
  const source = await makeCluster(
    'large',
    Array.from({ length: 60 }, (_, i) => put(`k${i}`, 'x'.repeat(20_000))),
  )
  const file = dirOf('large.backup')
  await backupOf(source, file)
  const restored = await stateOf(source)
  const outcomes = new Set<string>()
  for (let round = 0; round < 8; round++) {
    const dataDir = await makeCluster(`killed-${round}`, some('old'))
    const old = await stateOf(dataDir)
    const child = fork(join(import.meta.dirname, 'restore-child.ts'), [file, dataDir], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
    })
    await killAt(child, round)
    finishRestore(dataDir, { demandsCluster: true })
    const found = await stateOf(dataDir)
    const isNew = found.authority === restored.authority
    assert.deepEqual(found, isNew ? restored : old, `round ${round}`)
    outcomes.add(isNew ? 'new' : 'old')
  }
  assert.deepEqual([...outcomes].sort(), ['new', 'old'])
})

/** The child tells each call that changes a file; the rounds kill it at different ones, from the first to the last. */
async function killAt(child: ChildProcess, round: number): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve))
  let calls = 0
  child.on('message', (call: string) => {
    if (call === 'ready') child.send('go')
    else if (++calls === 1 + round * 5) child.kill('SIGKILL')
  })
  await ended
}

test('a first restore that was cut short is not mistaken for an empty cluster', async () => {
  const file = dirOf('first.backup')
  await backupOf(await makeCluster('first', some('first')), file)
  const dataDir = dirOf('cut')
  const child = fork(join(import.meta.dirname, 'restore-child.ts'), [file, dataDir], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  await killAt(child, 1)
  const { code, stderr } = await keelson(['server', '--data-dir', dataDir, '--runtime', 'none', '--listen', '127.0.0.1:0'])
  assert.equal(code, 1)
  assert.match(stderr, /a restore into .* was cut short: run `keelson restore` again/)
  await restoreTo(dataDir, file)
  assert.deepEqual(await stateOf(dataDir), await stateOf(dirOf('first')))
})

test('a cluster on an etcd is backed up and restored there, into another or into SQLite', async () => {
  const etcd = await startEtcdCluster({ members: 1 })
  try {
    const url = (root: string) => `etcd://${etcd.endpoints.join(',')}/${root}`
    const open = (root: string) => openEtcd(parseStoreLocation(url(root)), parts)
    const dataDir = dirOf('on-etcd')
    ensureClusterPki({ dir: join(dataDir, 'pki'), hosts: ['localhost'], nowMs: systemClock.now() })
    const store = await open('live')
    for (const operation of some('etcd')) await committed(store, operation)
    const objects = await state(store)
    const file = dirOf('etcd.backup')
    await backupOf(dataDir, file, { store: url('live') })
    const seen: Revision = await committed(store, put('later', '1'))
    await store.close()
    await assert.rejects(restoreTo(dirOf('to-etcd'), file, { store: url('live') }), /live holds a cluster already: give --force/)
    for (const root of ['live', 'other']) {
      await restoreTo(dirOf(`to-${root}`), file, { store: url(root), force: root === 'live' })
      const back = await open(root)
      assert.deepEqual(await state(back), objects)
      for (const { key, revision } of (await back.list('')).entries) assert.ok(revision > seen, key)
      assert.ok((await committed(back, put('again', '1'))) > seen)
      await assert.rejects(follow(back, seen, back.revision), StoreCompacted)
      await back.close()
    }
    await restoreTo(dirOf('to-sqlite'), file)
    assert.deepEqual((await stateOf(dirOf('to-sqlite'))).objects, objects)
    // Half a restore is nobody's store.
    await clearForRestore({ endpoints: etcd.endpoints, root: '/half', tls: undefined, clock: systemClock })
    const half = await openEtcd(parseStoreLocation(url('half')), { ...parts, isRestoring: true })
    await committed(half, put('k1', 'half'))
    await half.close()
    await assert.rejects(open('half'), /holds a restore that was cut short: run `keelson restore` again/)
    await restoreTo(dirOf('half'), file, { store: url('half'), force: true })
    const whole = await open('half')
    assert.deepEqual(await state(whole), objects)
    await whole.close()
  } finally {
    await etcd.close()
  }
})
