import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { PodSpec, ResourceQuota, ResourceQuotaSpec } from '../../src/kinds/generated/types/core-v1.ts'
import { isStatus } from '../../src/machinery/status-error.ts'
import { startConformanceCluster } from './conformance-cluster.ts'
import { exists, follow, podTemplate, selects } from './workloads.ts'

const c = await startConformanceCluster()
after(() => c.close())
const core = c.clientset.coreV1()
const apps = c.clientset.appsV1()

let serial = 0
/** A namespace with a quota of everything that the texts count. */
async function withQuota(hard: Record<string, string>, more: Partial<ResourceQuotaSpec> = {}) {
  const ns = await c.namespace(`quota-${++serial}`)
  const quotas = core.resourceQuotas(ns)
  const create = async (name: string, spec: ResourceQuotaSpec) => {
    await quotas.create({ metadata: { name }, spec })
    await c.until('it is counted', async () => (await quotas.get(name)).status?.used !== undefined)
    const { hard, used = {} } = (await quotas.get(name)).status!
    assert.deepEqual(hard, spec.hard)
    assert.deepEqual(Object.keys(used).sort(), Object.keys(spec.hard!).sort())
    for (const [key, amount] of Object.entries(used)) assert.equal(String(amount), key === 'resourcequotas' ? '1' : '0', key)
  }
  await create('test', { hard, ...more })
  const usedOf = async (name: string, keys: readonly string[]) => {
    const used = (await quotas.get(name)).status?.used ?? {}
    return keys.map((key) => String(used[key]))
  }
  const untilUsed = async (expected: Record<string, string>, name = 'test') => {
    let last: string[] = []
    await c.until(`${name} uses ${JSON.stringify(expected)}`, async () => {
      last = await usedOf(name, Object.keys(expected))
      return last.join() === Object.values(expected).join()
    })
  }
  return { ns, quotas, create, untilUsed }
}
const refused = (error: unknown) => isStatus(error, 'Forbidden') && /exceeded quota/.test(String(error))
const asking = (requests: Record<string, string>, limits = requests): Partial<PodSpec> => ({
  containers: [{ name: 'c', image: 'i', resources: { requests, limits } }],
})

test('ResourceQuota should create a ResourceQuota and ensure its status is promptly calculated.', async () => {
  const { untilUsed } = await withQuota({
    pods: '5',
    services: '10',
    'services.nodeports': '1',
    cpu: '1',
    memory: '500Mi',
    resourcequotas: '1',
  })
  await untilUsed({ resourcequotas: '1', pods: '0', services: '0', 'services.nodeports': '0', cpu: '0', memory: '0' })
})

test('ResourceQuota should create a ResourceQuota and capture the life of a service.', async () => {
  const { ns, untilUsed } = await withQuota({ services: '10', 'services.nodeports': '1', 'services.loadbalancers': '1' })
  const service = (name: string, type: 'ClusterIP' | 'NodePort' | 'LoadBalancer') =>
    core.services(ns).create({ metadata: { name }, spec: { type, selector: { a: 'b' }, ports: [{ port: 80 }] } })
  await service('cluster-ip', 'ClusterIP')
  await service('node-port', 'NodePort')
  await untilUsed({ services: '2', 'services.nodeports': '1', 'services.loadbalancers': '0' })
  await assert.rejects(service('too-many', 'LoadBalancer'), refused)
  for (const name of ['cluster-ip', 'node-port']) await core.services(ns).delete(name)
  await untilUsed({ services: '0', 'services.nodeports': '0', 'services.loadbalancers': '0' })
})

test('ResourceQuota should create a ResourceQuota and capture the life of a secret.', async () => {
  const { ns, untilUsed } = await withQuota({ secrets: '10' })
  await core.secrets(ns).create({ metadata: { name: 's' } })
  await untilUsed({ secrets: '1' })
  await core.secrets(ns).delete('s')
  await untilUsed({ secrets: '0' })
})

test('ResourceQuota should create a ResourceQuota and capture the life of a configMap.', async () => {
  const { ns, untilUsed } = await withQuota({ configmaps: '10' })
  await untilUsed({ configmaps: '0' })
  await core.configMaps(ns).create({ metadata: { name: 'm' } })
  await untilUsed({ configmaps: '1' })
  await core.configMaps(ns).delete('m')
  await untilUsed({ configmaps: '0' })
})

test('ResourceQuota should create a ResourceQuota and capture the life of a pod.', async () => {
  const extended = 'requests.example.com/dongle'
  const { ns, untilUsed } = await withQuota({ pods: '5', cpu: '1', memory: '500Mi', 'requests.ephemeral-storage': '50Gi', [extended]: '3' })
  const requests = { cpu: '500m', memory: '252Mi', 'ephemeral-storage': '30Gi', 'example.com/dongle': '2' }
  await c.createPod(ns, 'fits', { spec: asking(requests) })
  await untilUsed({ pods: '1', cpu: '500m', memory: '252Mi', 'requests.ephemeral-storage': '30Gi', [extended]: '2' })
  await assert.rejects(c.createPod(ns, 'too-much-cpu', { spec: asking({ cpu: '600m', memory: '100Mi' }) }), refused)
  await assert.rejects(
    c.createPod(ns, 'too-many-dongles', { spec: asking({ cpu: '500m', memory: '100Mi', 'example.com/dongle': '2' }) }),
    refused,
  )
  const current = await c.pod(ns, 'fits')
  const [container] = current.spec!.containers
  const changed = { ...container!, resources: { requests: { cpu: '100m', memory: '100Mi' } } }
  await assert.rejects(
    core.pods(ns).update({ ...current, spec: { ...current.spec!, containers: [changed] } }),
    (error) => isStatus(error, 'Invalid') || isStatus(error, 'Forbidden'),
  )
  await untilUsed({ pods: '1', cpu: '500m', memory: '252Mi', 'requests.ephemeral-storage': '30Gi', [extended]: '2' })
  await core.pods(ns).delete('fits', { gracePeriodSeconds: 0 })
  await untilUsed({ pods: '0', cpu: '0', memory: '0', 'requests.ephemeral-storage': '0', [extended]: '0' })
})

test('ResourceQuota should create a ResourceQuota and capture the life of a replication controller.', async () => {
  const { ns, untilUsed } = await withQuota({ replicationcontrollers: '10' })
  await core
    .replicationControllers(ns)
    .create({ metadata: { name: 'rc' }, spec: { replicas: 0, selector: { name: 'rc' }, template: podTemplate('rc') } })
  await untilUsed({ replicationcontrollers: '1' })
  await core.replicationControllers(ns).delete('rc', { propagationPolicy: 'Background' })
  await untilUsed({ replicationcontrollers: '0' })
})

test('ResourceQuota should create a ResourceQuota and capture the life of a replica set.', async () => {
  const { ns, untilUsed } = await withQuota({ 'count/replicasets.apps': '5' })
  await apps.replicaSets(ns).create({ metadata: { name: 'rs' }, spec: { replicas: 0, ...selects('rs'), template: podTemplate('rs') } })
  await untilUsed({ 'count/replicasets.apps': '1' })
  await apps.replicaSets(ns).delete('rs')
  await untilUsed({ 'count/replicasets.apps': '0' })
})

test('ResourceQuota should verify ResourceQuota with terminating scopes.', async () => {
  const hard = { pods: '5', 'requests.cpu': '1', 'requests.memory': '500Mi', 'limits.cpu': '2', 'limits.memory': '1Gi' }
  const { ns, create, untilUsed } = await withQuota(hard, { scopes: ['NotTerminating'] })
  await create('terminating', { hard, scopes: ['Terminating'] })
  const spec = asking({ cpu: '500m', memory: '200Mi' }, { cpu: '1', memory: '400Mi' })
  const [none, one] = [
    { pods: '0', 'requests.cpu': '0', 'requests.memory': '0', 'limits.cpu': '0', 'limits.memory': '0' },
    { pods: '1', 'requests.cpu': '500m', 'requests.memory': '200Mi', 'limits.cpu': '1', 'limits.memory': '400Mi' },
  ]
  const check = async (name: string, more: Partial<PodSpec>, counted: string, other: string) => {
    await c.createPod(ns, name, { spec: { ...spec, ...more } })
    await untilUsed(one, counted)
    await untilUsed(none, other)
    await core.pods(ns).delete(name, { gracePeriodSeconds: 0 })
    await untilUsed(none, counted)
  }
  await check('long-running', {}, 'test', 'terminating')
  await check('deadline', { activeDeadlineSeconds: 3600 }, 'terminating', 'test')
})

test('ResourceQuota should verify ResourceQuota with best effort scope.', async () => {
  const { ns, create, untilUsed } = await withQuota({ pods: '5' }, { scopes: ['NotBestEffort'] })
  await create('best-effort', { hard: { pods: '5' }, scopes: ['BestEffort'] })
  const check = async (name: string, spec: Partial<PodSpec>, counted: string, other: string) => {
    await c.createPod(ns, name, { spec })
    await untilUsed({ pods: '1' }, counted)
    await untilUsed({ pods: '0' }, other)
    await core.pods(ns).delete(name, { gracePeriodSeconds: 0 })
    await untilUsed({ pods: '0' }, counted)
  }
  await check('besteffort-pod', {}, 'best-effort', 'test')
  await check('burstable-pod', asking({ cpu: '500m', memory: '200Mi' }, { cpu: '1', memory: '400Mi' }), 'test', 'best-effort')
})

test('ResourceQuota should be able to update and delete ResourceQuota.', async () => {
  const { quotas } = await withQuota({ cpu: '1', memory: '500Mi' })
  const current = await quotas.get('test')
  const updated = await quotas.update({ ...current, spec: { hard: { cpu: '2', memory: '1Gi' } } })
  assert.deepEqual(updated.spec?.hard, { cpu: '2', memory: '1Gi' })
  assert.deepEqual((await quotas.get('test')).spec?.hard, { cpu: '2', memory: '1Gi' })
  await quotas.delete('test')
  assert.equal(await exists(() => quotas.get('test')), false)
})

test('ResourceQuota should manage the lifecycle of a ResourceQuota', async () => {
  const { quotas } = await withQuota({ cpu: '1', memory: '500Mi' })
  await quotas.patch('test', {
    type: 'strategic',
    body: { metadata: { labels: { 'e2e-rq': 'patched' } }, spec: { hard: { cpu: '3', memory: '750Mi' } } },
  })
  const found = (await core.resourceQuotas().list({ labelSelector: 'e2e-rq=patched' })).items
  assert.deepEqual(
    found.map(({ spec }) => spec?.hard),
    [{ cpu: '3', memory: '750Mi' }],
  )
  await quotas.deleteCollection({ labelSelector: 'e2e-rq=patched' })
  assert.equal((await core.resourceQuotas().list({ labelSelector: 'e2e-rq=patched' })).items.length, 0)
})

test('ResourceQuota should apply changes to a resourcequota status', async () => {
  const { quotas } = await withQuota({ cpu: '500m', memory: '500Mi' })
  const read = () => quotas.subresource<undefined, ResourceQuota>('test', 'status', undefined, { method: 'GET' })
  const watch = await follow(c, quotas)
  const tells = (cpu: string) => (quota: ResourceQuota) => quota.status?.hard?.cpu === cpu
  const current = await read()
  assert.deepEqual(current.status?.hard, current.spec?.hard)
  const written = { cpu: '1', memory: '1Gi' }
  const updated = await quotas.updateStatus({ ...current, status: { ...current.status, hard: written } })
  assert.deepEqual(updated.status?.hard, written)
  await watch.until('the update', 'MODIFIED', tells('1'))
  await watch.until('the spec is told again', 'MODIFIED', tells('500m'))
  const patched = await quotas.patch('test', { type: 'merge', body: { spec: { hard: written } } })
  assert.deepEqual(patched.spec?.hard, written)
  await watch.until('the new spec is told', 'MODIFIED', tells('1'))
  for (const cpu of ['2', '3']) {
    const hard = { cpu, memory: '2Gi' }
    const body = { spec: { hard: { cpu: '9' } }, status: { hard } }
    const told = await quotas.patch('test', { type: 'strategic', body }, { subresource: 'status' })
    assert.deepEqual([told.status?.hard, told.spec?.hard], [hard, written])
    await watch.until('the patch', 'MODIFIED', tells(cpu))
    await watch.until('the spec is told again', 'MODIFIED', tells('1'))
    assert.deepEqual([(await read()).status?.hard, (await read()).spec?.hard], [written, written])
  }
  await watch.stop()
})

test('LimitRange should create a LimitRange with defaults and ensure pod has those defaults applied.', async () => {
  const ns = await c.namespace('limits')
  const ranges = core.limitRanges(ns)
  const range = {
    min: { cpu: '50m', memory: '100Mi' },
    max: { cpu: '500m', memory: '500Mi' },
    default: { cpu: '100m', memory: '200Mi' },
    defaultRequest: { cpu: '100m', memory: '200Mi' },
  }
  const watch = await follow(c, ranges)
  await ranges.create({ metadata: { name: 'range' }, spec: { limits: [{ type: 'Container', ...range }] } })
  const made = await watch.until('created', 'ADDED')
  assert.deepEqual(made.spec, { limits: [{ type: 'Container', ...range }] })
  assert.deepEqual((await ranges.get('range')).spec, made.spec)
  const bare = await c.createPod(ns, 'bare', {})
  assert.deepEqual(bare.spec?.containers[0]?.resources, { limits: range.default, requests: range.defaultRequest })
  const partial = await c.createPod(ns, 'partial', { spec: asking({ cpu: '300m' }, { cpu: '300m', memory: '300Mi' }) })
  assert.deepEqual(partial.spec?.containers[0]?.resources?.requests, { cpu: '300m', memory: '300Mi' })
  const outside = (requests: Record<string, string>) => c.createPod(ns, 'outside', { spec: asking(requests) })
  await assert.rejects(outside({ cpu: '10m', memory: '200Mi' }), (error) => isStatus(error, 'Forbidden'))
  await assert.rejects(outside({ cpu: '600m', memory: '200Mi' }), (error) => isStatus(error, 'Forbidden'))
  await ranges.patch('range', {
    type: 'merge',
    body: { spec: { limits: [{ type: 'Container', ...range, min: { cpu: '9m', memory: '100Mi' } }] } },
  })
  assert.equal((await ranges.get('range')).spec?.limits?.[0]?.min?.cpu, '9m')
  await outside({ cpu: '10m', memory: '200Mi' })
  await ranges.delete('range')
  await watch.until('deleted', 'DELETED')
  await watch.stop()
  await c.createPod(ns, 'unlimited', { spec: asking({ cpu: '600m', memory: '600Mi' }) })
})

test('LimitRange should list, patch and delete a LimitRange by collection', async () => {
  const ns = await c.namespace('limit-ranges')
  const labels = { 'e2e-limitrange': 'yes' }
  const spec = { limits: [{ type: 'Container', max: { cpu: '500m' } }] }
  for (const namespace of [ns, await c.namespace('limit-ranges-2')])
    await core.limitRanges(namespace).create({ metadata: { name: 'range', labels }, spec })
  assert.equal((await core.limitRanges(ns).list({ labelSelector: 'e2e-limitrange=yes' })).items.length, 1)
  const body = { metadata: { labels: { range: 'patched' } }, spec: { limits: [{ type: 'Container', max: { cpu: '400m' } }] } }
  await core.limitRanges(ns).patch('range', { type: 'strategic', body })
  const patched = await core.limitRanges(ns).get('range')
  assert.deepEqual([patched.metadata.labels?.range, patched.spec?.limits?.[0]?.max?.cpu], ['patched', '400m'])
  assert.equal((await core.limitRanges().list({ labelSelector: 'e2e-limitrange=yes' })).items.length, 2)
  await core.limitRanges(ns).deleteCollection({ labelSelector: 'range=patched' })
  assert.equal((await core.limitRanges().list({ labelSelector: 'e2e-limitrange=yes' })).items.length, 1)
})
