import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { at, type TestJson } from '../../src/apiserver/test-requests.ts'
import { changed, namesOf, startConformanceApi } from './conformance-api.ts'

const conformance = await startConformanceApi()
after(() => conformance.close())
const namespace = await conformance.namespace('services')
const services = conformance.collection(`/api/v1/namespaces/${namespace}/services`)

test('Services should find a service from listing all namespaces', async () => {
  const all = await conformance.collection('/api/v1/services').list()
  assert.ok(all.some((s) => at(s, 'metadata.name') === 'kubernetes' && at(s, 'metadata.namespace') === 'default'))
})

test('Services should complete a service status lifecycle', async () => {
  const selector = 'labelSelector=test-service-static%3Dtrue'
  const made = await services.create({
    metadata: { name: 'status', labels: { 'test-service-static': 'true' } },
    spec: { type: 'LoadBalancer', ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 80 }] },
  })
  assert.deepEqual(namesOf(await conformance.collection('/api/v1/services').list(selector)), ['status'])
  const watch = await services.watch(`${selector}&resourceVersion=${String(at(made, 'metadata.resourceVersion'))}`)
  assert.deepEqual((await services.get('status/status')).status, { loadBalancer: {} })
  const patched = await services.merge('status/status', {
    metadata: { annotations: { patchedstatus: 'true' } },
    status: { loadBalancer: { ingress: [{ ip: '203.0.113.1' }] } },
  })
  assert.equal(at(patched, 'metadata.annotations.patchedstatus'), 'true')
  assert.equal(at(await watch.until('MODIFIED', 'status'), 'status.loadBalancer.ingress.0.ip'), '203.0.113.1')
  const condition = { type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'Set by a test', lastTransitionTime: null }
  await services.replace('status/status', changed(patched, { 'status.conditions': [condition] }))
  assert.equal(at(await watch.until('MODIFIED', 'status'), 'status.conditions.0.type'), 'StatusUpdate')
  await services.strategic('status', { metadata: { labels: { 'test-service': 'patched' } } })
  assert.equal(at(await watch.until('MODIFIED', 'status'), 'metadata.labels.test-service'), 'patched')
  await services.remove('status')
  await watch.until('DELETED', 'status')
  watch.stop()
})

test('Services should delete a collection of services', async () => {
  const selector = 'labelSelector=e2e-test-service%3Ddelete'
  for (const [name, labels] of [
    ['one', { 'e2e-test-service': 'delete' }],
    ['two', { 'e2e-test-service': 'delete' }],
    ['three', {}],
  ] as const)
    await services.create({ metadata: { name, labels }, spec: { ports: [{ port: 80 }] } })
  assert.equal((await services.list()).length, 3)
  await services.removeAll(selector)
  assert.deepEqual(namesOf(await services.list()), ['three'])
})

test('Endpoints should test the lifecycle of an Endpoint', async () => {
  const endpoints = conformance.collection(`/api/v1/namespaces/${namespace}/endpoints`)
  const selector = 'labelSelector=test-endpoint-static%3Dtrue'
  const subset = (ip: string, port: number): TestJson => ({ addresses: [{ ip }], ports: [{ name: 'http', port, protocol: 'TCP' }] })
  const made = await endpoints.create({
    metadata: { name: 'testservice', labels: { 'test-endpoint-static': 'true' } },
    subsets: [subset('10.0.0.24', 80)],
  })
  const watch = await endpoints.watch(`${selector}&resourceVersion=${String(at(made, 'metadata.resourceVersion'))}`)
  assert.deepEqual(namesOf(await conformance.collection('/api/v1/endpoints').list(selector)), ['testservice'])
  await endpoints.replace('testservice', changed(made, { 'metadata.labels.test-service': 'updated' }))
  assert.equal(at(await watch.until('MODIFIED', 'testservice'), 'metadata.labels.test-service'), 'updated')
  await endpoints.strategic('testservice', {
    metadata: { labels: { 'test-service': 'patched' } },
    subsets: [subset('10.0.0.25', 8080)],
  })
  await watch.until('MODIFIED', 'testservice')
  const read = await endpoints.get('testservice')
  assert.equal(at(read, 'metadata.labels.test-service'), 'patched')
  assert.deepEqual(read.subsets, [subset('10.0.0.25', 8080)])
  await endpoints.removeAll(selector)
  await watch.until('DELETED', 'testservice')
  watch.stop()
  await endpoints.gone('testservice')
})

test('API Server should provide secure master service', async () => {
  const service = await conformance.collection('/api/v1/namespaces/default/services').get('kubernetes')
  assert.deepEqual(
    (at(service, 'spec.ports') as TestJson[]).map(({ name, port, protocol }) => ({ name, port, protocol })),
    [{ name: 'https', port: 443, protocol: 'TCP' }],
  )
})

test('API Server should have Endpoints and EndpointSlices pointing to API Server', async () => {
  const endpoints = await conformance.collection('/api/v1/namespaces/default/endpoints').get('kubernetes')
  assert.deepEqual(endpoints.subsets, [{ addresses: [{ ip: '192.0.2.1' }], ports: [{ name: 'https', port: 6443, protocol: 'TCP' }] }])
  const slices = conformance.collection('/apis/discovery.k8s.io/v1/namespaces/default/endpointslices')
  const [slice, ...more] = await slices.list('labelSelector=kubernetes.io/service-name%3Dkubernetes')
  assert.ok(slice && more.length === 0)
  assert.deepEqual(at(slice, 'endpoints.0.addresses'), ['192.0.2.1'])
  assert.equal(at(slice, 'ports.0.port'), 6443)
  assert.equal(at(slice, 'addressType'), 'IPv4')
})
