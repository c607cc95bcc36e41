import assert from 'node:assert/strict'
import { request as httpsRequest } from 'node:https'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { after, before, test } from 'node:test'
import { constants, createDeflate, type Deflate } from 'node:zlib'
import dictionaries from 'spdy-transport/lib/spdy-transport/protocol/spdy/dictionary.js'
import { WebSocket } from 'ws'
import { silentLog } from '../../base/log.ts'
import { seededRandom } from '../../base/random.ts'
import { allowAll, createTestApi, testUser } from '../../apiserver/test-api.ts'
import type { Client } from '../../client/contract.ts'
import { ClientMetrics } from '../../client/client-metrics.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import { issueCertificate, newAuthority } from '../../platform/pki/certificate.ts'
import { systemClock } from '../../platform/system-clock.ts'
import { memoryLogFiles } from '../logs/log-files.ts'
import { createNodeAgent, type NodeAgent } from '../node-agent.ts'
import { createSpdyConnection } from '../runtime/cri/spdy-client.ts'
import { webSocketPipe } from './port-forward.ts'
import { createFakeRuntime, type FakeRuntime } from '../runtime/fake/fake-runtime.ts'

const validity = { notBeforeMs: Date.UTC(2020, 0), notAfterMs: Date.UTC(2099, 0) }
const authority = newAuthority({ commonName: 'test-ca', ...validity })
const stranger = newAuthority({ commonName: 'other-ca', ...validity })
const certificate = (ca: typeof authority, commonName: string, usage: 'server' | 'client') =>
  issueCertificate(ca, { subject: { commonName }, usages: [usage], hosts: ['127.0.0.1'], ...validity })
const apiServer = certificate(authority, 'kube-apiserver-kubelet-client', 'client')

const asked = new ClientMetrics()
asked.begin({ clock: systemClock, method: 'GET', host: 'server:6443', sentBytes: 0 }).answered(200)
/** Whose token is `good`: it may read the metrics of nodes. */
const scraper = { name: 'prometheus', groups: [] }

let agent: NodeAgent
let client: Client
let runtime: FakeRuntime
let containerId = ''
const stop = new AbortController()
let done: Promise<void>

before(async () => {
  const random = seededRandom(1)
  ;({ client } = await createTestApi({
    clock: systemClock,
    random,
    tokens: {
      issue: () => assert.fail('no token is asked for'),
      review: (token) => (token === 'good' ? { user: scraper, audiences: [] } : undefined),
    },
    authorizer: {
      ...allowAll,
      authorize: (a) => ({ allowed: a.user.name === testUser.name || (a.type === 'resource' && a.subresource === 'metrics'), reason: '' }),
    },
  }))
  await client
    .resource(kindRefs.coreV1.namespaces)
    .create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } })
    .catch(() => {})
  runtime = createFakeRuntime({ clock: systemClock, random, times: { runSandbox: 0, create: 0, start: 0, stop: 0, pull: 0 } })
  const { cert, key } = certificate(authority, 'node', 'server')
  agent = createNodeAgent({
    client,
    runtime,
    clock: systemClock,
    random,
    log: silentLog,
    nodeName: 'n1',
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    server: { host: '127.0.0.1', port: 0, cert, key, clientCa: authority.cert },
    logFiles: memoryLogFiles(runtime),
    clientMetrics: asked,
    proxyMetrics: () => 'kubeproxy_sync_proxy_rules_last_timestamp_seconds 7\n',
  })
  done = agent.run(stop.signal)
  const pods = client.resource(kindRefs.coreV1.pods, 'default')
  await pods.create({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web' },
    spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'app' }] },
  })
  for await (const event of pods.watch({ signal: stop.signal, sendInitialEvents: true, allowWatchBookmarks: true })) {
    if (event.type === 'BOOKMARK') continue
    const state = event.object.status?.containerStatuses?.[0]
    if (!state?.ready) continue
    containerId = state.containerID!.slice('containerd://'.length)
    break
  }
})

after(async () => {
  stop.abort()
  await done
})

type Answer = { readonly code: number; readonly body: string }

function get(
  path: string,
  identity: { cert?: string; key?: string; headers?: Record<string, string> } = apiServer,
  onData: () => void = () => {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      { host: '127.0.0.1', port: agent.port, path, ca: authority.cert, agent: false, ...identity },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk)
          onData()
        })
        response.on('end', () => resolve({ code: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }))
      },
    )
    request.once('error', reject)
    request.end()
  })
}

function upgradeSpdy(path: string, protocol: string): Promise<{ response: IncomingMessage; socket: Duplex; head: Buffer }> {
  return new Promise((resolve, reject) => {
    const headers = { connection: 'Upgrade', upgrade: 'SPDY/3.1', 'x-stream-protocol-version': protocol }
    const request = httpsRequest({
      host: '127.0.0.1',
      port: agent.port,
      path,
      method: 'POST',
      ca: authority.cert,
      agent: false,
      ...apiServer,
      headers,
    })
    request.once('upgrade', (response, socket, head) => resolve({ response, socket, head }))
    request.once('response', (response) => reject(new Error(`refused: ${response.statusCode}`)))
    request.once('error', reject)
    request.end()
  })
}

function upgradeWebSocket(path: string, protocol: string): Promise<{ response: IncomingMessage; socket: Duplex; head: Buffer }> {
  return new Promise((resolve, reject) => {
    const key = { 'sec-websocket-version': '13', 'sec-websocket-key': Buffer.alloc(16, 1).toString('base64') }
    const headers = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-protocol': protocol, ...key }
    const request = httpsRequest({ host: '127.0.0.1', port: agent.port, path, ca: authority.cert, agent: false, ...apiServer, headers })
    request.once('upgrade', (response, socket, head) => resolve({ response, socket, head }))
    request.once('response', (response) => reject(new Error(`refused: ${response.statusCode}`)))
    request.once('error', reject)
    request.end()
  })
}

async function text(stream: AsyncIterable<unknown>): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

/** Collects a WebSocket session's channels until it closes. */
function webSocketSession(path: string, protocol: string, onOpen: (socket: WebSocket) => void = () => {}): Promise<Record<number, string>> {
  const socket = new WebSocket(`wss://127.0.0.1:${agent.port}${path}`, protocol, { ca: authority.cert, ...apiServer })
  const channels: Record<number, string> = {}
  return new Promise((resolve, reject) => {
    socket.once('open', () => onOpen(socket))
    socket.on('message', (data: Buffer) => {
      channels[data[0]!] = (channels[data[0]!] ?? '') + data.subarray(1).toString()
    })
    socket.once('close', () => resolve(channels))
    socket.once('error', reject)
  })
}

const message = (channel: number, payload: string) => Buffer.concat([Buffer.from([channel]), Buffer.from(payload)])

test('nobody is answered without a certificate of the cluster', async () => {
  assert.equal((await get('/pods', {})).code, 401)
  assert.equal((await get('/pods', certificate(stranger, 'kube-apiserver-kubelet-client', 'client'))).code, 401)
  assert.equal((await get('/pods', certificate(authority, 'somebody', 'client'))).code, 403)
  assert.equal((await get('/healthz')).body, 'ok')
})

test('a token of the cluster opens what its owner may see, and nothing else', async () => {
  const { name } = scraper
  const withToken = (path: string) => get(path, { headers: { authorization: 'Bearer good' } })
  assert.equal((await get('/metrics', { headers: { authorization: 'Bearer nonsense' } })).code, 401)
  assert.match((await withToken('/metrics/cadvisor')).body, /^container_scrape_error 0$/m)
  const refused = await withToken('/stats/summary')
  assert.deepEqual([refused.code, refused.body], [403, `Forbidden (user=${name}, verb=get, resource=nodes, subresource(s)=[stats])\n`])
  assert.equal((await withToken('/pods')).body, `Forbidden (user=${name}, verb=get, resource=nodes, subresource(s)=[pods proxy])\n`)
})

test('settings, health and what runs are told; logs of a node without files are not', async () => {
  assert.equal(JSON.parse((await get('/configz')).body).kubeletconfig.maxPods, 110)
  assert.equal((await get('/healthz/syncloop')).body, 'ok')
  assert.equal((await get('/healthz/none')).code, 404)
  const [pod] = JSON.parse((await get('/runningpods/')).body).items
  assert.deepEqual([pod.metadata.name, pod.spec.containers], ['web', [{ name: 'c', image: 'app', resources: {} }]])
  assert.deepEqual([(await get('/logs/')).code, (await get('/nothing')).code], [405, 404])
})

test('pods, statistics and metrics are served', async () => {
  assert.equal(JSON.parse((await get('/pods')).body).items[0].metadata.name, 'web')
  assert.equal(JSON.parse((await get('/stats/summary')).body).pods[0].podRef.name, 'web')
  const resources = (await get('/metrics/resource')).body
  assert.match(resources, /^node_cpu_usage_seconds_total [\d.e-]+ \d+$/m)
  assert.match(resources, /^container_start_time_seconds\{container="c",namespace="default",pod="web"\} [\d.]+ \d+$/m)
  assert.match(resources, /container_memory_working_set_bytes\{container="c",namespace="default",pod="web"\}/)
  const metrics = (await get('/metrics')).body
  assert.match(metrics, /^rest_client_requests_total\{code="200",host="server:6443",method="GET"\} 1$/m)
  assert.match(metrics, /^kubelet_node_name\{node="n1"\} 1$/m)
  assert.match(metrics, /^kubelet_runtime_operations_total\{operation_type="run_podsandbox"\} 1$/m)
  assert.match(metrics, /^kubelet_pod_start_sli_duration_seconds_count 1$/m)
  assert.match(
    metrics,
    /^kubelet_http_requests_total\{method="GET",path="metrics\/resource",server_type="readwrite",long_running="false"\} 1$/m,
  )
  assert.match(metrics, /^kubelet_certificate_manager_server_ttl_seconds \d+$/m)
  assert.match(metrics, /^kubelet_pod_worker_duration_seconds_count\{operation_type="create"\} 1$/m)
  assert.match(metrics, /^kubelet_pleg_relist_duration_seconds_count [1-9]\d*$/m)
  assert.equal((await get('/metrics/probes')).code, 200)
  const proxy = (await get('/metrics/proxy')).body
  assert.match(proxy, /^kubeproxy_sync_proxy_rules_last_timestamp_seconds 7$/m)
  assert.match(proxy, /^rest_client_requests_total\{/m)
})

test('logs are served from the end, with a bound, and refused for what is not there', async () => {
  for (const line of ['one', 'two', 'three']) runtime.writeLog(containerId, line)
  assert.equal((await get('/containerLogs/default/web/c?tailLines=2')).body, 'two\nthree\n')
  assert.equal((await get('/containerLogs/default/web/c?limitBytes=5')).body, 'one\nt')
  assert.match((await get('/containerLogs/default/web/c?tailLines=1&timestamps=true')).body, /^\d{4}-\d\d-\d\dT\S+Z three\n$/)
  assert.equal((await get('/containerLogs/default/web/c?previous=true')).code, 400)
  assert.equal((await get('/containerLogs/default/none/c')).code, 404)
  assert.equal((await get('/containerLogs/default/web/c?tailLines=-1')).code, 422)
})

test('while a container waits to be restarted its last log is shown, also as the previous one', async () => {
  const pods = client.resource(kindRefs.coreV1.pods, 'default')
  const spec = { nodeName: 'n1', containers: [{ name: 'c', image: 'app', command: ['sh', '-c', 'echo life; exit 3'] }] }
  await pods.create({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'crash' }, spec })
  for await (const event of pods.watch({ signal: stop.signal, sendInitialEvents: true, allowWatchBookmarks: true })) {
    if (event.type === 'BOOKMARK' || event.object.metadata.name !== 'crash') continue
    const status = event.object.status?.containerStatuses?.[0]
    if (status?.state?.waiting?.reason === 'CrashLoopBackOff') break
  }
  const [shown, previous] = [await get('/containerLogs/default/crash/c'), await get('/containerLogs/default/crash/c?previous=true')]
  assert.deepEqual([shown, previous], Array(2).fill({ code: 200, body: 'life\n' }))
  await pods.delete('crash', { gracePeriodSeconds: 0 })
})

test('a container without a log says why, and a command finds none', async () => {
  const pods = client.resource(kindRefs.coreV1.pods, 'default')
  const spec = { nodeName: 'n1', containers: [{ name: 'c', image: 'No/Image' }] }
  await pods.create({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'wrong' }, spec })
  for await (const event of pods.watch({ signal: stop.signal, sendInitialEvents: true, allowWatchBookmarks: true })) {
    if (event.type === 'BOOKMARK') continue
    if (event.object.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'InvalidImageName') break
  }
  const log = await get('/containerLogs/default/wrong/c')
  assert.deepEqual(log, { code: 400, body: 'container "c" in pod "wrong" is waiting to start: InvalidImageName\n' })
  const none = await get('/containerLogs/default/wrong/d')
  assert.deepEqual(none, { code: 400, body: 'container "d" in pod "wrong" is not available\n' })
  await assert.rejects(upgradeSpdy('/exec/default/wrong/c?command=ls&output=1', 'v4.channel.k8s.io'), /refused: 500/)
})

test('exec over WebSocket v5 carries stdin to its end, stdout, and the exit as a Status', async () => {
  const channels = await webSocketSession('/exec/default/web/c?command=cat&input=1&output=1&error=1', 'v5.channel.k8s.io', (socket) => {
    socket.send(message(0, 'hello '))
    socket.send(message(0, 'world'))
    socket.send(Buffer.from([255, 0]))
  })
  assert.equal(channels[1], 'hello world')
  assert.equal(JSON.parse(channels[3]!).status, 'Success')
})

test('exec over WebSocket v4 gives the output of a command', async () => {
  const channels = await webSocketSession('/exec/default/web/c?command=echo&command=hi&output=1', 'v4.channel.k8s.io')
  assert.deepEqual([channels[1], JSON.parse(channels[3]!)], ['hi\n', { metadata: {}, status: 'Success' }])
})

test('an unknown channel protocol is refused', async () => {
  await assert.rejects(webSocketSession('/exec/default/web/c?command=echo&output=1', 'v9.channel.k8s.io'), /400/)
})

test('exec over SPDY joins the streams that the client opens', async () => {
  const { response, socket, head } = await upgradeSpdy('/exec/default/web/c?command=cat&input=1&output=1&error=1', 'v4.channel.k8s.io')
  assert.equal(response.headers['x-stream-protocol-version'], 'v4.channel.k8s.io')
  const connection = createSpdyConnection(socket as Parameters<typeof createSpdyConnection>[0], head)
  const error = connection.open({ streamType: 'error' })
  const stdin = connection.open({ streamType: 'stdin' })
  const stdout = connection.open({ streamType: 'stdout' })
  const stderr = connection.open({ streamType: 'stderr' })
  // More than a SPDY window, so that a sender which waited for window updates would hang here.
  const sent = 'x'.repeat(300_000)
  stdin.end(sent)
  const [out, err, status] = await Promise.all([text(stdout), text(stderr), text(error)])
  assert.equal(out.length, sent.length)
  assert.equal(err, '')
  assert.equal(JSON.parse(status).status, 'Success')
  await connection.closed
})

test("header blocks compressed with the protocol's dictionary are understood, one after the other", async () => {
  const { socket, head } = await upgradeSpdy('/portForward/default/web', 'portforward.k8s.io')
  const deflate = createDeflate({ dictionary: dictionaries['3.1'], flush: constants.Z_SYNC_FLUSH })
  const received: Buffer[] = []
  const got = Promise.withResolvers<void>()
  socket.on('data', (chunk: Buffer) => {
    received.push(chunk)
    if (Buffer.concat(received).includes('ping')) got.resolve()
  })
  if (head.length > 0) received.push(head)
  await writeSynStream(socket, deflate, 1, { streamType: 'error', port: '80', requestID: '0' })
  await writeSynStream(socket, deflate, 3, { streamType: 'data', port: '80', requestID: '0' })
  socket.write(Buffer.concat([Buffer.from([0, 0, 0, 3, 0, 0, 0, 4]), Buffer.from('ping')]))
  await got.promise
  socket.destroy()
})

async function writeSynStream(socket: Duplex, deflate: Deflate, id: number, headers: Readonly<Record<string, string>>): Promise<void> {
  const texts = Object.entries(headers)
    .flat()
    .map((text) => Buffer.from(text))
  const block = Buffer.concat([uint32(texts.length / 2), ...texts.flatMap((text) => [uint32(text.length), text])])
  const chunks: Buffer[] = []
  const onData = (chunk: Buffer) => chunks.push(chunk)
  deflate.on('data', onData)
  await new Promise<void>((resolve) => deflate.write(block, () => deflate.flush(() => resolve())))
  await new Promise<void>((resolve) => setImmediate(resolve))
  deflate.off('data', onData)
  const packed = Buffer.concat(chunks)
  const size = uint32(10 + packed.length)
  socket.write(Buffer.concat([Buffer.from([0x80, 3, 0, 1]), size, uint32(id), Buffer.alloc(6), packed]))
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

test('a port is forwarded over SPDY, and a refused one is told on the error stream', async () => {
  const { socket, head } = await upgradeSpdy('/portForward/default/web', 'portforward.k8s.io')
  const connection = createSpdyConnection(socket as Parameters<typeof createSpdyConnection>[0], head)
  const headers = { port: '8080', requestID: '0' }
  const error = connection.open({ ...headers, streamType: 'error' })
  error.end()
  const data = connection.open({ ...headers, streamType: 'data' })
  data.end('ping')
  assert.equal(await text(data), 'ping')
  assert.equal(await text(error), '')
  const wrong = { port: '70000', requestID: '1' }
  const wrongError = connection.open({ ...wrong, streamType: 'error' })
  connection.open({ ...wrong, streamType: 'data' }).resume()
  assert.match(await text(wrongError), /invalid port 70000/)
  connection.destroy()
})

test('a port is forwarded over SPDY inside WebSocket messages', async () => {
  const { response, socket, head } = await upgradeWebSocket('/portForward/default/web', 'SPDY/3.1+portforward.k8s.io')
  assert.equal(response.headers['sec-websocket-protocol'], 'SPDY/3.1+portforward.k8s.io')
  // The library's own client refuses a protocol name with a slash: it is given the upgraded connection.
  const webSocket = new WebSocket(null as unknown as string, undefined, {})
  const settings = { allowSynchronousEvents: true, maxPayload: 0, skipUTF8Validation: true }
  const inner = webSocket as unknown as { _isServer: boolean; setSocket(s: Duplex, h: Buffer, o: typeof settings): void }
  inner._isServer = false
  inner.setSocket(socket, head, settings)
  const connection = createSpdyConnection(
    webSocketPipe(webSocket) as unknown as Parameters<typeof createSpdyConnection>[0],
    Buffer.alloc(0),
  )
  const headers = { port: '8080', requestID: '0' }
  connection.open({ ...headers, streamType: 'error' }).end()
  const data = connection.open({ ...headers, streamType: 'data' })
  data.end('pong')
  assert.equal(await text(data), 'pong')
  connection.destroy()
})

test('ports are forwarded over plain WebSocket channels', async () => {
  const seen: Record<number, string> = {}
  const path = '/portForward/default/web?port=8080&port=513'
  const socket = new WebSocket(`wss://127.0.0.1:${agent.port}${path}`, 'v4.channel.k8s.io', { ca: authority.cert, ...apiServer })
  const echoed = Promise.withResolvers<void>()
  socket.on('message', (data: Buffer) => {
    seen[data[0]!] = (seen[data[0]!] ?? '') + data.subarray(1).toString('latin1')
    if (seen[0]?.endsWith('ping') && seen[2]?.endsWith('pong')) echoed.resolve()
  })
  socket.once('open', () => {
    socket.send(message(0, 'ping'))
    socket.send(message(2, 'pong'))
  })
  await echoed.promise
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.close()
  await closed
  assert.deepEqual(seen, { 0: '\x90\x1fping', 1: '\x90\x1f', 2: '\x01\x02pong', 3: '\x01\x02' })
})

for (const [query, code] of [
  ['', 400],
  ['?port=0', 400],
  ['?port=80,x', 400],
] as const) {
  test(`plain port-forward of "${query}" is refused before anything is taken over`, async () => {
    await assert.rejects(upgradeWebSocket(`/portForward/default/web${query}`, 'v4.channel.k8s.io'), new RegExp(`refused: ${code}`))
  })
}

test('a followed log brings new lines and ends with its container', async () => {
  const opened = Promise.withResolvers<void>()
  const followed = get('/containerLogs/default/web/c?follow=true&tailLines=1', apiServer, opened.resolve)
  await opened.promise
  runtime.writeLog(containerId, 'last words')
  runtime.exitContainer(containerId, 0)
  assert.equal((await followed).body, 'three\nlast words\n')
})
