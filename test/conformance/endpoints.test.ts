import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { allControllers } from '../../src/controllers/all.ts'
import { simCluster } from '../../src/controllers/sim-cluster.ts'
import { startConformanceCluster } from './conformance-cluster.ts'
import { exists, follow, isControlledBy } from './workloads.ts'

const c = await startConformanceCluster()
after(() => c.close())
const core = c.clientset.coreV1()
const ns = await c.namespace('endpoints')
const endpoints = core.endpoints(ns)
const slices = c.clientset.discoveryV1().endpointSlices(ns)
const slicesOf = async (service: string) => (await slices.list({ labelSelector: `kubernetes.io/service-name=${service}` })).items
const addressesOf = async (service: string) =>
  (await slicesOf(service)).flatMap((slice) => (slice.endpoints ?? []).flatMap((one) => one.addresses)).sort()
const endpointsOf = async (service: string) =>
  ((await endpoints.get(service)).subsets ?? []).flatMap((subset) => (subset.addresses ?? []).map(({ ip }) => ip)).sort()
const createService = (name: string, ports = [{ name: 'http', port: 80, targetPort: 3000 }]) =>
  core.services(ns).create({ metadata: { name }, spec: { selector: { service: name }, ports } })

test('EndpointSlice should create and delete EndpointSlices for a Service with a selector that matches no pods', async () => {
  await createService('empty-slices')
  await c.until('a slice', async () => (await slicesOf('empty-slices')).length === 1)
  assert.deepEqual(await addressesOf('empty-slices'), [])
  const [slice] = await slicesOf('empty-slices')
  assert.ok(isControlledBy(slice!, await core.services(ns).get('empty-slices')))
  assert.equal(slice!.metadata.labels?.['endpointslice.kubernetes.io/managed-by'], 'endpointslice-controller.k8s.io')
  await core.services(ns).delete('empty-slices')
  await c.until('no slice', async () => (await slicesOf('empty-slices')).length === 0)
})

test('EndpointsController should create and delete Endpoints for a Service with a selector that matches no pods', async () => {
  await createService('empty-endpoints')
  await c.until('endpoints', () => exists(() => endpoints.get('empty-endpoints')))
  assert.deepEqual(await endpointsOf('empty-endpoints'), [])
  await core.services(ns).delete('empty-endpoints')
  await c.until('none', async () => !(await exists(() => endpoints.get('empty-endpoints'))))
})

async function podsOfService(service: string): Promise<string[]> {
  const spec = (port: number) => ({ containers: [{ name: 'c', image: 'i', ports: [{ name: 'http', containerPort: port }] }] })
  for (const [name, port] of [
    ['a', 3000],
    ['b', 3001],
  ] as const)
    await c.createPod(ns, `${service}-${name}`, { labels: { service }, spec: spec(port) })
  for (const name of ['a', 'b']) await c.until('it runs', () => c.isRunning(ns, `${service}-${name}`))
  return Promise.all(['a', 'b'].map(async (name) => (await c.pod(ns, `${service}-${name}`)).status!.podIP!)).then((ips) => ips.sort())
}

test('EndpointSlice should create Endpoints and EndpointSlices for Pods matching a Service', async () => {
  const service = 'matching'
  await core
    .services(ns)
    .create({ metadata: { name: service }, spec: { selector: { service }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] } })
  const ips = await podsOfService(service)
  await c.until('slices of both', async () => (await addressesOf(service)).join() === ips.join())
  await c.until('endpoints of both', async () => (await endpointsOf(service)).join() === ips.join())
  const ports = (await slicesOf(service)).flatMap((slice) => (slice.ports ?? []).map(({ port = 0 }) => port)).sort((a, b) => a - b)
  assert.deepEqual(ports, [3000, 3001], 'a named port differs from pod to pod')
  for (const slice of await slicesOf(service))
    for (const { targetRef, nodeName } of slice.endpoints ?? []) assert.ok(targetRef?.kind === 'Pod' && nodeName)
  await core.services(ns).delete(service)
  await c.until('none', async () => (await slicesOf(service)).length === 0 && !(await exists(() => endpoints.get(service))))
})

test('EndpointsController should create Endpoints for Pods matching a Service', async () => {
  const service = 'endpoints'
  await createService(service)
  const ips = await podsOfService(service)
  await c.until('endpoints of both', async () => (await endpointsOf(service)).join() === ips.join())
  await core.pods(ns).delete(`${service}-a`)
  await c.until('one is left', async () => (await endpointsOf(service)).length === 1)
  const [address] = (await endpoints.get(service)).subsets![0]!.addresses!
  assert.deepEqual([address?.targetRef?.kind, address?.targetRef?.name], ['Pod', `${service}-b`])
})

test('EndpointSliceMirroring should mirror a custom Endpoints resource through create update and delete', async () => {
  const read = async (path: string) => {
    const { body } = await c.client.raw({ method: 'GET', path })
    return JSON.parse(await text(body)) as Record<'groups' | 'versions' | 'resources', Record<string, string>[]>
  }
  const group = 'discovery.k8s.io'
  assert.ok((await read('/apis')).groups.some(({ name }) => name === group))
  assert.ok((await read(`/apis/${group}`)).versions.some(({ groupVersion }) => groupVersion === `${group}/v1`))
  assert.ok((await read(`/apis/${group}/v1`)).resources.some(({ name, kind }) => name === 'endpointslices' && kind === 'EndpointSlice'))
  const name = 'mirrored'
  await core.services(ns).create({ metadata: { name }, spec: { ports: [{ name: 'example', port: 80 }] } })
  const subsets = (ip: string, port: number) => [{ addresses: [{ ip }], ports: [{ name: 'http', port }] }]
  await endpoints.create({ metadata: { name }, subsets: subsets('10.1.2.3', 80) })
  const mirrored = async (ip: string, port: number) => {
    const all = await slicesOf(name)
    return all.length === 1 && all[0]?.endpoints?.[0]?.addresses[0] === ip && all[0].ports?.[0]?.port === port
  }
  await c.until('created', () => mirrored('10.1.2.3', 80))
  assert.equal(
    (await slicesOf(name))[0]?.metadata.labels?.['endpointslice.kubernetes.io/managed-by'],
    'endpointslicemirroring-controller.k8s.io',
  )
  await endpoints.update({ ...(await endpoints.get(name)), subsets: subsets('10.2.3.4', 9090) })
  await c.until('updated', () => mirrored('10.2.3.4', 9090))
  await endpoints.delete(name)
  await c.until('deleted', async () => (await slicesOf(name)).length === 0)
})

test('ServiceAccounts should guarantee kube-root-ca.crt exist in any namespace', async () => {
  const cluster = await simCluster({ definitions: allControllers({ rootCaPem: 'CA' }), nodes: false })
  const maps = cluster.clientset.coreV1().configMaps('default')
  const name = 'kube-root-ca.crt'
  const isThere = async () => (await exists(() => maps.get(name))) && (await maps.get(name)).data?.['ca.crt'] === 'CA'
  await cluster.until('created', isThere)
  await maps.delete(name)
  await cluster.until('made again', isThere)
  await maps.update({ metadata: { name }, data: { 'ca.crt': '' } })
  await cluster.until('put right', isThere)
  await cluster.clientset
    .coreV1()
    .namespaces()
    .create({ metadata: { name: 'any' } })
  await cluster.until('in a new namespace', () => exists(() => cluster.clientset.coreV1().configMaps('any').get(name)))
  await cluster.stop()
})

test('Service endpoints latency should not be very high', async () => {
  await c.createPod(ns, 'latency', { labels: { service: 'latency' } })
  await c.until('it runs', () => c.isRunning(ns, 'latency'))
  const latencies: number[] = []
  const watch = await follow(c, endpoints)
  for (let i = 0; i < 100; i++) {
    const name = `latency-${i}`
    const startMs = c.clock.now()
    await core.services(ns).create({ metadata: { name }, spec: { selector: { service: 'latency' }, ports: [{ port: 80 }] } })
    // A finer step than `until` takes: what is measured is the delay of the controllers, of virtual time.
    const isTold = () => watch.events.some(({ object }) => object.metadata.name === name && object.subsets?.[0]?.addresses?.length === 1)
    while (!isTold() || (await addressesOf(name)).length === 0) await c.clock.advance(5)
    latencies.push(c.clock.now() - startMs)
    await core.services(ns).delete(name)
  }
  await watch.stop()
  latencies.sort((a, b) => a - b)
  assert.ok(latencies[50]! < 20_000 && latencies[90]! < 50_000, latencies.join())
})
