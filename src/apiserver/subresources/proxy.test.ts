import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { createDialer, type DialTarget } from '../reach/node-dialer.ts'
import { createTestApi } from '../test-api.ts'
import { sender } from '../test-requests.ts'

/** What all pods and services of this test are: it says how it was called. */
const backend = createServer((request, response) => {
  const { pathname } = new URL(request.url!, 'http://backend')
  if (pathname === '/moved') return void response.writeHead(302, { location: '/there' }).end()
  const isPage = pathname === '/page'
  response.setHeader('content-type', isPage ? 'text/html; charset=utf-8' : 'application/json')
  response.setHeader('access-control-allow-origin', '*')
  response.end(
    isPage ? '<a href="/rewriteme">test</a>' : JSON.stringify({ method: request.method, url: request.url, headers: request.headers }),
  )
})
await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve))
const { port } = backend.address() as AddressInfo

const real = createDialer({ ca: '', certificate: '', key: '' })
const dialled: DialTarget[] = []
const here = (target: DialTarget): DialTarget => {
  dialled.push(target)
  return { ...target, host: '127.0.0.1', port, isSecure: false }
}
const { api } = await createTestApi({
  clock: virtualClock(),
  random: seededRandom(6),
  dialer: {
    request: (target, sent) => real.request(here(target), sent),
    connect: (target) => real.connect(here(target)),
    close: real.close,
  },
})
after(async () => {
  backend.closeAllConnections()
  backend.close()
  real.close()
  await api.close()
})
const send = sender(api)
const core = '/api/v1/namespaces/default'
const web = `${core}/pods/web`

async function makePod(name: string, podIP: string): Promise<void> {
  const spec = { containers: [{ name: 'c', image: 'i', ports: [{ name: 'http', containerPort: 8080 }] }] }
  assert.equal((await send('POST', `${core}/pods`, { body: { metadata: { name }, spec } })).code, 201)
  const body = { status: { podIP, podIPs: [{ ip: podIP }] } }
  assert.equal((await send('PATCH', `${core}/pods/${name}/status`, { body, type: 'application/merge-patch+json' })).code, 200)
}

async function makeService(name: string, addresses: readonly (readonly [address: string, pod?: string])[]): Promise<void> {
  const ports = [
    { name: 'a', port: 80 },
    { name: 'b', port: 81 },
  ]
  assert.equal((await send('POST', `${core}/services`, { body: { metadata: { name }, spec: { ports } } })).code, 201)
  const slice = {
    metadata: { name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [
      { name: 'a', port: 8080 },
      { name: 'b', port: 8081 },
    ],
    endpoints: addresses.map(([address, pod]) => ({
      addresses: [address],
      ...(pod ? { targetRef: { kind: 'Pod', namespace: 'default', name: pod } } : {}),
    })),
  }
  assert.equal((await send('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', { body: slice })).code, 201)
}

await makePod('web', '10.244.0.5')
await makePod('local', '127.0.0.1')
await makePod('linked', '169.254.169.254')
await makeService('site', [['10.9.9.9'], ['10.244.0.66', 'web'], ['10.244.0.5', 'web']])
await makeService('elsewhere', [['10.9.9.9'], ['10.244.0.5', 'none']])

test('every verb reaches the pod, with its path and query', async () => {
  for (const method of ['DELETE', 'GET', 'OPTIONS', 'PATCH', 'POST', 'PUT']) {
    const { code, json } = await send(method, `${web}/proxy/some/path/?q=1`)
    assert.equal(code, 200)
    assert.deepEqual([json.method, json.url], [method, '/some/path/?q=1'])
  }
  assert.equal((await send('HEAD', `${web}/proxy/x`)).code, 200)
  assert.deepEqual(dialled.at(-1), { host: '10.244.0.5', port: 8080, isSecure: false, isNode: false })
})

test('who reads the proxy itself is sent to its root; other verbs are passed on', async () => {
  for (const method of ['GET', 'HEAD']) {
    const { code, headers } = await send(method, `${web}/proxy?method=${method}`)
    assert.deepEqual([code, headers.location], [301, `${web}/proxy/?method=${method}`])
  }
  const { code, json } = await send('POST', `${web}/proxy?x=1`)
  assert.deepEqual([code, json.url], [200, '/?x=1'])
})

test("a page's links and redirects lead through the proxy again", async () => {
  for (const proxy of [`${web}:8080/proxy`, `${core}/pods/http:web:8080/proxy`, `${core}/services/site:a/proxy`]) {
    const page = await send('GET', `${proxy}/page`)
    assert.equal(page.text, `<a href="${proxy}/rewriteme">test</a>`)
    assert.equal(page.headers['content-length'], undefined)
    const moved = await send('GET', `${proxy}/moved`)
    assert.deepEqual([moved.code, moved.headers.location], [302, `${proxy}/there`])
  }
})

test('the backend learns by which name and path it was called, and nothing that opens this server', async () => {
  const headers = { host: 'k8s:6443', authorization: 'Bearer good', cookie: 'session=1', 'x-remote-user': 'admin' }
  const { json, headers: answered } = await send('GET', `${web}/proxy/a/`, { headers })
  const seen = json.headers as Record<string, string>
  assert.equal(seen.host, 'k8s:6443')
  assert.equal(seen['x-forwarded-uri'], `${web}/proxy/a/`)
  assert.equal(seen.cookie, 'session=1')
  assert.equal(seen.authorization, undefined)
  assert.equal(seen['x-remote-user'], undefined)
  assert.equal(answered['access-control-allow-origin'], undefined)
})

test('a service leads to the addresses of its pods alone', async () => {
  for (let i = 0; i < 8; i++) {
    assert.equal((await send('GET', `${core}/services/site:81/proxy/`)).code, 200)
    assert.deepEqual(dialled.at(-1), { host: '10.244.0.5', port: 8081, isSecure: false, isNode: false })
  }
  const refused = await send('GET', `${core}/services/elsewhere:a/proxy/`)
  assert.deepEqual([refused.code, refused.json.message], [503, 'no endpoints available for service "elsewhere"'])
  const noPort = await send('GET', `${core}/services/site:99/proxy/`)
  assert.deepEqual([noPort.code, noPort.json.message], [503, 'no service port 99 found for service "site"'])
})

for (const name of ['local', 'linked'])
  test(`a pod whose status names an address of this machine or its link is not asked: ${name}`, async () => {
    const { code, json } = await send('GET', `${core}/pods/${name}/proxy/`)
    assert.deepEqual([code, json.message], [400, 'address not allowed'])
  })
