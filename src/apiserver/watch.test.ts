import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../base/random.ts'
import { configMaps } from '../kinds/core/config-map.ts'
import { StatusError } from '../machinery/status-error.ts'
import { type VirtualClock, virtualClock } from '../platform/virtual-clock.ts'
import type { Revision } from '../store/contract.ts'
import { createTestApi, type TestApi } from './test-api.ts'
import { at, rawRequest, sender, type TestJson } from './test-requests.ts'

type Fixture = TestApi & { readonly clock: VirtualClock }

async function withApi(run: (fixture: Fixture) => Promise<void>): Promise<void> {
  const clock = virtualClock()
  const fixture = await createTestApi({ clock, random: seededRandom(3) })
  try {
    await run({ ...fixture, clock })
  } finally {
    await fixture.api.close()
  }
}

const path = '/api/v1/namespaces/default/configmaps'
const object = (name: string, labels?: Record<string, string>) => ({ metadata: { name, ...(labels ? { labels } : {}) }, data: {} })

/** Frames of a watch, one at a time. */
async function openWatch({ api }: Fixture, query: string, accept?: string) {
  const stop = new AbortController()
  const { code, body } = await rawRequest(api, 'GET', `${path}?watch=1&${query}`, { signal: stop.signal, ...(accept ? { accept } : {}) })
  assert.equal(code, 200)
  assert.ok(!(body instanceof Uint8Array))
  const frames = lines(body)
  const next = async (): Promise<TestJson | undefined> => {
    const { value, done } = await frames.next()
    return done ? undefined : (JSON.parse(value) as TestJson)
  }
  return { next, stop: () => stop.abort() }
}

async function* lines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let rest = ''
  for await (const block of body) {
    const parts = (rest + Buffer.from(block).toString()).split('\n')
    rest = parts.pop()!
    yield* parts
  }
  assert.equal(rest, '')
}

const short = (frame: TestJson | undefined) =>
  frame && `${String(frame.type)} ${String(at(frame, 'object.metadata.name'))}@${String(at(frame, 'object.metadata.resourceVersion'))}`

test('a watch without a version gives the present state, then every change in order', () =>
  withApi(async (fixture) => {
    const cms = fixture.client.resource(configMaps, 'default')
    const a = await cms.create(object('a'))
    const watch = await openWatch(fixture, '')
    assert.equal(short(await watch.next()), `ADDED a@${a.metadata.resourceVersion}`)
    const b = await cms.create(object('b'))
    const changed = await cms.patch('a', { type: 'merge', body: { data: { k: 'v' } } })
    await cms.delete('b')
    assert.equal(short(await watch.next()), `ADDED b@${b.metadata.resourceVersion}`)
    assert.equal(short(await watch.next()), `MODIFIED a@${changed.metadata.resourceVersion}`)
    const deleted = await watch.next()
    assert.equal(deleted?.type, 'DELETED')
    assert.ok(Number(at(deleted!, 'object.metadata.resourceVersion')) > Number(changed.metadata.resourceVersion))
    watch.stop()
    assert.equal(await watch.next(), undefined)
  }))

test('a watch from a version gives exactly what came after it', () =>
  withApi(async (fixture) => {
    const cms = fixture.client.resource(configMaps, 'default')
    const a = await cms.create(object('a'))
    const b = await cms.create(object('b'))
    const watch = await openWatch(fixture, `resourceVersion=${a.metadata.resourceVersion}`)
    assert.equal(short(await watch.next()), `ADDED b@${b.metadata.resourceVersion}`)
    watch.stop()
  }))

test('objects appear and disappear as they begin and cease to match a selector', () =>
  withApi(async (fixture) => {
    const cms = fixture.client.resource(configMaps, 'default')
    await cms.create(object('a', { color: 'blue' }))
    const watch = await openWatch(fixture, 'labelSelector=color%3Dred')
    const setColor = (color: string) => cms.patch('a', { type: 'merge', body: { metadata: { labels: { color } } } })
    const red = await setColor('red')
    assert.equal(short(await watch.next()), `ADDED a@${red.metadata.resourceVersion}`)
    const green = await setColor('green')
    const gone = await watch.next()
    assert.equal(short(gone), `DELETED a@${green.metadata.resourceVersion}`)
    assert.equal(at(gone!, 'object.metadata.labels.color'), 'red', 'the last state that matched')
    await setColor('blue')
    const again = await setColor('red')
    assert.equal(short(await watch.next()), `ADDED a@${again.metadata.resourceVersion}`)
    watch.stop()
  }))

test('a list streamed as a watch ends with its annotated bookmark', () =>
  withApi(async (fixture) => {
    const cms = fixture.client.resource(configMaps, 'default')
    await cms.create(object('a'))
    const b = await cms.create(object('b'))
    const watch = await openWatch(fixture, 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true')
    assert.equal((await watch.next())?.type, 'ADDED')
    assert.equal((await watch.next())?.type, 'ADDED')
    const end = await watch.next()
    assert.equal(end?.type, 'BOOKMARK')
    assert.equal(at(end!, 'object.kind'), 'ConfigMap')
    assert.equal(at(end!, 'object.metadata.annotations')?.['k8s.io/initial-events-end' as never], 'true')
    assert.equal(at(end!, 'object.metadata.resourceVersion'), b.metadata.resourceVersion)
    watch.stop()
  }))

test('bookmarks come about every minute', () =>
  withApi(async (fixture) => {
    const watch = await openWatch(fixture, 'allowWatchBookmarks=true&resourceVersion=1')
    const frame = watch.next()
    await fixture.clock.advance(61_000)
    assert.equal((await frame)?.type, 'BOOKMARK')
    watch.stop()
  }))

test('a watch ends when its timeout has passed', () =>
  withApi(async (fixture) => {
    const watch = await openWatch(fixture, 'timeoutSeconds=5')
    const frame = watch.next()
    await fixture.clock.advance(5_001)
    assert.equal(await frame, undefined)
  }))

test('a forgotten version is an ERROR event of 410', () =>
  withApi(async (fixture) => {
    const { client, store, api } = fixture
    const cms = client.resource(configMaps, 'default')
    for (let i = 0; i < 5; i++) await cms.create(object(`o${i}`))
    // A server that starts later has no history from before its start.
    await store.compact(store.revision)
    const later = await createTestApi({ clock: fixture.clock, random: seededRandom(4), store })
    const watch = await openWatch({ ...later, clock: fixture.clock }, 'resourceVersion=2')
    const frame = await watch.next()
    assert.equal(frame?.type, 'ERROR')
    assert.equal(at(frame!, 'object.code'), 410)
    assert.equal(at(frame!, 'object.reason'), 'Expired')
    assert.match(String(at(frame!, 'object.message')), /^too old resource version: 2 \(\d+\)$/)
    assert.equal(await watch.next(), undefined)
    await later.api.close()
    assert.ok(api.core.storage.cache.revision > 0)
  }))

test('from a version of the future a watch tells what follows it', () =>
  withApi(async (fixture) => {
    const { revision } = fixture.api.core.storage.cache
    const watch = await openWatch(fixture, `resourceVersion=${revision + 2}`)
    for (const name of ['a', 'b', 'c']) await fixture.client.resource(configMaps, 'default').create(object(name))
    const frame = await watch.next()
    assert.deepEqual([frame?.type, at(frame!, 'object.metadata.name')], ['ADDED', 'c'])
  }))

test('a state of the future that does not come is told of in the stream', () =>
  withApi(async (fixture) => {
    const query = 'resourceVersion=100000&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'
    const opening = openWatch(fixture, query)
    await fixture.clock.advance(3_001)
    const watch = await opening
    const frame = await watch.next()
    assert.deepEqual([frame?.type, at(frame!, 'object.code')], ['ERROR', 504])
    assert.match(String(at(frame!, 'object.message')), /^Timeout: Too large resource version: 100000, current: \d+$/)
    assert.equal(await watch.next(), undefined)
  }))

test('watchers of one batch share its bytes', () =>
  withApi(async (fixture) => {
    const open = async () => {
      const { body } = await rawRequest(fixture.api, 'GET', `${path}?watch=1&resourceVersion=1`, {})
      return (body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()
    }
    const [first, second] = [await open(), await open()]
    await fixture.client.resource(configMaps, 'default').create(object('a'))
    const [one, two] = [(await first.next()).value as Uint8Array, (await second.next()).value as Uint8Array]
    assert.equal(one.buffer, two.buffer)
    assert.equal(one.byteOffset, two.byteOffset)
    await Promise.all([first.return?.(), second.return?.()])
  }))

test('a watch as a Table names its columns once', () =>
  withApi(async (fixture) => {
    const watch = await openWatch(fixture, '', 'application/json;as=Table;v=v1;g=meta.k8s.io')
    const cms = fixture.client.resource(configMaps, 'default')
    await cms.create(object('a'))
    await cms.create(object('b'))
    const first = await watch.next()
    const second = await watch.next()
    assert.equal(at(first!, 'object.kind'), 'Table')
    assert.equal(at(first!, 'object.rows.0.cells.0'), 'a')
    assert.equal(at(first!, 'object.columnDefinitions.0.name'), 'Name')
    assert.equal(at(second!, 'object.columnDefinitions.length'), 0)
    watch.stop()
  }))

test('watchers in this process share the object itself, and a closing server ends them', () =>
  withApi(async (fixture) => {
    const cms = fixture.client.resource(configMaps, 'default')
    const stop = new AbortController()
    const watch = cms.watch({ signal: stop.signal, resourceVersion: '1' })[Symbol.asyncIterator]()
    const next = watch.next()
    await fixture.clock.settle()
    const created = await cms.create(object('a'))
    const { value } = await next
    assert.ok(value?.type === 'ADDED')
    assert.equal(value.object, created)
    const end = watch.next()
    await fixture.api.close()
    assert.equal((await end).done, true)
    await assert.rejects(cms.get('a'), (error) => error instanceof StatusError && error.code === 503)
  }))

test('pages of a list are one snapshot, until it is compacted', () =>
  withApi(async (fixture) => {
    const send = sender(fixture.api)
    const cms = fixture.client.resource(configMaps, 'default')
    for (const name of ['a', 'b', 'c', 'd', 'e']) await cms.create(object(name))
    const first = (await send('GET', `${path}?limit=2`)).json
    assert.deepEqual([at(first, 'items.0.metadata.name'), at(first, 'items.1.metadata.name')], ['a', 'b'])
    assert.equal(at(first, 'metadata.remainingItemCount'), 3)
    await cms.delete('c')
    await cms.create(object('bb'))
    const token = encodeURIComponent(String(at(first, 'metadata.continue')))
    const second = (await send('GET', `${path}?limit=2&continue=${token}`)).json
    assert.deepEqual([at(second, 'items.0.metadata.name'), at(second, 'items.1.metadata.name')], ['c', 'd'])
    assert.equal(at(second, 'metadata.resourceVersion'), at(first, 'metadata.resourceVersion'))
    const exact = (await send('GET', `${path}?resourceVersion=${String(at(first, 'metadata.resourceVersion'))}&resourceVersionMatch=Exact`))
      .json
    assert.equal(at(exact, 'items.length'), 5)
    await fixture.store.compact(fixture.store.revision as Revision)
    const gone = await send('GET', `${path}?limit=2&continue=${token}`)
    assert.equal(gone.code, 410)
    assert.equal(gone.json.reason, 'Expired')
    const onwards = encodeURIComponent(String(at(gone.json, 'metadata.continue')))
    const inconsistent = (await send('GET', `${path}?limit=2&continue=${onwards}`)).json
    assert.deepEqual([at(inconsistent, 'items.0.metadata.name'), at(inconsistent, 'items.1.metadata.name')], ['bb', 'd'])
    assert.equal(at(inconsistent, 'metadata.remainingItemCount'), 1)
  }))

test('a page with a selector ends the list when nothing more matches', () =>
  withApi(async (fixture) => {
    const cms = fixture.client.resource(configMaps, 'default')
    for (const name of ['a', 'b', 'c']) await cms.create(object(name, { pick: name === 'c' ? 'no' : 'yes' }))
    const list = await cms.list({ labelSelector: 'pick=yes', limit: 2 })
    assert.equal(list.items.length, 2)
    assert.equal(list.metadata.continue, undefined)
  }))
