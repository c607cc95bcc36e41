import assert from 'node:assert/strict'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import { issueCertificate, newAuthority } from '../../platform/pki/certificate.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { createTestApi } from '../test-api.ts'
import { at, rawRequest, sender } from '../test-requests.ts'

type Json = Record<string, unknown>
type Endpoint = { apiVersion: string; metadata: object; spec?: { hostPort?: string; host?: string; port?: string } }

const clock = virtualClock()
const { api } = await createTestApi({ clock, random: seededRandom(3) })
const send = sender(api)
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const path = (version: string) => `/apis/example.com/${version}/namespaces/default/endpointers`

const validity = { notBeforeMs: Date.parse('2020-01-01T00:00:00Z'), notAfterMs: Date.parse('2100-01-01T00:00:00Z') }
const authority = newAuthority({ commonName: 'webhooks', ...validity })
const identity = issueCertificate(authority, {
  subject: { commonName: 'localhost' },
  hosts: ['localhost', 'converter.default.svc'],
  usages: ['server'],
  ...validity,
})
let calls = 0
let failure = ''

/** `hostPort` of v1 is `host` and `port` of v2. */
function convert(object: Endpoint, apiVersion: string): Endpoint {
  const { hostPort, host, port } = object.spec ?? {}
  if (apiVersion === object.apiVersion) return object
  const [h = '', p = ''] = (hostPort ?? '').split(':')
  const spec = apiVersion.endsWith('/v2') ? { host: h, port: p } : { hostPort: `${host}:${port}` }
  return { ...object, apiVersion, metadata: { ...object.metadata, labels: { converted: 'yes' } }, spec }
}

const server = createServer(identity, (request, response) => {
  const blocks: Buffer[] = []
  request.on('data', (block: Buffer) => blocks.push(block))
  request.on('end', () => {
    calls++
    const review = JSON.parse(Buffer.concat(blocks).toString()) as {
      request: { uid: string; desiredAPIVersion: string; objects: Endpoint[] }
    }
    const { uid, desiredAPIVersion, objects } = review.request
    const result = failure === '' ? { status: 'Success' } : { status: 'Failed', message: failure }
    const convertedObjects = objects.map((o) => convert(o, desiredAPIVersion))
    response.end(JSON.stringify({ ...review, request: undefined, response: { uid, convertedObjects, result } }))
  })
})

const openSchema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
const hostSchema = {
  openAPIV3Schema: {
    type: 'object',
    properties: { spec: { type: 'object', properties: { host: { type: 'string' }, port: { type: 'string' } } } },
  },
}

function versions(storage: 'v1' | 'v2'): object[] {
  return [
    { name: 'v1', served: true, storage: storage === 'v1', schema: openSchema },
    { name: 'v2', served: true, storage: storage === 'v2', schema: hostSchema, selectableFields: [{ jsonPath: '.spec.host' }] },
  ]
}

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const clientConfig = { url: `https://localhost:${port}/convert`, caBundle: Buffer.from(authority.cert).toString('base64') }
  const made = await send('POST', definitions, {
    body: {
      metadata: { name: 'endpointers.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { plural: 'endpointers', kind: 'Endpointer' },
        versions: versions('v1'),
        conversion: { strategy: 'Webhook', webhook: { clientConfig, conversionReviewVersions: ['v1'] } },
      },
    },
  })
  assert.equal(made.code, 201, made.text)
  await clock.settle()
})

after(async () => {
  await api.close()
  server.close()
  server.closeAllConnections()
})

test('an object is read in the other version, and its conversion is kept', async () => {
  await send('POST', path('v1'), { body: { metadata: { name: 'one' }, spec: { hostPort: 'a:1' } } })
  assert.equal(calls, 0)
  const read = await send('GET', `${path('v2')}/one`)
  assert.equal(read.code, 200, read.text)
  assert.deepEqual([read.json.apiVersion, at(read.json, 'spec')], ['example.com/v2', { host: 'a', port: '1' }])
  assert.equal(at(read.json, 'metadata.labels.converted'), 'yes')
  assert.ok(at(read.json, 'metadata.uid'))
  await send('GET', `${path('v2')}/one`)
  assert.equal(calls, 1)
})

test('an object is written in the other version', async () => {
  const made = await send('POST', path('v2'), { body: { metadata: { name: 'two' }, spec: { host: 'b', port: '2', more: 1 } } })
  assert.deepEqual([made.code, at(made.json, 'spec')], [201, { host: 'b', port: '2' }])
  assert.deepEqual(at((await send('GET', `${path('v1')}/two`)).json, 'spec'), { hostPort: 'b:2' })
  const patched = await send('PATCH', `${path('v2')}/two`, { body: { spec: { port: '3' } }, type: 'application/merge-patch+json' })
  assert.deepEqual(at(patched.json, 'spec'), { host: 'b', port: '3' })
  assert.deepEqual(at((await send('GET', `${path('v1')}/two`)).json, 'spec'), { hostPort: 'b:3' })
})

test('a list of objects of mixed versions is of one', async () => {
  const stored = await send('PATCH', `${definitions}/endpointers.example.com`, {
    body: { spec: { versions: versions('v2') } },
    type: 'application/merge-patch+json',
  })
  assert.equal(stored.code, 200, stored.text)
  await clock.settle()
  await send('POST', path('v2'), { body: { metadata: { name: 'zwei' }, spec: { host: 'c', port: '4' } } })
  const specs = async (version: string, query = '') =>
    ((await send('GET', path(version) + query)).json.items as Json[]).map((item) => [item['apiVersion'], item['spec']])
  assert.deepEqual(await specs('v2'), [
    ['example.com/v2', { host: 'a', port: '1' }],
    ['example.com/v2', { host: 'b', port: '3' }],
    ['example.com/v2', { host: 'c', port: '4' }],
  ])
  assert.deepEqual((await specs('v1')).at(-1), ['example.com/v1', { hostPort: 'c:4' }])
  assert.deepEqual(await specs('v2', '?fieldSelector=spec.host%3Db'), [['example.com/v2', { host: 'b', port: '3' }]])
})

test('a watch by a field of the other version sees what matches', async () => {
  const ending = new AbortController()
  const response = await rawRequest(api, 'GET', `${path('v2')}?watch=true&fieldSelector=spec.host%3Db`, { signal: ending.signal })
  const seen: string[] = []
  const reading = (async () => {
    for await (const block of response.body as AsyncIterable<Uint8Array>) {
      for (const line of Buffer.from(block).toString().trim().split('\n')) {
        const event = JSON.parse(line) as Json
        seen.push(`${String(event['type'])} ${String(at(event, 'object.metadata.name'))} ${String(at(event, 'object.spec.host'))}`)
      }
      if (seen.length >= 2) ending.abort()
    }
  })()
  const patch = { body: { spec: { hostPort: 'x:9' } }, type: 'application/merge-patch+json' }
  assert.equal((await send('PATCH', `${path('v1')}/two`, patch)).code, 200)
  await reading
  assert.deepEqual(seen, ['ADDED two b', 'DELETED two b'])
})

test('a webhook that fails is a failure of the request', async () => {
  failure = 'no idea how'
  await send('POST', path('v2'), { body: { metadata: { name: 'three' }, spec: { host: 'd', port: '5' } } })
  const read = await send('GET', `${path('v1')}/three`)
  assert.equal(read.code, 500)
  assert.match(String(read.json.message), /conversion webhook for example\.com\/v2, Kind=Endpointer failed: no idea how/)
  failure = ''
  assert.equal((await send('GET', `${path('v1')}/three`)).code, 200)
})
