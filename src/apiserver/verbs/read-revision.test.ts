import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import { seededRandom } from '../../base/random.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import type { Store } from '../../store/contract.ts'
import { createMemoryStore } from '../../store/memory.ts'
import { createTestApi } from '../test-api.ts'

/** The store as a server sees it that shares it with others, and hears nothing new as long as it is cut off. */
function shared(inner: Store) {
  let release = () => {}
  let connected: Promise<void> = Promise.resolve()
  const store = new Proxy(inner, {
    get: (target, property) => {
      if (property === 'freshRevision') return () => Promise.resolve(target.freshRevision())
      if (property === 'watch')
        return async function* (...args: Parameters<Store['watch']>) {
          for await (const batch of target.watch(...args)) {
            await connected
            yield batch
          }
        }
      const value: unknown = target[property as keyof Store]
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value
    },
  })
  const cut = () => {
    connected = new Promise((done) => (release = done))
  }
  return { store, cut, connect: () => release() }
}

async function twoServers() {
  const clock = virtualClock()
  const inner = createMemoryStore({ clock })
  const { store, cut, connect } = shared(inner)
  const own = await createTestApi({ clock, random: seededRandom(1), store, isStoreShared: true })
  const other = await createTestApi({ clock, random: seededRandom(2), store: inner, isStoreShared: true })
  const mapsOf = ({ client }: typeof own) => client.resource(kindRefs.coreV1.configMaps, 'default')
  const close = async () => {
    connect()
    await own.api.close()
    await other.api.close()
  }
  return { clock, cut, connect, own: mapsOf(own), other: mapsOf(other), close }
}

test('a read waits until the server has heard of every write, also where another member of the store must tell it first', async () => {
  const { clock, cut, connect, own, other, close } = await twoServers()
  cut()
  await other.create({ metadata: { name: 'a' } })
  const reads = Promise.all([own.get('a'), own.list(), own.list({ fieldSelector: 'metadata.name=a' })])
  await clock.advance(14_000)
  connect()
  const [got, ...lists] = await reads
  assert.equal(got.metadata.name, 'a')
  for (const { items } of lists)
    assert.deepEqual(
      items.map(({ metadata }) => metadata.name),
      ['a'],
    )
  await close()
})

test('a read of a server that hears nothing at all is told so in the end, and one of a version from the future sooner', async () => {
  const { clock, cut, own, other, close } = await twoServers()
  cut()
  const { metadata } = await other.create({ metadata: { name: 'a' } })
  const late = { message: new RegExp(`Too large resource version: ${metadata.resourceVersion}, current: `) }
  let isAnswered = false
  const fresh = assert.rejects(own.get('a'), late).then(() => (isAnswered = true))
  const named = assert.rejects(own.get('a', { resourceVersion: metadata.resourceVersion! }), late)
  await clock.advance(3_001)
  await named
  assert.equal(isAnswered, false)
  await clock.advance(12_000)
  await fresh
  await close()
})
