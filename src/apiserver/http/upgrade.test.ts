import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type Duplex, duplexPair } from 'node:stream'
import { after, test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { createAuditLog } from '../audit/audit-log.ts'
import { parseAuditPolicy } from '../audit/policy.ts'
import { createTestApi, testUser } from '../test-api.ts'
import { at, createPodOnNode, sender, type TestJson } from '../test-requests.ts'

const clock = virtualClock()
const random = seededRandom(1)
const events: TestJson[] = []
const audit = createAuditLog({
  policy: parseAuditPolicy('apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]'),
  backends: [{ sink: { write: (event) => void events.push(event as TestJson), full: () => undefined, close: async () => {} } }],
  clock,
  random,
})
const connected = Promise.withResolvers<Duplex>()
const { api } = await createTestApi({
  clock,
  random,
  audit,
  dialer: {
    request: () => Promise.reject(new Error('connect ECONNREFUSED')),
    connect: async () => {
      const [near, far] = duplexPair()
      connected.resolve(far)
      return near
    },
    close: () => {},
  },
})
after(() => api.close())
const send = sender(api)
await createPodOnNode(send)

/** A client that asks to run a command: its end of the connection, and when the server is done with it. */
function asked(name: string): { readonly socket: Duplex; readonly done: Promise<void> } {
  const [socket, far] = duplexPair()
  events.length = 0
  const done = api.upgrade(
    {
      method: 'POST',
      url: `/api/v1/namespaces/default/pods/${name}/exec?command=ls&stdout=true`,
      headers: { connection: 'Upgrade', upgrade: 'SPDY/3.1' },
      body: undefined,
      credentials: { clientCertificate: undefined, bearerToken: undefined },
      remoteAddress: '127.0.0.1',
      signal: new AbortController().signal,
    },
    far,
    new Uint8Array(),
  )
  return { socket, done }
}
const stages = () => events.map((event) => [event.stage, at(event, 'responseStatus.code'), at(event, 'objectRef.subresource')])

test('a command in a container is recorded as started, and as complete when its connection ends', async () => {
  const { socket, done } = asked('p')
  const agent = await connected.promise
  const [head] = (await once(agent, 'data')) as [Buffer]
  assert.match(head.toString(), /^POST \/exec\/default\/p\/c\?command=ls&output=1 HTTP\/1\.1\r\n/)
  assert.deepEqual(stages(), [
    ['RequestReceived', undefined, 'exec'],
    ['ResponseStarted', 101, 'exec'],
  ])
  for (const side of [socket, agent]) side.resume().end()
  await done
  assert.deepEqual(stages().at(-1), ['ResponseComplete', 101, 'exec'])
  assert.equal(at(events.at(-1)!, 'user.username'), testUser.name)
  assert(at(events.at(-1)!, 'annotations'))
  assert.match((await send('GET', '/metrics')).text, /apiserver_request_total\{code="101",.*subresource="exec",verb="CONNECT"/)
})

test('one that is refused is recorded with why', async () => {
  const { socket, done } = asked('missing')
  const [answer] = (await once(socket, 'data')) as [Buffer]
  assert.match(answer.toString(), /^HTTP\/1\.1 404 NotFound\r\n/)
  await done
  assert.deepEqual(stages(), [
    ['RequestReceived', undefined, 'exec'],
    ['ResponseStarted', 404, 'exec'],
    ['ResponseComplete', 404, 'exec'],
  ])
})
