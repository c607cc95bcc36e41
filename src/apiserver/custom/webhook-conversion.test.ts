import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import { issueCertificate, newAuthority } from '../../platform/pki/certificate.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { createTestApi } from '../test-api.ts'
import { at, rawRequest, typedSender } from '../test-requests.ts'

type Json = Record<string, unknown>
type Answered = { apiVersion: string; response: { uid: string; convertedObjects: Endpoint[]; result: object } }
type Endpoint = { apiVersion: string; metadata: object; spec?: { hostPort?: string; host?: string; port?: string } }

const clock = virtualClock()
const { api } = await createTestApi({ clock, random: seededRandom(3) })
const send = typedSender(api, 'example.com')
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
/** Called in place of an answer. */
let silence: ((request: IncomingMessage) => void) | undefined
/** Spoils an answer on its way out. */
let spoil: (review: Answered) => unknown = (review) => review

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
    if (silence) {
      silence(request)
      return
    }
    const review = JSON.parse(Buffer.concat(blocks).toString()) as {
      request: { uid: string; desiredAPIVersion: string; objects: Endpoint[] }
    }
    const { uid, desiredAPIVersion, objects } = review.request
    const result = failure === '' ? { status: 'Success' } : { status: 'Failed', message: failure }
    const convertedObjects = objects.map((o) => convert(o, desiredAPIVersion))
    const answer = { ...review, request: undefined, response: { uid, convertedObjects, result } } as unknown as Answered
    response.end(JSON.stringify(spoil(answer)))
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

test('an answer that is none, or of other objects, is a failure that says why', async () => {
  const first = (change: (object: Record<string, unknown>) => unknown) => (review: Answered) => {
    const [object, ...others] = review.response.convertedObjects
    return { ...review, response: { ...review.response, convertedObjects: [change(object as Record<string, unknown>), ...others] } }
  }
  const inMetadata = (fields: object) => first((object) => ({ ...object, metadata: { ...(object['metadata'] as object), ...fields } }))
  const cases: readonly (readonly [why: RegExp, spoil: typeof spoil])[] = [
    [/failed: expected response\.uid="[^"]+", got "x"/, (r) => ({ ...r, response: { ...r.response, uid: 'x' } })],
    [/failed: no response provided/, (r) => ({ ...r, response: undefined })],
    [/failed: response\.result\.status was '', not 'Success'/, (r) => ({ ...r, response: { ...r.response, result: {} } })],
    [/failed: expected webhook response of apiextensions\.k8s\.io\/v1, Kind=ConversionReview/, () => ({ kind: 'Pod', apiVersion: 'v1' })],
    [/failed: expected webhook response/, () => null],
    [/returned 0 objects, expected 1/, (r) => ({ ...r, response: { ...r.response, convertedObjects: [] } })],
    [/returned invalid object: it is no object/, first(() => null)],
    [
      /invalid groupVersion \(expected example\.com\/v1, received example\.com\/v2\)/,
      first((o) => ({ ...o, apiVersion: 'example.com/v2' })),
    ],
    [/invalid kind \(expected Endpointer, received Other\)/, first((o) => ({ ...o, kind: 'Other' }))],
    [/must have the same name: broken != other/, inMetadata({ name: 'other' })],
    [/must have the same UID/, inMetadata({ uid: 'other' })],
    [/metadata\.labels\[a\] must be a string/, inMetadata({ labels: { a: 1 } })],
    [/metadata\.labels: Invalid value: "-"/, inMetadata({ labels: { '-': 'x' } })],
  ]
  await send('POST', path('v2'), { body: { metadata: { name: 'broken' }, spec: { host: 'e', port: '6' } } })
  for (const [why, change] of cases) {
    spoil = change
    const { code, json } = await send('GET', `${path('v1')}/broken`)
    assert.equal(code, 500)
    assert.match(String(json.message), why)
  }
  // What a webhook says of the rest of the metadata does not count.
  spoil = inMetadata({ generation: 99, ownerReferences: [{ uid: 'x' }], labels: { a: 'b' } })
  const kept = (await send('GET', `${path('v1')}/broken`)).json
  assert.deepEqual(
    [at(kept, 'metadata.generation'), at(kept, 'metadata.ownerReferences'), at(kept, 'metadata.labels')],
    [1, undefined, { a: 'b' }],
  )
  spoil = (review) => review
})

test('objects in another order are none of those that were asked for', async () => {
  for (const name of ['last', 'late']) await send('POST', path('v2'), { body: { metadata: { name }, spec: { host: 'f', port: '7' } } })
  spoil = (r) => ({ ...r, response: { ...r.response, convertedObjects: r.response.convertedObjects.toReversed() } })
  const { code, json } = await send('GET', path('v1'))
  assert.equal(code, 500)
  assert.match(String(json.message), /returned invalid converted object at index 0: must have the same name: last != late/)
  spoil = (review) => review
})

test('a webhook that never answers is given up', async () => {
  await send('POST', path('v2'), { body: { metadata: { name: 'slow' }, spec: { host: 'g', port: '8' } } })
  const isAsked = new Promise<void>((resolve) => {
    silence = () => resolve()
  })
  const reading = send('GET', `${path('v1')}/slow`)
  await isAsked
  await clock.advance(30_000)
  const { code, json } = await reading
  silence = undefined
  assert.equal(code, 500)
  assert.match(String(json.message), /context deadline exceeded/)
})

for (const [what, method] of [
  ['read', 'GET'],
  ['write', 'POST'],
] as const)
  test(`a conversion ends with the ${what} that it is for, and nothing is written later`, async () => {
    await send('POST', path('v2'), { body: { metadata: { name: 'ending' }, spec: { host: 'a', port: '1' } } })
    const asked = Promise.withResolvers<{ readonly left: Promise<void> }>()
    silence = (request) => asked.resolve({ left: new Promise((resolve) => request.socket.once('close', () => resolve())) })
    const body = { metadata: { name: 'unwritten' }, spec: { hostPort: 'b:2' } }
    const answer = send(method, `${path('v1')}?timeout=2s`, method === 'POST' ? { body } : {})
    const { left } = await asked.promise
    await clock.advance(2_000)
    assert.equal((await answer).code, 504)
    await left
    silence = undefined
    await clock.settle()
    assert.equal((await send('GET', `${path('v2')}/unwritten`)).code, 404)
    await send('DELETE', `${path('v2')}/ending`)
  })
