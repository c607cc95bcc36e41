import assert from 'node:assert/strict'
import { test } from 'node:test'
import { faultyClient, simCluster, type SimCluster, type SimOptions } from '../sim-cluster.ts'
import { resourceQuotaController } from './controller.ts'

async function inCluster(options: Partial<SimOptions>, body: (cluster: SimCluster) => Promise<void>): Promise<void> {
  const outcome = () => ({ afterMs: 60_000, status: { phase: 'Succeeded' as const } })
  const cluster = await simCluster({ definitions: [resourceQuotaController], nodes: { outcome }, ...options })
  try {
    await body(cluster)
    if (!options.wrap) assert.equal(cluster.metrics.panicsOf('resourcequota'), 0)
  } finally {
    await cluster.stop()
  }
}

const quota = (hard: Record<string, string>, more = {}) => ({ metadata: { name: 'q', namespace: 'default' }, spec: { hard, ...more } })
const pod = (name: string, requests?: Record<string, string>, more = {}) => ({
  metadata: { name, namespace: 'default' },
  spec: { containers: [{ name: 'c', image: 'i', ...(requests ? { resources: { requests } } : {}) }], ...more },
})
const refusal = (why: string | RegExp) => (error: Error) => {
  assert.match(error.message, typeof why === 'string' ? new RegExp(`${why.replace(/[.()]/g, '\\$&')}$`) : why)
  return true
}

async function life({ clientset, until }: SimCluster): Promise<void> {
  const core = clientset.coreV1()
  const quotas = core.resourceQuotas('default')
  const pods = core.pods('default')
  const used = (expected: Record<string, string>) =>
    until(JSON.stringify(expected), async () => {
      const now = (await quotas.get('q')).status?.used ?? {}
      return Object.entries(expected).every(([name, amount]) => now[name] === amount)
    })
  await pods.create(pod('first', { cpu: '300m', memory: '1Gi' }))
  await quotas.create(quota({ pods: '3', 'requests.cpu': '1', 'requests.memory': '4Gi', 'count/configmaps': '5' }))
  await used({ pods: '1', 'requests.cpu': '300m', 'requests.memory': '1Gi', 'count/configmaps': '0' })
  await pods.create(pod('second', { cpu: '500m', memory: '512Mi' }))
  await used({ pods: '2', 'requests.cpu': '800m', 'requests.memory': '1536Mi' })
  await assert.rejects(
    pods.create(pod('third', { cpu: '300m', memory: '1Gi' })),
    refusal('pods "third" is forbidden: exceeded quota: q, requested: requests.cpu=300m, used: requests.cpu=800m, limited: requests.cpu=1'),
  )
  await assert.rejects(
    pods.create(pod('third')),
    refusal('pods "third" is forbidden: failed quota: q: must specify requests.cpu for: c; requests.memory for: c'),
  )
  await core.configMaps('default').create({ metadata: { name: 'm', namespace: 'default' } })
  await used({ 'count/configmaps': '1' })
  await until('both have ended', async () => (await pods.list()).items.every(({ status }) => status?.phase === 'Succeeded'))
  await used({ pods: '0', 'requests.cpu': '0' })
  await quotas.patch('q', { type: 'merge', body: { spec: { hard: { pods: '0' } } } })
  await until('the new limit is told', async () => (await quotas.get('q')).status?.hard?.pods === '0')
  await assert.rejects(
    pods.create(pod('third', { cpu: '1m', memory: '1Mi' })),
    refusal(/exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0$/),
  )
}

test('tells what is used, and refuses what is too much', () => inCluster({}, life))

for (const seed of [1, 2])
  test(`tells the same under faults and late watches (seed ${seed})`, () =>
    inCluster({ seed, watchLagMs: 20, wrap: (client) => faultyClient(client, { seed, share: 0.2 }) }, life))

test('of many requests at once no more are let in than the quota allows', () =>
  inCluster({ nodes: false }, async ({ clientset }) => {
    await clientset
      .coreV1()
      .resourceQuotas('default')
      .create(quota({ pods: '5' }))
    const creations = Array.from({ length: 20 }, (_, i) =>
      clientset
        .coreV1()
        .pods('default')
        .create(pod(`p${i}`)),
    )
    const results = await Promise.allSettled(creations)
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 5)
    assert.equal((await clientset.coreV1().pods('default').list()).items.length, 5)
  }))

test('what was refused for another reason takes no place', () =>
  inCluster({ nodes: false }, async ({ clientset }) => {
    const pods = clientset.coreV1().pods('default')
    await clientset
      .coreV1()
      .resourceQuotas('default')
      .create(quota({ pods: '2' }))
    await pods.create(pod('same'))
    for (let i = 0; i < 5; i++) await assert.rejects(pods.create(pod('same')), /already exists/)
    await pods.create(pod('other'), { dryRun: true })
    await pods.create(pod('other'))
    await assert.rejects(pods.create(pod('third')), /exceeded quota/)
    await pods.delete('same', { gracePeriodSeconds: 0 })
    await pods.create(pod('third'))
  }))

for (const [scopes, best, burst] of [
  [['BestEffort'], '1', '0'],
  [['NotBestEffort'], '0', '1'],
  [['Terminating'], '0', '0'],
  [['NotTerminating'], '1', '1'],
] as const)
  test(`a quota of scope ${scopes.join()} counts ${best} of best effort and ${burst} with requests`, () =>
    inCluster({ nodes: false }, async ({ clientset, until }) => {
      const quotas = clientset.coreV1().resourceQuotas('default')
      await quotas.create(quota({ pods: '10' }, { scopes: [...scopes] }))
      const usedIs = async (amount: string) => (await quotas.get('q')).status?.used?.pods === amount
      await clientset.coreV1().pods('default').create(pod('best'))
      await until(`${best} of best effort`, () => usedIs(best))
      await clientset
        .coreV1()
        .pods('default')
        .create(pod('burst', { cpu: '1m' }))
      await until('both are counted', () => usedIs(String(Number(best) + Number(burst))))
    }))

test('counts services by their ports and balancers, and lets a change in only while there is room', () =>
  inCluster({ nodes: false }, async ({ clientset, until }) => {
    const services = clientset.coreV1().services('default')
    const quotas = clientset.coreV1().resourceQuotas('default')
    await quotas.create(quota({ services: '5', 'services.nodeports': '1', 'services.loadbalancers': '0' }))
    const ports = [{ name: 'a', port: 80 }]
    await services.create({ metadata: { name: 'a', namespace: 'default' }, spec: { ports } })
    await services.patch('a', { type: 'merge', body: { spec: { type: 'NodePort' } } })
    await until('it has a node port', async () => (await quotas.get('q')).status?.used?.['services.nodeports'] === '1')
    await assert.rejects(
      services.create({ metadata: { name: 'b', namespace: 'default' }, spec: { ports, type: 'NodePort' } }),
      /exceeded quota: q, requested: services.nodeports=1/,
    )
    await assert.rejects(services.patch('a', { type: 'merge', body: { spec: { type: 'LoadBalancer' } } }), /services.loadbalancers=1/)
  }))

test('counts every kind that can be deleted, custom ones too, and no events', () =>
  inCluster({ nodes: false }, async ({ client, clientset, until }) => {
    const quotas = clientset.coreV1().resourceQuotas('default')
    const hard = {
      'count/leases.coordination.k8s.io': '1',
      'count/widgets.example.com': '1',
      'count/events': '0',
      'count/none.example.com': '1',
    }
    await quotas.create(quota(hard))
    const used = async () => (await quotas.get('q')).status?.used
    await until('leases are counted', async () => (await used())?.['count/leases.coordination.k8s.io'] === '0')
    assert.deepEqual(await used(), { 'count/leases.coordination.k8s.io': '0' })
    const leases = clientset.coordinationV1().leases('default')
    await leases.create({ metadata: { name: 'one' } })
    await until('one lease', async () => (await used())?.['count/leases.coordination.k8s.io'] === '1')
    await assert.rejects(leases.create({ metadata: { name: 'two' } }), refusal(/exceeded quota: q, requested: count\/leases/))
    const involvedObject = { kind: 'Pod', namespace: 'default', name: 'p' }
    await clientset
      .coreV1()
      .events('default')
      .create({ metadata: { name: 'e', namespace: 'default' }, involvedObject })

    const openAPIV3Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
    await clientset
      .apiextensionsV1()
      .customResourceDefinitions()
      .create({
        metadata: { name: 'widgets.example.com' },
        spec: {
          group: 'example.com',
          scope: 'Namespaced',
          names: { plural: 'widgets', kind: 'Widget' },
          versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema } }],
        },
      })
    await until('widgets are counted', async () => (await used())?.['count/widgets.example.com'] === '0')
    const kind = { group: 'example.com', version: 'v1', kind: 'Widget', plural: 'widgets', scope: 'Namespaced' } as const
    await client.resource(kind, 'default').create({ metadata: { name: 'w' } })
    await until('one widget', async () => (await used())?.['count/widgets.example.com'] === '1')
    await clientset.apiextensionsV1().customResourceDefinitions().delete('widgets.example.com')
    await until('there are no widgets any more', async () => !('count/widgets.example.com' in ((await used()) ?? {})))
  }))
