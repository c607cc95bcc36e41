import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHttpFront } from '../apiserver/http/http-front.ts'
import { createTestApi } from '../apiserver/test-api.ts'
import { sleep } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import { isStatus } from '../machinery/status-error.ts'
import { issueCertificate, newAuthority } from '../platform/pki/certificate.ts'
import { systemClock } from '../platform/system-clock.ts'
import { ClientMetrics } from './client-metrics.ts'
import { createClientset } from './clientset.ts'
import { kindRefs } from './generated/kind-refs.ts'
import { createHttpClient, type HttpClientOptions } from './http-client.ts'
import { ObjectInformer } from './informer.ts'

const clock = systemClock
const validity = { notBeforeMs: clock.now() - 60_000, notAfterMs: clock.now() + 3_600_000 }

/** The real API over the real HTTPS front, on loopback; `cut` breaks every connection and comes back on the same port. */
async function served() {
  const ca = newAuthority({ commonName: 'ca', ...validity })
  const server = issueCertificate(ca, { subject: { commonName: 'server' }, hosts: ['127.0.0.1'], usages: ['server'], ...validity })
  const user = issueCertificate(ca, { subject: { commonName: 'jane', organizations: ['team'] }, usages: ['client'], ...validity })
  const { api } = await createTestApi({ clock, random: seededRandom(1) })
  const tls = { certificate: server.cert, key: server.key, clientCa: ca.cert }
  const open = () => createHttpFront({ handle: (request) => api.handle(request), upgrade: api.upgrade, tls, clock, log: silentLog })
  let front = open()
  const { port } = await front.listen({ host: '127.0.0.1', port: 0 })
  const clients: { close(): void }[] = []
  return {
    client: (more: Partial<HttpClientOptions> = {}) => {
      const client = createHttpClient({
        server: `https://127.0.0.1:${port}`,
        ca: ca.cert,
        cert: user.cert,
        key: user.key,
        ...more,
      })
      clients.push(client)
      return client
    },
    cut: async () => {
      await front.close(0)
      front = open()
      await front.listen({ host: '127.0.0.1', port })
    },
    close: async () => {
      for (const client of clients) client.close()
      await api.close()
      await front.close(0)
    },
  }
}

const until = async (condition: () => boolean) => {
  const endMs = clock.now() + 5_000
  while (!condition()) {
    assert.ok(clock.now() < endMs, 'not within 5 s')
    await sleep(clock, 5)
  }
}

test('a server that the CA did not sign is refused', async () => {
  const api = await served()
  const stranger = newAuthority({ commonName: 'other', ...validity })
  await assert.rejects(
    createClientset(api.client({ ca: stranger.cert }))
      .coreV1()
      .namespaces()
      .list(),
    (error) => isStatus(error, 'ServiceUnavailable'),
  )
  await api.close()
})

test('an informer over HTTPS lists, follows, and resumes after every connection was cut', async () => {
  const api = await served()
  const clientset = createClientset(api.client())
  const maps = clientset.coreV1().configMaps('default')
  await maps.create({ metadata: { name: 'first' } })
  const abort = new AbortController()
  const informer = new ObjectInformer({
    client: api.client(),
    kind: kindRefs.coreV1.configMaps,
    clock,
    random: seededRandom(2),
    log: silentLog,
    namespace: 'default',
  })
  const running = informer.run(abort.signal)
  await informer.synced(AbortSignal.timeout(5_000))
  assert.deepEqual([informer.get('default/first')?.kind, informer.get('default/first')?.apiVersion], ['ConfigMap', 'v1'])
  await maps.patch('first', { type: 'merge', body: { data: { a: '1' } } })
  await until(() => informer.get('default/first')?.data?.a === '1')
  await api.cut()
  await maps.create({ metadata: { name: 'second' } }).catch(() => maps.create({ metadata: { name: 'second' } }))
  await maps.delete('first')
  await until(() => informer.get('default/second') !== undefined && informer.get('default/first') === undefined)
  abort.abort()
  await running
  await api.close()
})

test('misuse is answered with the server’s own Status', async () => {
  const api = await served()
  const { coreV1, appsV1 } = createClientset(api.client())
  await assert.rejects(coreV1().pods('default').get('absent'), { message: 'pods "absent" not found' })
  await assert.rejects(
    coreV1()
      .configMaps('default')
      .create({ metadata: { name: 'Wrong!' } }),
    (error) => isStatus(error, 'Invalid'),
  )
  await coreV1()
    .configMaps('default')
    .create({ metadata: { name: 'c' } })
  await assert.rejects(
    coreV1()
      .configMaps('default')
      .create({ metadata: { name: 'c' } }),
    (error) => isStatus(error, 'AlreadyExists'),
  )
  await assert.rejects(appsV1().deployments('default').scale('absent', 3), (error) => isStatus(error, 'NotFound'))
  await assert.rejects(
    coreV1()
      .configMaps('default')
      .delete('c', { preconditions: { uid: 'another' } }),
    (error) => isStatus(error, 'Conflict'),
  )
  const applied = await coreV1()
    .configMaps('default')
    .apply({ metadata: { name: 'c' }, data: { a: 'b' } }, { fieldManager: 'me' })
  assert.equal(applied.data?.a, 'b')
  await api.close()
})

test('requests are counted by code, method and host, and measured unless they watch', async () => {
  const api = await served()
  const metrics = new ClientMetrics()
  const client = api.client({ metrics })
  const maps = createClientset(client).coreV1().configMaps('default')
  await maps.create({ metadata: { name: 'a' } })
  await maps.list()
  await assert.rejects(maps.get('none'))
  const stop = new AbortController()
  for await (const event of maps.watch({ signal: stop.signal, sendInitialEvents: true, allowWatchBookmarks: true }))
    if (event.type === 'BOOKMARK') break
  stop.abort()
  const refused = createHttpClient({ server: 'http://127.0.0.1:1', metrics })
  await assert.rejects(refused.resource(kindRefs.coreV1.configMaps, 'default').create({ metadata: { name: 'b' } }))
  refused.close()
  const count = (name: string, labels: RegExp) =>
    [...metrics.text().matchAll(new RegExp(`^${name}\\{(.*)\\} (\\d+)$`, 'gm'))]
      .filter(([, found = '']) => labels.test(found))
      .reduce((sum, [, , value]) => sum + Number(value), 0)
  // The end of an answer is told a moment after it was read.
  await until(() => count('rest_client_request_duration_seconds_count', /verb="GET"/) === 2)
  assert.equal(count('rest_client_requests_total', /^code="201",host="127\.0\.0\.1:\d+",method="POST"$/), 1)
  assert.equal(count('rest_client_requests_total', /^code="404".*method="GET"$/), 1)
  assert.equal(count('rest_client_requests_total', /^code="200".*method="GET"$/), 2, 'a list and a watch')
  assert.equal(count('rest_client_requests_total', /^code="<error>",host="127\.0\.0\.1:1",method="POST"$/), 1)
  assert.equal(count('rest_client_request_duration_seconds_count', /verb="POST"/), 2)
  assert.equal(count('rest_client_request_size_bytes_count', /verb="POST"/), 2)
  assert.ok(count('rest_client_response_size_bytes_count', /verb="GET"/) > 0)
  await api.close()
})

test('hosts without number are told apart up to a bound', () => {
  const metrics = new ClientMetrics()
  for (let i = 0; i < 1_000; i++) metrics.begin({ clock, method: 'POST', host: `host-${i}`, sentBytes: 0 }).answered(200)
  const hosts = [...metrics.text().matchAll(/^rest_client_requests_total\{code="200",host="([^"]+)"/gm)]
  assert.equal(hosts.length, 257)
  assert.match(metrics.text(), /host="other",method="POST"\} 744$/m)
})
