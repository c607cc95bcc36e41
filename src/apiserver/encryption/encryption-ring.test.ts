import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { silentLog } from '../../base/log.ts'
import { systemClock } from '../../platform/system-clock.ts'
import { committed, put } from '../../store/conformance.ts'
import { noRevision, type Operation, type Store, type StoreKey } from '../../store/contract.ts'
import { createMemoryStore } from '../../store/memory.ts'
import { encryptedStore } from './encryption.ts'
import { finishRotations, keyRingKey, openKeyRing, RotationUnderWay } from './encryption-ring.ts'

const sealingSecret = randomBytes(32)
const prefixes = ['/registry/core/secrets/']
const secretOf = (name: string) => `/registry/core/secrets/shop/${name}` as StoreKey
const write = (name: string, text: string): Operation => ({ type: 'put', key: secretOf(name), value: Buffer.from(text), expected: 'any' })
const text = (value: Uint8Array | undefined) => Buffer.from(value ?? []).toString()

/** One of several servers on the store. */
async function startServer(inner: Store) {
  const ring = await openKeyRing({ store: inner, sealingSecret, prefixes })
  return { ring, store: encryptedStore(inner, ring) }
}

/** Which key the stored value has. */
async function keyOf(inner: Store, name: string): Promise<string | undefined> {
  return /^keelson:enc:aesgcm:v1:([^:]+):/.exec(text((await inner.get(secretOf(name)))?.value))?.[1]
}

test('servers share the ring: each reads what the other wrote, and a restart finds it', async () => {
  const inner = createMemoryStore()
  const [a, b] = [await startServer(inner), await startServer(inner)]
  await committed(a.store, write('db', 'p4ssword'))
  assert.equal(text((await b.store.get(secretOf('db')))?.value), 'p4ssword')
  assert.equal(text((await (await startServer(inner)).store.get(secretOf('db')))?.value), 'p4ssword')
  const stored = text((await inner.get(keyRingKey))?.value)
  assert.deepEqual(Object.keys(JSON.parse(stored) as object), ['metadata', 'sealed'])
})

test('a ring that was sealed with another secret is refused, not replaced', async () => {
  const inner = createMemoryStore()
  await startServer(inner)
  await assert.rejects(openKeyRing({ store: inner, sealingSecret: randomBytes(32), prefixes }), /pki\/ca\.key is not the one/)
})

test('a server that has not heard of a rotation reads the new key and cannot write with the old one', async () => {
  const inner = createMemoryStore()
  const [a, late] = [await startServer(inner), await startServer(inner)]
  await committed(a.store, write('db', '1'))
  assert.equal(await a.ring.rotate(), 'key2')
  await committed(a.store, write('new', '2'))
  assert.deepEqual(late.ring.ids, ['key1'])
  assert.equal(text((await late.store.get(secretOf('new')))?.value), '2')
  const blind = await startServer(inner)
  await a.ring.finish()
  await a.ring.rotate()
  await a.ring.finish()
  // It knows key2 as the newest still.
  await committed(blind.store, write('late', '3'))
  assert.equal(await keyOf(inner, 'late'), 'key3')
  assert.deepEqual(blind.ring.ids, ['key3'])
})

test('a rotation leaves nothing under the old key, and then forgets it', async () => {
  const inner = createMemoryStore()
  const { ring, store } = await startServer(inner)
  for (let i = 0; i < 5; i++) await committed(store, write(`s${i}`, `${i}`))
  await committed(inner, put('a', 'no secret'))
  await ring.rotate()
  await assert.rejects(ring.rotate(), RotationUnderWay)
  assert.equal(await ring.finish(), 5)
  assert.deepEqual(ring.ids, ['key2'])
  assert.equal(await ring.finish(), 0)
  const fresh = await startServer(inner)
  assert.deepEqual(fresh.ring.ids, ['key2'])
  for (let i = 0; i < 5; i++) {
    assert.equal(await keyOf(inner, `s${i}`), 'key2')
    assert.equal(text((await fresh.store.get(secretOf(`s${i}`)))?.value), `${i}`)
  }
})

/** Fails every commit from the n-th on, as a process that was killed there. */
function dyingAfter(inner: Store, commits: number): Store {
  let left = commits
  return new Proxy(inner, {
    get: (target, name) => {
      if (name === 'commit' && left-- <= 0) return () => Promise.reject(new Error('killed'))
      const value = Reflect.get(target, name, target) as unknown
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

test('a rotation that is cut short after any write is finished by the next server, and nothing is ever unreadable', async () => {
  for (let commits = 0; commits <= 6; commits++) {
    const inner = createMemoryStore()
    const first = await startServer(inner)
    for (let i = 0; i < 4; i++) await committed(first.store, write(`s${i}`, `${i}`))
    const dying = await openKeyRing({ store: dyingAfter(inner, commits), sealingSecret, prefixes })
    const cut = dying.rotate().then(() => dying.finish())
    if (commits < 6) await assert.rejects(cut, /killed/)
    else await cut
    const next = await startServer(inner)
    for (let i = 0; i < 4; i++) assert.equal(text((await next.store.get(secretOf(`s${i}`)))?.value), `${i}`)
    await next.ring.finish()
    assert.equal(next.ring.ids.length, 1)
    for (let i = 0; i < 4; i++) assert.equal(await keyOf(inner, `s${i}`), next.ring.ids[0])
  }
})

test('writes go on under a rotation by another server, and none is lost', async () => {
  const inner = createMemoryStore()
  const [a, b] = [await startServer(inner), await startServer(inner)]
  const stopping = new AbortController()
  const following = finishRotations({ ring: b.ring, source: b.ring, clock: systemClock, log: silentLog }, stopping.signal)
  const written = new Map<string, string>()
  for (let i = 0; i < 200; i++) {
    if (i % 50 === 10) await a.ring.rotate().catch((error: unknown) => assert.ok(error instanceof RotationUnderWay))
    const name = `s${i % 20}`
    await committed(i % 2 ? a.store : b.store, write(name, `${i}`))
    written.set(name, `${i}`)
  }
  for (let round = 0; round < 1000 && b.ring.ids.length !== 1; round++) await new Promise((resolve) => setImmediate(resolve))
  stopping.abort()
  await following
  await b.ring.finish()
  const fresh = await startServer(inner)
  assert.equal(fresh.ring.ids.length, 1)
  assert.notEqual(fresh.ring.ids[0], 'key1')
  for (const [name, value] of written) {
    assert.equal(await keyOf(inner, name), fresh.ring.ids[0])
    assert.equal(text((await fresh.store.get(secretOf(name)))?.value), value)
  }
})

test('a watcher sees plain values across a rotation', async () => {
  const inner = createMemoryStore()
  const [a, b] = [await startServer(inner), await startServer(inner)]
  const ending = new AbortController()
  const seen: string[] = []
  const watching = (async () => {
    for await (const { events } of b.store.watch(prefixes[0]!, { after: noRevision, signal: ending.signal })) {
      for (const event of events) seen.push(event.type === 'put' ? text(event.value) : `deleted ${text(event.previous.value)}`)
      if (seen.length >= 3) ending.abort()
    }
  })()
  await committed(a.store, write('db', '1'))
  await a.ring.rotate()
  await committed(a.store, write('db', '2'))
  await committed(a.store, { type: 'delete', key: secretOf('db'), expected: 'any' })
  await watching
  assert.deepEqual(seen, ['1', '2', 'deleted 2'])
})

test('who follows the store hears of a rotation elsewhere, and finishes it', async () => {
  const inner = createMemoryStore()
  const [a, b] = [await startServer(inner), await startServer(inner)]
  await committed(a.store, write('db', '1'))
  const ending = new AbortController()
  const watching = (async () => {
    for await (const _ of b.store.watch('', { after: inner.revision, signal: ending.signal }));
  })()
  const finishing = finishRotations({ ring: b.ring, source: b.ring, clock: systemClock, log: silentLog }, ending.signal)
  await a.ring.rotate()
  for (let round = 0; round < 1000 && b.ring.ids.join() !== 'key2'; round++) await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(b.ring.ids, ['key2'])
  assert.equal(await keyOf(inner, 'db'), 'key2')
  ending.abort()
  await Promise.all([watching, finishing])
})
