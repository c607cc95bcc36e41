// A server that is not on the pod network reaches pods through the agents of their nodes.
import assert from 'node:assert/strict'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { after, before, test } from 'node:test'
import { createDialer } from '../../apiserver/reach/node-dialer.ts'
import { podWay, throughAgents } from '../../apiserver/reach/pod-tunnel.ts'
import { createTestApi } from '../../apiserver/test-api.ts'
import { silentLog } from '../../base/log.ts'
import { seededRandom } from '../../base/random.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import { issueCertificate, newAuthority } from '../../platform/pki/certificate.ts'
import { systemClock } from '../../platform/system-clock.ts'
import { memoryLogFiles } from '../logs/log-files.ts'
import { createNodeAgent } from '../node-agent.ts'
import { createFakeRuntime } from '../runtime/fake/fake-runtime.ts'

const validity = { notBeforeMs: Date.UTC(2020, 0), notAfterMs: Date.UTC(2099, 0) }
const authority = newAuthority({ commonName: 'test-ca', ...validity })
const certificate = (commonName: string, usage: 'server' | 'client') =>
  issueCertificate(authority, { subject: { commonName }, usages: [usage], hosts: ['127.0.0.1'], ...validity })
const shown = certificate('kube-apiserver-kubelet-client', 'client')
const dialer = createDialer({ ca: authority.cert, certificate: shown.cert, key: shown.key }, { offPodNetwork: ['127.0.0.0/16'] })

/** The pod is on its node's network: what listens here is the pod's. */
const echo = createServer((socket) => socket.on('error', () => {}).pipe(socket))
const web = createHttpServer((request, response) => response.end(`${request.method} ${request.url}`))
const portOf = (server: typeof echo | typeof web) => (server.address() as AddressInfo).port
const stop = new AbortController()
let way: ReturnType<typeof podWay>
let done: Promise<void>

before(async () => {
  for (const server of [echo, web]) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const random = seededRandom(1)
  const { api, client } = await createTestApi({ clock: systemClock, random, dialer })
  way = podWay(api.core, dialer)
  const runtime = createFakeRuntime({ clock: systemClock, random, times: { runSandbox: 0, create: 0, start: 0, stop: 0, pull: 0 } })
  const { cert, key } = certificate('node', 'server')
  const agent = createNodeAgent({
    ...{ client, runtime, clock: systemClock, random, log: silentLog, nodeName: 'n1' },
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    server: { host: '127.0.0.1', port: 0, cert, key, clientCa: authority.cert },
    logFiles: memoryLogFiles(runtime),
  })
  done = agent.run(stop.signal)
  const pods = client.resource(kindRefs.coreV1.pods, 'default')
  const spec = { nodeName: 'n1', hostNetwork: true, containers: [{ name: 'c', image: 'app' }] }
  await pods.create({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec })
  for await (const event of pods.watch({ signal: stop.signal, sendInitialEvents: true, allowWatchBookmarks: true }))
    if (event.type !== 'BOOKMARK' && event.object.status?.podIPs?.length && event.object.status.phase === 'Running') break
  await client
    .resource(kindRefs.coreV1.nodes)
    .patch('n1', { type: 'merge', body: { spec: { podCIDR: '127.0.0.0/24', podCIDRs: ['127.0.0.0/24'] } } })
})
after(async () => {
  stop.abort()
  await done
  dialer.close()
  echo.close()
  web.close()
})

test('a connection to an address of a node is made by its agent, and ends with either side', async () => {
  const socket = await way({ host: '127.0.0.1', port: portOf(echo) })!()
  socket.write('there and back')
  for await (const block of socket) {
    assert.equal(String(block), 'there and back')
    break
  }
  assert.ok(socket.destroyed)
})

test('requests take this way as well', async () => {
  const target = { host: '127.0.0.1', port: portOf(web), isSecure: false, isNode: false }
  const request = { method: 'GET', path: '/x?y', headers: {}, body: undefined, signal: stop.signal }
  const { code, body } = await throughAgents(dialer, way).request(target, request)
  let text = ''
  for await (const block of body) text += Buffer.from(block).toString()
  assert.deepEqual([code, text], [200, 'GET /x?y'])
})

test('what the agent cannot reach is told in its words, and an address that is no pod of its node is not called', async () => {
  const closed = createServer()
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve))
  const port = portOf(closed)
  await new Promise((resolve) => closed.close(resolve))
  await assert.rejects(way({ host: '127.0.0.1', port })!(), { message: `dial tcp 127.0.0.1:${port}: connect: connection refused` })
  await assert.rejects(way({ host: '127.0.0.2', port: portOf(echo) })!(), { message: 'no pod of this node has the address 127.0.0.2' })
})

test('for an address of the pod range that no node has nothing leaves this machine', async () => {
  await assert.rejects(way({ host: '127.0.9.1', port: 80 })!(), { message: 'dial tcp 127.0.9.1:80: connect: no route to host' })
})

test('an address outside of the cluster is called directly', () => {
  assert.equal(way({ host: '192.0.2.1', port: 80 }), undefined)
  assert.equal(way({ host: 'example.com', port: 80 }), undefined)
})
