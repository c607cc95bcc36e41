import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BoundedStream } from '../base/bounded-stream.ts'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import type { ConfigMap } from '../kinds/generated/types/core-v1.ts'
import { statusErrors } from '../machinery/status-error.ts'
import { virtualClock } from '../platform/virtual-clock.ts'
import type { RawRequest, RawResponse } from './contract.ts'
import { kindRefs } from './generated/kind-refs.ts'
import { ObjectInformer } from './informer.ts'
import { createRestClient } from './rest-client.ts'

const object = (name: string, version: number, labels = {}): ConfigMap => ({
  metadata: { name, namespace: 'a', uid: `uid-${name}`, resourceVersion: String(version), labels },
})

/** A server of one collection: what it lists, and one open watch that the test feeds. */
function fakeServer() {
  const requests: string[] = []
  const state = {
    items: [] as ConfigMap[],
    resourceVersion: '1',
    watch: undefined as BoundedStream<Uint8Array> | undefined,
    refusal: undefined as Error | undefined,
  }
  const transport = (request: RawRequest): Promise<RawResponse> => {
    requests.push(request.path.replace('/api/v1/configmaps?', '').replaceAll('allowWatchBookmarks=true&', ''))
    if (state.refusal) return Promise.reject(state.refusal)
    if (request.path.includes('watch=true')) {
      const watch = new BoundedStream<Uint8Array>({ sizeMax: 100 })
      request.signal?.addEventListener('abort', () => watch.fail(request.signal?.reason))
      state.watch = watch
      return Promise.resolve({ code: 200, headers: {}, body: watch })
    }
    const list = { apiVersion: 'v1', kind: 'ConfigMapList', metadata: { resourceVersion: state.resourceVersion }, items: state.items }
    return Promise.resolve({ code: 200, headers: {}, body: chunks(JSON.stringify(list)) })
  }
  const send = (type: string, value: unknown) => state.watch?.push(new TextEncoder().encode(`${JSON.stringify({ type, object: value })}\n`))
  return { state, transport, requests, send }
}

async function* chunks(text: string) {
  await Promise.resolve()
  yield new TextEncoder().encode(text)
}

async function withInformer(
  body: (
    f: ReturnType<typeof fakeServer> & { informer: ObjectInformer<ConfigMap>; clock: ReturnType<typeof virtualClock>; trace: string[] },
  ) => Promise<void>,
  options = {},
) {
  const server = fakeServer()
  server.state.items = [object('x', 1)]
  const clock = virtualClock()
  const client = createRestClient({ transport: server.transport, clock })
  const informer = new ObjectInformer({
    client,
    kind: kindRefs.coreV1.configMaps,
    clock,
    random: seededRandom(1),
    log: silentLog,
    ...options,
  })
  const trace: string[] = []
  const abort = new AbortController()
  const running = informer.run(abort.signal)
  await clock.settle()
  informer.onChange(({ current, old }) => trace.push(`${old?.metadata.resourceVersion ?? '-'}>${current?.metadata.resourceVersion ?? '-'}`))
  await body({ ...server, informer, clock, trace })
  abort.abort()
  await running
}

test('lists once, then follows the watch', () =>
  withInformer(async ({ informer, send, clock, trace, requests }) => {
    assert.equal(informer.hasSynced, true)
    send('ADDED', object('y', 2))
    send('MODIFIED', object('x', 3))
    send('DELETED', { ...object('y', 4) })
    await clock.settle()
    assert.deepEqual(trace, ['->1', '->2', '1>3', '2>-'])
    assert.deepEqual(
      informer.list('a').map((o) => o.metadata.name),
      ['x'],
    )
    assert.deepEqual(requests, ['limit=500&resourceVersion=0', 'resourceVersion=1&watch=true'])
  }))

test('tells each reader once, and none that another has just taken out', () =>
  withInformer(async ({ informer, send, clock, trace }) => {
    const second = () => void trace.push('second')
    const removal = { second: () => {} }
    informer.onChange(({ current }) => {
      if (current?.metadata.resourceVersion !== '3') return
      removal.second()
      informer.onChange(({ current: now }) => trace.push(`new ${now?.metadata.resourceVersion}`))
    })
    removal.second = informer.onChange(second)
    informer.onChange(second)
    send('MODIFIED', object('x', 2))
    send('MODIFIED', object('x', 3))
    send('MODIFIED', object('x', 4))
    await clock.settle()
    assert.deepEqual(trace, ['->1', 'second', 'second', '1>2', 'second', '2>3', 'new 3', '3>4', 'new 4'])
  }))

test('resumes a watch that ends from the last event or bookmark, without a list', () =>
  withInformer(async ({ send, state, clock, requests }) => {
    await clock.advance(5_000)
    send('BOOKMARK', { metadata: { resourceVersion: '9' } })
    await clock.settle()
    state.watch?.close()
    await clock.settle()
    assert.deepEqual(requests.slice(2), ['resourceVersion=9&watch=true'])
  }))

test('lists anew after 410 and drops what is gone', () =>
  withInformer(async ({ send, state, clock, requests, informer, trace }) => {
    state.items = [object('z', 20)]
    state.resourceVersion = '20'
    send('ERROR', statusErrors.expired('too old').status)
    await clock.advance(1_000)
    assert.deepEqual(
      informer.list().map((o) => o.metadata.name),
      ['z'],
    )
    assert.deepEqual(trace, ['->1', '->20', '1>-'])
    assert.deepEqual(requests.slice(2), ['limit=500', 'resourceVersion=20&watch=true'])
  }))

test('backs off while the server refuses, then recovers', () =>
  withInformer(async ({ state, clock, requests }) => {
    state.refusal = new Error('refused')
    state.watch?.fail(new Error('cut'))
    await clock.advance(10_000)
    const tries = requests.length
    assert.ok(tries >= 5 && tries <= 9, `${tries} requests in 10 s`)
    state.refusal = undefined
    await clock.advance(30_000)
    assert.ok(state.watch && !state.watch.ended)
  }))

test('a watch that worked before it was cut is resumed soon, however often', () =>
  withInformer(async ({ state, clock, send, requests }) => {
    for (let version = 2; version < 10; version++) {
      send('MODIFIED', object('x', version))
      await clock.settle()
      state.watch?.fail(new Error('cut'))
      await clock.advance(400)
      assert.equal(requests.at(-1), `resourceVersion=${version}&watch=true`)
    }
  }))

test('shows a write at once and ignores its echo', () =>
  withInformer(async ({ informer, send, clock, trace }) => {
    informer.observeWrite(object('own', 5))
    assert.equal(informer.get('a/own')?.metadata.resourceVersion, '5')
    send('ADDED', object('other', 4))
    send('ADDED', object('own', 5))
    await clock.settle()
    informer.observeWrite(object('late', 5))
    assert.equal(informer.get('a/late'), undefined, 'the watch is past 5: it has seen this one come and perhaps go')
    informer.observeDelete('a/other', 'uid-other')
    send('MODIFIED', object('other', 6))
    await clock.settle()
    assert.equal(informer.get('a/other'), undefined)
    assert.deepEqual(trace, ['->1', '->5', '->4', '4>-'])
  }))

test('streams the initial state when asked to', () =>
  withInformer(
    async ({ informer, send, clock, requests }) => {
      assert.equal(informer.hasSynced, false)
      send('ADDED', object('x', 1))
      send('BOOKMARK', { metadata: { resourceVersion: '7', annotations: { 'k8s.io/initial-events-end': 'true' } } })
      await clock.settle()
      assert.equal(informer.hasSynced, true)
      assert.equal(informer.resourceVersion, '7')
      assert.deepEqual(requests, ['watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan'])
    },
    { streamsInitialList: true },
  ))

test('keeps indexes current', () =>
  withInformer(async ({ informer, send, clock }) => {
    informer.addIndex('app', (o) => (o.metadata.labels?.app ? [o.metadata.labels.app] : []))
    send('ADDED', object('y', 2, { app: 'one' }))
    await clock.settle()
    assert.equal(informer.byIndex('app', 'one').length, 1)
    send('MODIFIED', object('y', 3, { app: 'two' }))
    await clock.settle()
    assert.equal(informer.byIndex('app', 'one').length, 0)
    assert.equal(informer.byIndex('app', 'two').length, 1)
  }))
