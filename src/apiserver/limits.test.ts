import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { seededRandom } from '../base/random.ts'
import { goDurationFault } from '../machinery/wire/go-duration.ts'
import { virtualClock } from '../platform/virtual-clock.ts'
import { parseRequest, type PathRequest } from './http/request-info.ts'
import { healthPaths } from './http/server-paths.ts'
import { createTestApi } from './test-api.ts'
import { rawRequest, sender } from './test-requests.ts'

const clock = virtualClock()
const { api } = await createTestApi({ clock, random: seededRandom(1), explainPod: () => new Promise(() => {}) })
after(() => api.close())
const send = sender(api)
const spec = { containers: [{ name: 'c', image: 'i' }] }
await send('POST', '/api/v1/namespaces/default/pods', { body: { metadata: { name: 'p' }, spec } })

const faults: readonly (readonly [text: string, message: string])[] = [
  ['abc', 'time: invalid duration "abc"'],
  ['10', 'time: missing unit in duration "10"'],
  ['1h5', 'time: missing unit in duration "1h5"'],
  ['10q', 'time: unknown unit "q" in duration "10q"'],
  ['.s', 'time: invalid duration ".s"'],
]
for (const [text, message] of faults)
  test(`a timeout of ${text} is a bad request`, async () => {
    assert.equal(goDurationFault(text), message)
    const { code, json } = await send('GET', `/api/v1/namespaces/default/pods/p?timeout=${text}`)
    assert.deepEqual([code, json.message], [400, `invalid timeout specified in the request URL - ${message}`])
  })

const waits: readonly (readonly [timeout: string, ms: number])[] = [
  ['2s', 2_000],
  ['0s', 60_000],
  ['2h', 60_000],
]
for (const [timeout, ms] of waits)
  test(`a request that asks for ${timeout} ends after ${ms} ms`, async () => {
    let isDone = false
    const answer = send('GET', `/api/v1/namespaces/default/pods/p/explain?timeout=${timeout}`).finally(() => (isDone = true))
    await clock.advance(ms - 1)
    assert(!isDone)
    await clock.advance(1)
    const { code, json } = await answer
    assert.deepEqual([code, json.reason], [504, 'Timeout'])
    assert.equal(json.message, 'Timeout: request did not complete within the allotted timeout')
  })

test('a watch does not mind the timeout of requests', async () => {
  const stop = new AbortController()
  const { code } = await rawRequest(api, 'GET', '/api/v1/namespaces/default/pods?watch=1&timeout=abc', { signal: stop.signal })
  assert.equal(code, 200)
  stop.abort()
})

test('the root lists what can be asked for', async () => {
  const { json } = await send('GET', '/')
  const paths = json.paths as unknown as string[]
  for (const path of [
    '/api',
    '/api/v1',
    '/apis',
    '/apis/apps',
    '/apis/apps/v1',
    '/healthz/ping',
    '/livez',
    '/metrics',
    '/openapi/v3',
    '/version',
  ])
    assert(paths.includes(path), path)
  assert.deepEqual(paths, [...paths].sort())
})

const health: readonly (readonly [url: string, text: string])[] = [
  ['/livez', 'ok'],
  ['/livez/ping', 'ok'],
  ['/livez?verbose', '[+]ping ok\nlivez check passed\n'],
  ['/readyz?verbose&exclude=ping', '[+]ping excluded: ok\nreadyz check passed\n'],
  [
    '/healthz?verbose&exclude=pong',
    '[+]ping ok\nwarn: some health checks cannot be excluded: no matches for "pong"\nhealthz check passed\n',
  ],
]
for (const [url, text] of health)
  test(`${url} says ${JSON.stringify(text)}`, async () => {
    const { body } = await rawRequest(api, 'GET', url)
    assert.equal(Buffer.from(body as Uint8Array).toString(), text)
  })

test("a check answers to upstream's name for it, too", async () => {
  const paths = healthPaths({ live: [], ready: [{ name: 'sqlite', upstreamName: 'etcd', isHealthy: () => false }] })
  const get = async (path: string, query = '') => {
    const asked = parseRequest('GET', `${path}${query}`) as PathRequest
    const response = await paths(asked, { user: { name: 'u', groups: [] }, headers: {}, signal: AbortSignal.timeout(1_000), method: 'GET' })
    return response?.code
  }
  assert.deepEqual([await get('/readyz/etcd'), await get('/readyz/sqlite'), await get('/readyz/none')], [500, 500, undefined])
  assert.deepEqual([await get('/readyz'), await get('/readyz', '?exclude=etcd'), await get('/readyz', '?exclude=sqlite')], [500, 200, 200])
})

const encodings: readonly (readonly [title: string, acceptEncoding: string, length: number, isCompressed: boolean])[] = [
  ['of 128 KiB is sent as it is', 'gzip', 128 * 1024, false],
  ['of a byte more is compressed', 'gzip', 128 * 1024 + 1, true],
  ['of a byte more is compressed for who takes other forms, too', 'br, gzip', 128 * 1024 + 1, true],
  ['is sent as it is to who weighs the form', 'gzip;q=1.0', 128 * 1024 + 1, false],
  ['is sent as it is to who takes no other', 'identity', 128 * 1024 + 1, false],
]
test('an answer to whoever asks for gzip, also on the same machine', async (t) => {
  const path = '/api/v1/namespaces/default/configmaps'
  const answer = (name: string, acceptEncoding?: string) =>
    rawRequest(api, 'GET', `${path}/${name}`, {
      ...(acceptEncoding ? { headers: { 'accept-encoding': acceptEncoding } } : {}),
    })
  for (const [i, [title, acceptEncoding, length, isCompressed]] of encodings.entries())
    await t.test(title, async () => {
      await send('POST', path, { body: { metadata: { name: `size-${i}` }, data: { a: '' } } })
      const { body } = await answer(`size-${i}`)
      const fill = 'x'.repeat(length - (body as Uint8Array).length)
      await send('PATCH', `${path}/size-${i}`, { body: { data: { a: fill } }, type: 'application/merge-patch+json' })
      const { headers, body: whole } = await answer(`size-${i}`, acceptEncoding)
      assert.equal(headers['content-encoding'], isCompressed ? 'gzip' : undefined)
      if (!isCompressed) return assert.equal((whole as Uint8Array).length, length)
      assert.equal(headers['vary'], 'Accept-Encoding')
      const blocks: Uint8Array[] = []
      for await (const block of whole as AsyncIterable<Uint8Array>) blocks.push(block)
      assert.equal(gunzipSync(Buffer.concat(blocks)).length, length)
    })
})
