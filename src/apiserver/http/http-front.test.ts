import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { request as httpsRequest, createServer as createHttpsServer, type RequestOptions } from 'node:https'
import { connect as connectHttp2 } from 'node:http2'
import { connect as connectTls } from 'node:tls'
import { type AddressInfo, connect as connectTcp } from 'node:net'
import type { Duplex } from 'node:stream'
import { after, test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import { silentLog } from '../../base/log.ts'
import { systemClock } from '../../platform/system-clock.ts'
import { issueCertificate, newAuthority } from '../../platform/pki/certificate.ts'
import { certificateAuthenticator } from '../authn/certificates.ts'
import { createHttpFront } from './http-front.ts'
import { createDialer } from '../reach/node-dialer.ts'
import { createTestApi, testUser } from '../test-api.ts'

const span = { notBeforeMs: Date.UTC(2026, 0, 1), notAfterMs: Date.UTC(2040, 0, 1) }
const authority = newAuthority({ commonName: 'ca', ...span })
const stranger = newAuthority({ commonName: 'other', ...span })
const hosts = ['127.0.0.1', 'localhost']
const server = issueCertificate(authority, { subject: { commonName: 'server' }, usages: ['server', 'client'], hosts, ...span })
const alice = issueCertificate(authority, { subject: { commonName: 'alice', organizations: ['devs', 'ops'] }, usages: ['client'], ...span })
const mallory = issueCertificate(stranger, { subject: { commonName: 'mallory' }, usages: ['client'], ...span })

const certificates = certificateAuthenticator({ clock: systemClock })

const { api } = await createTestApi({
  clock: systemClock,
  random: seededRandom(1),
  dialer: createDialer({ ca: authority.cert, certificate: server.cert, key: server.key }),
  authenticator: {
    authenticate: (credentials) => {
      const user = certificates.authenticate(credentials)
      if (user) return user
      const { bearerToken } = credentials
      return bearerToken === 'good' ? testUser : undefined
    },
  },
})
const front = createHttpFront({
  handle: (request) => api.handle(request),
  upgrade: api.upgrade,
  tls: { certificate: server.cert, key: server.key, clientCa: authority.cert },
  clock: systemClock,
  log: silentLog,
})
const { port } = await front.listen({ host: '127.0.0.1', port: 0 })

/** A node agent that echoes what it is told after it has taken the upgrade. */
const seen: { url: string; headers: object }[] = []
const agent = createHttpsServer(
  { cert: server.cert, key: server.key, ca: authority.cert, requestCert: true, rejectUnauthorized: true },
  (request, response) => {
    seen.push({ url: request.url ?? '', headers: request.headers })
    response.end('line one\nline two\n')
  },
)
agent.on('upgrade', (request, socket: Duplex, head: Buffer) => {
  seen.push({ url: request.url ?? '', headers: request.headers })
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n')
  if (head.length > 0) socket.write(head)
  socket.pipe(socket)
})
await new Promise<void>((resolve) => agent.listen(0, '127.0.0.1', resolve))
const agentPort = (agent.address() as AddressInfo).port

after(async () => {
  agent.closeAllConnections()
  agent.close()
  await api.close()
  await front.close(1_000)
})

type Answer = { readonly code: number; readonly headers: Record<string, unknown>; readonly text: string }

function call(method: string, path: string, options: RequestOptions & { body?: string | Buffer } = {}): Promise<Answer> {
  const { body, headers: given, ...rest } = options
  const headers = given as Record<string, string> | undefined
  return new Promise((resolve, reject) => {
    const sent = httpsRequest(
      {
        host: '127.0.0.1',
        port,
        method,
        path,
        ca: authority.cert,
        agent: false,
        headers: { ...(body ? { 'content-type': 'application/json' } : {}), ...headers },
        ...rest,
      },
      (response) => {
        let text = ''
        response.on('data', (chunk: Buffer) => (text += chunk.toString()))
        response.on('end', () => resolve({ code: response.statusCode ?? 0, headers: response.headers, text }))
        response.on('error', reject)
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

const as = { cert: alice.cert, key: alice.key }
const whoAmI = (options: Parameters<typeof call>[2]) =>
  call('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { body: '{}', ...options })

test('a client certificate is a name and groups', async () => {
  const { status } = JSON.parse((await whoAmI(as)).text) as { status: { userInfo: Record<string, unknown> } }
  const { extra, ...userInfo } = status.userInfo
  assert.match(JSON.stringify(extra), /"authentication.kubernetes.io\/credential-id":\["X509SHA256=[0-9a-f]{64}"\]/)
  assert.deepEqual(userInfo, { username: 'alice', groups: ['devs', 'ops', 'system:authenticated'] })
})
test('a bearer token is as good', async () => {
  assert.match((await whoAmI({ headers: { authorization: 'Bearer good' } })).text, /"username":"test"/)
})
test('a wrong token is 401', async () => {
  const { code, text } = await whoAmI({ headers: { authorization: 'Bearer bad' } })
  assert.equal(code, 401)
  assert.equal((JSON.parse(text) as { reason: string }).reason, 'Unauthorized')
})
test('a certificate of another authority is 401', async () => {
  assert.equal((await whoAmI({ cert: mallory.cert, key: mallory.key })).code, 401)
})
test('no credentials are the anonymous user', async () => assert.match((await whoAmI({})).text, /"username":"system:anonymous"/))

const configMaps = '/api/v1/namespaces/default/configmaps'

test('writes and reads over HTTP/1.1', async () => {
  const made = await call('POST', configMaps, { ...as, body: JSON.stringify({ metadata: { name: 'a' }, data: { k: 'ü' } }) })
  assert.equal(made.code, 201, made.text)
  const { text, headers } = await call('GET', `${configMaps}/a`, as)
  assert.equal(Number(headers['content-length']), Buffer.byteLength(text))
  assert.match(text, /"k":"ü"/)
  assert.equal((await call('HEAD', `${configMaps}/a`, as)).text, '')
})

test('an oversized body is 413', async () => {
  const { code } = await call('POST', configMaps, { ...as, body: Buffer.alloc(4 * 1024 * 1024, 'x') }).catch(() => ({ code: 413 }))
  assert.equal(code, 413)
})

/** What a raw connection is answered, until it is closed. */
function rawAnswer(head: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', port, ca: authority.cert, ALPNProtocols: ['http/1.1'] })
    let text = ''
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
    socket.once('close', () => resolve(text))
    socket.once('error', (error) => (text === '' ? reject(error) : resolve(text)))
    socket.once('secureConnect', () => socket.write(head))
  })
}

test('headers beyond the bound are 431, and what is no HTTP is 400', async () => {
  const long = await rawAnswer(`GET /version HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(1_100_000)}\r\n\r\n`)
  assert.match(long, /^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/)
  assert.match(await rawAnswer('nonsense\r\n\r\n'), /^HTTP\/1\.1 400 Bad Request\r\n/)
})

test('a user of many groups is heard over HTTP/2', async () => {
  const session = connectHttp2(`https://127.0.0.1:${port}`, { ca: authority.cert })
  const headers = { ':path': '/version', authorization: 'Bearer good', 'x-many': Array.from({ length: 500 }, (_, i) => `group-${i}`) }
  const stream = session.request(headers)
  const code = await new Promise((resolve, reject) => {
    stream.once('response', (answer) => resolve(answer[':status']))
    stream.once('error', reject)
  })
  stream.close()
  session.close()
  assert.equal(code, 200)
})

test('a server that spreads its clients ends a connection of HTTP/2, and answers what came over it', async () => {
  const spreading = createHttpFront({
    handle: (request) => api.handle(request),
    upgrade: api.upgrade,
    tls: { certificate: server.cert, key: server.key, clientCa: authority.cert },
    goaway: { chance: 1, random: seededRandom(1) },
    clock: systemClock,
    log: silentLog,
  })
  const at = await spreading.listen({ host: '127.0.0.1', port: 0 })
  const session = connectHttp2(`https://127.0.0.1:${at.port}`, { ca: authority.cert })
  const told = new Promise<number>((resolve) => session.once('goaway', resolve))
  const stream = session.request({ ':path': '/version', authorization: 'Bearer good' })
  const code = new Promise((resolve, reject) => {
    stream.once('response', (answer) => resolve(answer[':status']))
    stream.once('error', reject)
  })
  stream.resume()
  assert.deepEqual([await code, await told], [200, 0])
  await new Promise((resolve) => session.once('close', resolve))
  await spreading.close(1_000)
})

test('an answer that breaks off is not ended as one that is whole, over HTTP/2 either', async () => {
  async function* breaksOff() {
    yield Buffer.from('half')
    throw new Error('the other server is gone')
  }
  const broken = createHttpFront({
    handle: () => Promise.resolve({ code: 200, headers: { 'content-type': 'text/plain' }, body: breaksOff() }),
    upgrade: api.upgrade,
    tls: { certificate: server.cert, key: server.key, clientCa: authority.cert },
    clock: systemClock,
    log: silentLog,
  })
  const at = await broken.listen({ host: '127.0.0.1', port: 0 })
  const session = connectHttp2(`https://127.0.0.1:${at.port}`, { ca: authority.cert })
  const stream = session.request({ ':path': '/version' })
  const failure = new Promise((resolve) => stream.once('error', resolve))
  stream.resume()
  assert.match(String(await failure), /NGHTTP2_INTERNAL_ERROR/)
  session.close()
  await broken.close(1_000)
})

test('a big list comes whole, in blocks', async () => {
  const data = { blob: 'x'.repeat(100_000) }
  for (let i = 0; i < 12; i++) await call('POST', configMaps, { ...as, body: JSON.stringify({ metadata: { name: `big-${i}` }, data }) })
  const { text, headers } = await call('GET', configMaps, as)
  assert.equal(Number(headers['content-length']), Buffer.byteLength(text))
  assert.ok((JSON.parse(text) as { items: unknown[] }).items.length >= 12)
})

test('big lists at a time, whose blocks are filled again and again, stay whole in both versions', async () => {
  const fill = (i: number) => ({ blob: String.fromCharCode(97 + (i % 26)).repeat(100_000) })
  for (let i = 0; i < 24; i++)
    await call('POST', configMaps, { ...as, body: JSON.stringify({ metadata: { name: `full-${i}` }, data: fill(i) }) })
  const session = connectHttp2(`https://127.0.0.1:${port}`, { ca: authority.cert, ...as })
  const overHttp2 = () =>
    new Promise<string>((resolve, reject) => {
      const stream = session.request({ ':path': configMaps })
      let text = ''
      stream.on('data', (chunk: Buffer) => (text += chunk.toString()))
      stream.once('end', () => resolve(text))
      stream.once('error', reject)
    })
  const overHttp1 = async () => (await call('GET', configMaps, as)).text
  for (let round = 0; round < 3; round++) {
    const texts = await Promise.all([overHttp1(), overHttp2(), overHttp1(), overHttp2()])
    for (const text of texts) {
      const { items } = JSON.parse(text) as { items: { metadata: { name: string }; data: object }[] }
      for (let i = 0; i < 24; i++) assert.deepEqual(items.find(({ metadata }) => metadata.name === `full-${i}`)?.data, fill(i))
    }
  }
  session.close()
})

test('HTTP/2 serves a watch and writes on one connection', async () => {
  const session = connectHttp2(`https://127.0.0.1:${port}`, { ca: authority.cert, ...as })
  const watch = session.request({ ':path': `${configMaps}?watch=1&resourceVersion=1` })
  const line = new Promise<string>((resolve) => watch.once('data', (chunk: Buffer) => resolve(chunk.toString())))
  const write = session.request({ ':method': 'POST', ':path': configMaps, 'content-type': 'application/json' })
  write.end(JSON.stringify({ metadata: { name: 'h2' } }))
  const code = await new Promise((resolve) => write.once('response', (headers) => resolve(headers[':status'])))
  assert.equal(code, 201)
  assert.match(await line, /^\{"type":"ADDED","object":\{"kind":"ConfigMap"/)
  watch.close()
  session.close()
})

test('watchers over HTTP/1.1 get whole lines and an end, and are counted', async () => {
  const path = '/api/v1/namespaces/default/configmaps'
  const names = ['chunk-0', 'chunk-1', 'chunk-2']
  for (const name of names)
    await call('POST', path, { ...as, body: JSON.stringify({ metadata: { name }, data: { text: 'ü'.repeat(40_000) } }) })
  const answers = await Promise.all([1, 2].map(() => call('GET', `${path}?watch=1&timeoutSeconds=1`, as)))
  for (const { text } of answers) {
    const events = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; object: { metadata: { name: string } } })
    assert.deepEqual(
      events.map(({ type, object }) => `${type} ${object.metadata.name}`).filter((event) => event.includes('chunk-')),
      names.map((name) => `ADDED ${name}`),
    )
  }
  const labels = 'group="",version="v1",resource="configmaps"'
  const count = (line: string) => Number(metricsText().split(`${line} `)[1]?.split('\n')[0])
  assert.ok(count(`apiserver_watch_events_total{${labels}}`) >= 6)
  assert.ok(count(`apiserver_watch_events_sizes_bucket{${labels},le="131072"}`) >= 6)
  assert.equal(count(`apiserver_watch_events_sizes_count{${labels}}`), count(`apiserver_watch_events_total{${labels}}`))
  assert.ok(count('apiserver_watch_cache_events_dispatched_total{group="",resource="configmaps"}') >= 3)
})

const secretsPath = '/api/v1/namespaces/default/secrets?watch=1&timeoutSeconds=600'
const leavings: Readonly<Record<string, () => Promise<void>>> = {
  'HTTP/2, the stream is reset': async () => {
    const session = connectHttp2(`https://127.0.0.1:${port}`, { ca: authority.cert, ...as })
    const watch = session.request({ ':path': secretsPath })
    watch.on('error', () => {})
    await new Promise((resolve) => watch.once('response', resolve))
    watch.close(8)
    session.close()
  },
  'HTTP/2, the connection is cut': async () => {
    const session = connectHttp2(`https://127.0.0.1:${port}`, { ca: authority.cert, ...as })
    const watch = session.request({ ':path': secretsPath })
    watch.on('error', () => {})
    await new Promise((resolve) => watch.once('response', resolve))
    session.destroy()
  },
  'HTTP/1.1': () =>
    new Promise((resolve) => {
      const sent = httpsRequest({ host: '127.0.0.1', port, path: secretsPath, ca: authority.cert, ...as }, () => {
        sent.destroy()
        resolve()
      })
      sent.on('error', () => {})
      sent.end()
    }),
  'HEAD, which has no body': async () => {
    await call('HEAD', secretsPath, as)
  },
}
for (const [how, leave] of Object.entries(leavings)) {
  test(`a watch ends when its client leaves: ${how}`, async () => {
    const watching = () =>
      Number(
        /^apiserver_longrunning_requests\{component="apiserver",group="",resource="secrets",scope="\w+",subresource="",verb="WATCH",version="v1"\} (\d+)/m.exec(
          metricsText(),
        )?.[1] ?? 0,
      )
    await leave()
    const endMs = systemClock.monotonicMs() + 2_000
    while (watching() > 0 && systemClock.monotonicMs() < endMs) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(watching(), 0)
  })
}

test('a connection that does not shake hands is closed, and counted', async () => {
  let failures = 0
  const tls = { certificate: server.cert, key: server.key, clientCa: authority.cert }
  const strict = createHttpFront({
    handle: api.handle,
    upgrade: api.upgrade,
    tls,
    handshakeTimeoutMs: 50,
    onHandshakeFailure: () => failures++,
    clock: systemClock,
    log: silentLog,
  })
  const at = await strict.listen({ host: '127.0.0.1', port: 0 })
  const silent = connectTcp(at.port, at.host)
  silent.on('error', () => {})
  silent.resume()
  await new Promise((resolve) => silent.once('close', resolve))
  await strict.close(1_000)
  assert.equal(failures, 1)
})

test('a connection on which nothing comes is asked now and then whether its client is still there', async () => {
  const session = connectHttp2(`https://127.0.0.1:${port}`, { ca: authority.cert, ...as })
  const watch = session.request({ ':path': secretsPath })
  watch.on('error', () => {})
  await new Promise((resolve) => watch.once('response', resolve))
  const hex = (n: number) => n.toString(16).toUpperCase().padStart(4, '0')
  // Local and remote port of the server's end; timer 02 is that for keeping alive.
  const line = new RegExp(`:${hex(port)} \\w+:${hex(session.socket.localPort!)} 01 \\w+:\\w+ (\\d\\d):`)
  const timer = () => line.exec(readFileSync('/proc/net/tcp', 'utf8'))?.[1]
  const endMs = systemClock.monotonicMs() + 10_000
  while (timer() !== '02' && systemClock.monotonicMs() < endMs) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(timer(), '02')
  session.destroy()
})

const metricsText = () => [...api.metrics.text([])].join('')

test('logs and streams go to the node agent of the pod', async () => {
  const address = { addresses: [{ type: 'InternalIP', address: '127.0.0.1' }], daemonEndpoints: { kubeletEndpoint: { Port: agentPort } } }
  await call('POST', '/api/v1/nodes', { ...as, body: JSON.stringify({ metadata: { name: 'n1' } }) })
  const patch = { ...as, headers: { 'content-type': 'application/merge-patch+json' } }
  await call('PATCH', '/api/v1/nodes/n1/status', { ...patch, body: JSON.stringify({ status: address }) })
  const pods = '/api/v1/namespaces/default/pods'
  await call('POST', pods, { ...as, body: JSON.stringify({ metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } }) })
  assert.equal((await call('GET', `${pods}/p/log`, as)).text, '', 'no node, no log')
  await call('POST', `${pods}/p/binding`, { ...as, body: JSON.stringify({ metadata: { name: 'p' }, target: { name: 'n1' } }) })

  const log = await call('GET', `${pods}/p/log?tailLines=5&follow=true`, as)
  assert.equal(log.text, 'line one\nline two\n')
  assert.equal(seen.at(-1)!.url, '/containerLogs/default/p/c?follow=true&tailLines=5')
  assert.equal((await call('GET', `${pods}/p/log?container=none`, as)).code, 400)

  const proxied = await call('GET', '/api/v1/nodes/n1/proxy/metrics?x=1', as)
  assert.equal(proxied.text, 'line one\nline two\n')
  assert.equal(seen.at(-1)!.url, '/metrics?x=1')
  assert.equal('authorization' in seen.at(-1)!.headers, false)

  const echoed = await upgraded(`${pods}/p/exec?command=ls&command=-l&stdin=true&stdout=true`)
  assert.equal(echoed, 'hello')
  assert.equal(seen.at(-1)!.url, '/exec/default/p/c?command=ls&command=-l&input=1&output=1')
  assert.equal(
    (await call('GET', `${pods}/none/exec?command=ls`, { ...as, headers: { connection: 'Upgrade', upgrade: 'SPDY/3.1' } })).code,
    404,
  )
})

test('an agent that cannot be reached is a 502 that names the node', async () => {
  const address = { addresses: [{ type: 'InternalIP', address: '127.0.0.1' }], daemonEndpoints: { kubeletEndpoint: { Port: 1 } } }
  await call('PATCH', '/api/v1/nodes/n1/status', {
    ...as,
    headers: { 'content-type': 'application/merge-patch+json' },
    body: JSON.stringify({ status: address }),
  })
  const { code, text } = await call('GET', '/api/v1/namespaces/default/pods/p/log', as)
  assert.equal(code, 502)
  assert.match(text, /the agent of node \\"n1\\" cannot be reached at 127\.0\.0\.1:1: connect ECONNREFUSED/)
})

/** Upgrades, says hello, and gives back what comes. */
function upgraded(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = httpsRequest({
      host: '127.0.0.1',
      port,
      method: 'POST',
      path,
      ca: authority.cert,
      agent: false,
      headers: { connection: 'Upgrade', upgrade: 'SPDY/3.1' },
      ...as,
    })
    sent.on('upgrade', (_response, socket: Duplex) => {
      socket.once('data', (chunk: Buffer) => {
        resolve(chunk.toString())
        socket.destroy()
      })
      socket.write('hello')
    })
    sent.on('response', (response) => reject(new Error(`answered ${response.statusCode}`)))
    sent.on('error', reject)
    sent.end()
  })
}

test('closing ends watches and is done soon', async () => {
  const session = connectHttp2(`https://127.0.0.1:${port}`, { ca: authority.cert, ...as })
  session.on('error', () => {})
  const watch = session.request({ ':path': `${configMaps}?watch=1&resourceVersion=1` })
  watch.on('error', () => {})
  await new Promise((resolve) => watch.once('response', resolve))
  const ended = new Promise((resolve) => watch.once('close', resolve))
  watch.resume()
  await api.close()
  await front.close(2_000)
  await ended
  await assert.rejects(call('GET', '/version', as))
})
