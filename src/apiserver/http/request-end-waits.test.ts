/** What a request waits for before anything is done for it, and while it reads, ends with it, too. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { silentLog } from '../../base/log.ts'
import { seededRandom } from '../../base/random.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import type { KindRef } from '../../kinds/kind.ts'
import { createMemoryStore } from '../../store/memory.ts'
import { createTokenWebhook } from '../authn/token-webhook.ts'
import { createWebhookAuthorizer } from '../authz/webhook-authorizer.ts'
import type { UserInfo } from '../contract.ts'
import { unlimitedShare } from '../flowcontrol/loop-share.ts'
import { createPace, mapPaced } from '../flowcontrol/pace.ts'
import { createReviewPeer } from '../reach/review-peer.ts'
import { createTestApi, type TestApi } from '../test-api.ts'
import { rawRequest } from '../test-requests.ts'
import { RequestEnd } from './request-end.ts'

const clock = virtualClock()
const random = seededRandom(1)
/** Never answers: tells when a question has come, and when who asked has hung up. */
let asked = Promise.withResolvers<{ readonly left: Promise<void> }>()
let questions = 0
const server = createServer((request) => {
  questions++
  const left = new Promise<void>((resolve) => request.socket.once('close', () => resolve()))
  request.resume().once('end', () => asked.resolve({ left }))
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const peer = createReviewPeer({ server: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }, { clock, random })
const webhookAuthenticator = createTokenWebhook({ peer, version: 'v1', ttlMs: 0, audiences: [] }, { clock, log: silentLog })
const user: UserInfo = { name: 'u', groups: ['system:authenticated'] }
const webhookAuthorizer = createWebhookAuthorizer(
  {
    name: 'w',
    peer,
    rules: {
      version: 'v1',
      authorizedTtlMs: 0,
      unauthorizedTtlMs: 0,
      timeoutMs: 30_000,
      failurePolicy: 'NoOpinion',
      matchConditions: [],
    },
  },
  { clock, log: silentLog },
)
const apis = {
  'the token webhook': await createTestApi({ clock, random, authenticator: webhookAuthenticator }),
  'the authorization webhook': await createTestApi({
    clock,
    random,
    authenticator: { authenticate: () => user },
    authorizer: webhookAuthorizer,
  }),
}
after(async () => {
  for (const { api } of Object.values(apis)) await api.close()
  peer.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

const path = '/api/v1/namespaces/default/configmaps/none'
const configMaps: KindRef = { group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', scope: 'Namespaced' }

function get({ api }: TestApi, { query = '', signal = new AbortController().signal }: { query?: string; signal?: AbortSignal } = {}) {
  asked = Promise.withResolvers()
  return api.handle({
    method: 'GET',
    url: `${path}${query}`,
    headers: {},
    body: undefined,
    credentials: { clientCertificate: undefined, bearerToken: 't' },
    remoteAddress: '',
    signal,
  })
}

for (const [what, testApi] of Object.entries(apis)) {
  test(`${what} is not asked for longer than the request's time`, async () => {
    const answer = get(testApi, { query: '?timeout=2s' })
    const { left } = await asked.promise
    await clock.advance(2_000)
    assert.equal((await answer).code, 504)
    await left
  })

  test(`${what} is not asked any more when the client has gone`, async () => {
    const client = new AbortController()
    const answer = get(testApi, { signal: client.signal })
    const { left } = await asked.promise
    client.abort(new Error('the client has gone'))
    await left
    assert.equal((await answer).code, 504)
  })

  test(`${what} is asked once by many, for as long as one of them waits`, async () => {
    const before = questions
    const clients = [new AbortController(), new AbortController()]
    const answers = clients.map(({ signal }) => get(testApi, { signal }))
    const { left } = await asked.promise
    clients[0]!.abort(new Error('the client has gone'))
    assert.equal((await answers[0]!).code, 504)
    // Who comes now joins the other in waiting.
    const third = new AbortController()
    const joined = get(testApi, { signal: third.signal })
    third.abort(new Error('the client has gone'))
    assert.equal((await joined).code, 504)
    assert.equal(questions, before + 1)
    clients[1]!.abort(new Error('the client has gone'))
    await left
    assert.equal((await answers[1]!).code, 504)
  })
}

test('a list of the past ends its read of the store', async () => {
  const store = createMemoryStore()
  const first = await createTestApi({ clock, random, store })
  const maps = first.client.resource(configMaps, 'default')
  const { metadata } = await maps.create({ metadata: { name: 'a' } })
  await maps.create({ metadata: { name: 'b' } })
  await first.api.close()
  const reading = Promise.withResolvers<AbortSignal>()
  const list = store.list.bind(store)
  store.list = (prefix, options) => {
    const signal = options?.signal
    if (!signal) return list(prefix, options)
    reading.resolve(signal)
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
  }
  const { api } = await createTestApi({ clock, random, store })
  const query = `resourceVersion=${metadata.resourceVersion}&resourceVersionMatch=Exact&timeout=1s`
  const answer = rawRequest(api, 'GET', `/api/v1/namespaces/default/configmaps?${query}`)
  const signal = await reading.promise
  await clock.advance(1_000)
  assert.equal((await answer).code, 504)
  assert.ok(signal.aborted)
  await api.close()
})

test('a long list is worked at for as long as anybody waits for it', async () => {
  const client = new AbortController()
  const pace = createPace({ clock: virtualClock(), share: unlimitedShare, flow: 'flow', end: new RequestEnd(client.signal) })
  let made = 0
  const work = mapPaced(Array.from({ length: 10_000 }), pace, () => {
    if (++made === 100) client.abort(new Error('the client has gone'))
  })
  await assert.rejects(work, /the client has gone/)
  assert.ok(made < 200, String(made))
})
