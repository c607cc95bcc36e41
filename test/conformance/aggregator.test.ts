import assert from 'node:assert/strict'
import { duplexPair } from 'node:stream'
import { after, before, test } from 'node:test'
import { type TestApi, testUser } from '../../src/apiserver/test-api.ts'
import { at, rawRequest, type Send, type TestJson } from '../../src/apiserver/test-requests.ts'
import { deleteAggregatedContents } from '../../src/controllers/namespace/aggregated-contents.ts'
import { planConditions } from '../../src/controllers/namespace/plan.ts'
import type { APIService } from '../../src/kinds/generated/types/apiregistration-v1.ts'
import {
  frontProxyCa,
  type SampleAggregation,
  sampleApiService as apiService,
  sampleName as name,
  sampleNamespace as namespace,
  sampleService as serviceName,
  startSampleAggregation,
} from './sample-aggregation.ts'
import { type SampleApiServer, sampleGroup } from './sample-api-server.ts'

const apiServices = '/apis/apiregistration.k8s.io/v1/apiservices'
const flunders = `/apis/${sampleGroup}/v1alpha1/namespaces/${namespace}/flunders`

let aggregation: SampleAggregation
let testApi: TestApi
let send: Send
let sample: SampleApiServer
before(async () => {
  aggregation = await startSampleAggregation()
  ;({ testApi, send, sample } = aggregation)
})
after(() => aggregation.close())

async function created(path: string, body: object): Promise<TestJson> {
  const { code, json, text } = await send('POST', path, { body })
  assert.equal(code, 201, text)
  return json
}

type Condition = { readonly type: string; readonly status: string; readonly reason: string; readonly message: string }

async function availability(): Promise<Condition | undefined> {
  const { json } = await send('GET', `${apiServices}/${name}`)
  return (at(json, 'status.conditions') as Condition[] | undefined)?.find((c) => c.type === 'Available')
}

async function until(reason: string): Promise<Condition> {
  const endMs = performance.now() + 15_000
  for (;;) {
    const condition = await availability()
    if (condition?.reason === reason) return condition
    assert.ok(performance.now() < endMs, `${reason} expected, last seen ${JSON.stringify(condition)}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

test('local APIServices are listed as available', async () => {
  const { json } = await send('GET', apiServices)
  const items = json.items as TestJson[]
  const apps = items.find((item) => at(item, 'metadata.name') === 'v1.apps')!
  assert.equal((at(apps, 'metadata.labels') as Record<string, string>)['kube-aggregator.kubernetes.io/automanaged'], 'onstart')
  assert.deepEqual([at(apps, 'spec.groupPriorityMinimum'), at(apps, 'spec.versionPriority')], [17_800, 15])
  assert.equal(at(apps, 'status.conditions.0.reason'), 'Local')
  const groups = (await send('GET', '/apis')).json.groups as TestJson[]
  const [first, second] = groups.map(({ name }) => name)
  assert.deepEqual([first, second], ['apiregistration.k8s.io', 'apps'], 'the aggregator itself, then groups in the order of their priority')
})

test('an APIService says step by step why it is not available, and answers 503 until it is', async () => {
  await created(apiServices, apiService())
  assert.equal((await until('ServiceNotFound')).message, `service/${serviceName} in "${namespace}" is not present`)
  assert.equal((await send('GET', flunders)).code, 503)
  assert.match((await send('GET', '/metrics')).text, /^aggregator_unavailable_apiservice\{name="v1alpha1\.wardle\.example\.com"\} 1$/m)
  const stale = (await send('GET', '/apis', { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' })).json
  const shown = (stale.items as TestJson[]).find((item) => at(item, 'metadata.name') === sampleGroup)
  assert.equal(at(shown!, 'versions.0.freshness'), 'Stale')
  await created(`/api/v1/namespaces/${namespace}/services`, { metadata: { name: serviceName }, spec: { ports: [{ port: 7443 }] } })
  await until('EndpointsNotFound')
  sample.setReady(false)
  await aggregation.putSlice()
  assert.match(
    (await until('FailedDiscoveryCheck')).message,
    /^failing or missing response from https:\/\/127\.0\.0\.1:\d+\/apis\/wardle\.example\.com\/v1alpha1: bad status from .*: 503$/,
  )
  sample.setReady(true)
  const { status, message } = await until('Passed')
  assert.deepEqual([status, message], ['True', 'all checks passed'])
})

test('Aggregator Should be able to support the 1.17 Sample API Server using the current Aggregator', async () => {
  await until('Passed')
  const flunder = {
    kind: 'Flunder',
    apiVersion: `${sampleGroup}/v1alpha1`,
    metadata: { name: 'e2e-flunder', labels: { a: 'b' } },
    spec: {},
  }
  await created(flunders, flunder)
  const listed = (await send('GET', flunders)).json
  assert.deepEqual(
    (listed.items as TestJson[]).map((item) => at(item, 'metadata.name')),
    ['e2e-flunder'],
  )
  assert.equal((await send('DELETE', `${flunders}/e2e-flunder`)).code, 200)
  assert.deepEqual((await send('GET', flunders)).json.items, [])

  // The APIService itself: its status, a patch, a label, a replacement, its list and its end.
  const path = `${apiServices}/${name}`
  assert.ok(at((await send('GET', `${path}/status`)).json, 'status.conditions'))
  const patched = await send('PATCH', path, { type: 'application/merge-patch+json', body: { spec: { versionPriority: 400 } } })
  assert.equal(at(patched.json, 'spec.versionPriority'), 400)
  await send('PATCH', path, { type: 'application/strategic-merge-patch+json', body: { metadata: { labels: { patched: 'true' } } } })
  const found = (await send('GET', `${apiServices}?labelSelector=patched%3Dtrue`)).json.items as TestJson[]
  assert.equal(found.length, 1)
  const current = (await send('GET', `${path}/status`)).json as TestJson & { status: { conditions: object[] } }
  const added = { type: 'StatusUpdated', status: 'True', reason: 'E2E', message: 'Set from e2e test' }
  const updated = await send('PUT', `${path}/status`, {
    body: { ...current, status: { conditions: [...current.status.conditions, added] } },
  })
  assert.equal(updated.code, 200, updated.text)
  const replaced = (await send('GET', path)).json as TestJson & { metadata: { labels: object } }
  const labels = { ...replaced.metadata.labels, updated: 'true' }
  assert.equal((await send('PUT', path, { body: { ...replaced, metadata: { ...replaced.metadata, labels } } })).code, 200)
  await until('Passed')
  assert.ok(JSON.stringify((await send('GET', path)).json.status).includes('StatusUpdated'), 'what others say stays')
  await created(flunders, flunder)
  assert.equal((await send('DELETE', flunders)).code, 200)
  assert.deepEqual((await send('GET', flunders)).json.items, [])
})

test('the server is told who asks, and clients cannot tell it themselves', async () => {
  await until('Passed')
  const headers = {
    'x-remote-user': 'mallory',
    'x-remote-group': 'system:masters',
    'x-remote-extra-a': 'b',
    authorization: 'Bearer secret',
  }
  await send('GET', flunders, {
    headers: { ...headers, 'impersonate-user': 'alice', 'impersonate-group': 'devs', 'impersonate-extra-example.org%2fscope': 'read' },
  })
  const { user, groups, extra } = lastCaller(flunders)
  assert.deepEqual([user, groups, extra], ['alice', ['devs', 'system:authenticated'], { 'example.org/scope': 'read' }])
  await send('GET', flunders, { headers })
  assert.equal(lastCaller(flunders).user, testUser.name)
})

/** The checks of availability ask as well, for other paths. */
const lastCaller = (url: string) => sample.callers.findLast((caller) => caller.url === url)!

test('its resources are among the documents of discovery and OpenAPI', async () => {
  await until('Passed')
  const v2 = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
  const items = (await send('GET', '/apis', { accept: v2 })).json.items as TestJson[]
  const group = items.find((item) => at(item, 'metadata.name') === sampleGroup)!
  assert.deepEqual([at(group, 'versions.0.freshness'), at(group, 'versions.0.resources.0.resource')], ['Current', 'flunders'])
  assert.equal(at((await send('GET', `/apis/${sampleGroup}`)).json, 'preferredVersion.version'), 'v1alpha1')
  assert.equal((await send('GET', `/apis/${sampleGroup}/v1alpha1`)).json.kind, 'APIResourceList')
  const swagger = (await send('GET', '/openapi/v2')).json as { paths: object; definitions: Record<string, unknown> }
  assert.ok(`/apis/${sampleGroup}/v1alpha1/flunders` in swagger.paths && !('/apis/other' in swagger.paths))
  assert.ok('Flunder' in swagger.definitions && 'Spec' in swagger.definitions && !('Unused' in swagger.definitions))
  assert.ok('io.k8s.api.core.v1.Pod' in swagger.definitions)
  assert.equal(at((await send('GET', `/openapi/v3/apis/${sampleGroup}/v1alpha1`)).json, 'info.title'), 'sample')
  const accept = 'application/com.github.proto-openapi.spec.v3@v1.0+protobuf'
  const { code, body } = await rawRequest(testApi.api, 'GET', `/openapi/v3/apis/${sampleGroup}/v1alpha1`, { accept })
  assert.equal(code, 200)
  assert.ok(Buffer.from(body as Uint8Array).includes('\n\u0006sample'), 'the title, with field and length before it')
})

test('a watch streams and ends with its client', async () => {
  await until('Passed')
  const leaving = new AbortController()
  const watch = await rawRequest(testApi.api, 'GET', `${flunders}?watch=1`, { signal: leaving.signal })
  const events = (watch.body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()
  await created(flunders, { metadata: { name: 'watched' } })
  const { value } = await events.next()
  assert.match(Buffer.from(value as Uint8Array).toString(), /^\{"type":"ADDED","object":\{.*"watched"/)
  leaving.abort()
  await assert.rejects(async () => {
    for (let next = await events.next(); !next.done; next = await events.next()) continue
  })
})

test('an upgrade is passed through with the caller', async () => {
  await until('Passed')
  const [client, server] = duplexPair()
  const tunnelled = testApi.api.upgrade(
    {
      method: 'GET',
      url: `${flunders}/x/stream`,
      headers: { connection: 'Upgrade', upgrade: 'echo' },
      body: undefined,
      credentials: { clientCertificate: undefined, bearerToken: undefined },
      remoteAddress: '127.0.0.1',
      signal: new AbortController().signal,
    },
    server,
    Buffer.from('hello'),
  )
  let seen = ''
  for await (const block of client) {
    seen += String(block)
    if (seen.endsWith('hello')) break
  }
  assert.match(seen, /^HTTP\/1\.1 101 .*\r\n\r\nhello$/s)
  assert.equal(lastCaller(`${flunders}/x/stream`).user, testUser.name)
  client.destroy()
  await tunnelled
})

test('a certificate that the bundle does not cover is refused, and anything goes where verification is off', async () => {
  const path = `${apiServices}/${name}`
  const set = (spec: object) => send('PATCH', path, { type: 'application/merge-patch+json', body: { spec } })
  await set({ caBundle: Buffer.from(frontProxyCa.cert).toString('base64') })
  await until('Passed')
  const refused = await send('GET', flunders)
  assert.equal(refused.code, 503)
  assert.match(String(refused.json.message), /^error trying to reach service: /)
  assert.equal((await set({ caBundle: null, insecureSkipTLSVerify: true })).code, 200)
  await untilCode(200)
})

async function untilCode(code: number): Promise<void> {
  const endMs = performance.now() + 10_000
  while ((await send('GET', flunders)).code !== code) {
    assert.ok(performance.now() < endMs)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

test('a namespace is emptied of what other servers hold, and not while nobody can say what that is', async () => {
  const listed = async () => ((await send('GET', apiServices)).json.items as APIService[]).filter((one) => one.spec?.service)
  await created(flunders, { metadata: { name: 'last' } })
  assert.deepEqual(await deleteAggregatedContents(testApi.client, await listed(), namespace), {
    remaining: [],
    failures: [],
    undiscovered: [],
  })
  assert.deepEqual((await send('GET', flunders)).json.items, [])
  sample.setReady(false)
  await send('PATCH', `${apiServices}/${name}`, { type: 'application/merge-patch+json', body: { spec: { versionPriority: 401 } } })
  await until('FailedDiscoveryCheck')
  const lost = new RegExp(`^aggregator_unavailable_apiservice_total\\{name="${name}",reason="FailedDiscoveryCheck"\\} [1-9]`, 'm')
  assert.match((await send('GET', '/metrics')).text, lost)
  const { undiscovered } = await deleteAggregatedContents(testApi.client, await listed(), namespace)
  assert.deepEqual(undiscovered, [`${sampleGroup}/v1alpha1`])
  const condition = planConditions({ namespace: { metadata: { name: namespace } }, remaining: [], failures: [], undiscovered }, 0)[0]
  assert.deepEqual(
    [condition?.type, condition?.status, condition?.reason, condition?.message],
    [
      'NamespaceDeletionDiscoveryFailure',
      'True',
      'DiscoveryFailed',
      `Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: ${sampleGroup}/v1alpha1: stale GroupVersion discovery: ${sampleGroup}/v1alpha1`,
    ],
  )
})

test('its group goes with the APIService', async () => {
  const collection = await send('DELETE', `${apiServices}?labelSelector=sample-apiserver%3Dtrue`)
  assert.equal(collection.code, 200)
  await untilCode(404)
  const groups = (await send('GET', '/apis')).json.groups as TestJson[]
  assert.ok(!groups.some((group) => group.name === sampleGroup))
})
