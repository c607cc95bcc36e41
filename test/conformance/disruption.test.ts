import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { PodDisruptionBudget } from '../../src/kinds/generated/types/policy-v1.ts'
import { isStatus } from '../../src/machinery/status-error.ts'
import { startConformanceCluster } from './conformance-cluster.ts'
import { exists, podsOf, podTemplate, selects, untilReady } from './workloads.ts'

const c = await startConformanceCluster()
after(() => c.close())
const core = c.clientset.coreV1()
const policy = c.clientset.policyV1()
const ns = await c.namespace('disruption')
const budgets = policy.podDisruptionBudgets(ns)

const create = (name: string, spec: object, labels: Record<string, string> = { name }) =>
  budgets.create({ metadata: { name, labels }, spec: { ...selects(name), ...spec } })
const observed = (name: string) =>
  c.until(`${name} is observed`, async () => {
    const { metadata, status } = await budgets.get(name)
    return (
      status?.observedGeneration === metadata.generation && status?.conditions?.some(({ type }) => type === 'DisruptionAllowed') === true
    )
  })
const evict = (name: string) =>
  core.pods(ns).subresource(name, 'eviction', { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: ns } })

test('DisruptionController should create a PodDisruptionBudget', async () => {
  await create('life', { minAvailable: '1%' })
  assert.equal((await budgets.get('life')).spec?.minAvailable, '1%')
  const current = await budgets.get('life')
  await budgets.update({ ...current, spec: { ...current.spec, minAvailable: '2%' } })
  assert.equal((await budgets.get('life')).spec?.minAvailable, '2%')
  await observed('life')
  await budgets.patch('life', { type: 'strategic', body: { spec: { minAvailable: '3%' } } })
  assert.equal((await budgets.get('life')).spec?.minAvailable, '3%')
  await observed('life')
  await budgets.delete('life')
  assert.equal(await exists(() => budgets.get('life')), false)
})

test('DisruptionController Listing PodDisruptionBudgets for all namespaces should list and delete a collection of PodDisruptionBudgets', async () => {
  const special = { special: 'label' }
  for (const name of ['list-1', 'list-2']) await create(name, { minAvailable: 1 }, special)
  const other = await c.namespace('disruption-2')
  await policy
    .podDisruptionBudgets(other)
    .create({ metadata: { name: 'list-3', labels: special }, spec: { ...selects('x'), minAvailable: 1 } })
  assert.equal((await policy.podDisruptionBudgets().list({ labelSelector: 'special=label' })).items.length, 3)
  await budgets.deleteCollection({ labelSelector: 'special=label' })
  const left = (await policy.podDisruptionBudgets().list({ labelSelector: 'special=label' })).items
  assert.deepEqual(
    left.map(({ metadata }) => metadata.name),
    ['list-3'],
  )
})

test('DisruptionController should observe PodDisruptionBudget status updated', async () => {
  await create('observed', { minAvailable: 1 })
  for (const name of ['observed-1', 'observed-2', 'observed-3']) await c.createPod(ns, name, { labels: { name: 'observed' } })
  await untilReady(c, ns, 'observed', 3)
  await c.until('two may go', async () => (await budgets.get('observed')).status?.disruptionsAllowed === 2)
  const { status } = await budgets.get('observed')
  assert.deepEqual([status?.currentHealthy, status?.desiredHealthy, status?.expectedPods], [3, 1, 3])
  const allowed = status?.conditions?.find(({ type }) => type === 'DisruptionAllowed')
  assert.deepEqual([allowed?.status, allowed?.reason], ['True', 'SufficientPods'])
  for (const name of ['observed-2', 'observed-3']) await core.pods(ns).delete(name)
  await c.until('none may go', async () => (await budgets.get('observed')).status?.disruptionsAllowed === 0)
  const refused = (await budgets.get('observed')).status?.conditions?.find(({ type }) => type === 'DisruptionAllowed')
  assert.deepEqual([refused?.status, refused?.reason], ['False', 'InsufficientPods'])
})

test('DisruptionController should update/patch PodDisruptionBudget status', async () => {
  await create('told', { minAvailable: 1 })
  await observed('told')
  const read = () => budgets.subresource<undefined, PodDisruptionBudget>('told', 'status', undefined, { method: 'GET' })
  const current = await read()
  assert.equal(current.kind, 'PodDisruptionBudget')
  const condition = { type: 'E2E', status: 'True' as const, reason: 'Test', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }
  await budgets.updateStatus({ ...current, status: { ...current.status, conditions: [...(current.status?.conditions ?? []), condition] } })
  assert.ok((await budgets.get('told')).status?.conditions?.some(({ type }) => type === 'E2E'))
  await budgets.patch(
    'told',
    { type: 'merge', body: { status: { conditions: [{ ...condition, type: 'Patched' }] } } },
    { subresource: 'status' },
  )
  assert.ok((await read()).status?.conditions?.some(({ type }) => type === 'Patched'))
  const disruptedPods = { 'told-1': '2026-01-01T00:00:00Z' }
  await budgets.patch('told', { type: 'merge', body: { status: { disruptedPods } } }, { subresource: 'status' })
  await c.until(
    'nobody waits for a pod that is not there',
    async () => Object.keys((await read()).status?.disruptedPods ?? {}).length === 0,
  )
})

test('DisruptionController should block an eviction until the PDB is updated to allow it', async () => {
  const name = 'blocked'
  await c.clientset
    .appsV1()
    .replicaSets(ns)
    .create({ metadata: { name }, spec: { replicas: 3, ...selects(name), template: podTemplate(name) } })
  await untilReady(c, ns, name, 3)
  await create(name, { minAvailable: 3 })
  await observed(name)
  const pod = (await podsOf(c, ns, name))[0]!.metadata.name!
  await assert.rejects(evict(pod), (error) => isStatus(error, 'TooManyRequests') && /disruption budget/.test(String(error)))
  await budgets.patch(name, { type: 'merge', body: { spec: { minAvailable: 2 } } })
  await c.until('one may go', async () => (await budgets.get(name)).status?.disruptionsAllowed === 1)
  await evict(pod)
  await c.until('it is gone', () => c.isGone(ns, pod))
  await untilReady(c, ns, name, 3)
  const next = (await podsOf(c, ns, name))[0]!.metadata.name!
  await budgets.patch(name, { type: 'merge', body: { spec: { minAvailable: 3 } } })
  await c.until('none may go', async () => (await budgets.get(name)).status?.disruptionsAllowed === 0)
  await assert.rejects(evict(next), (error) => isStatus(error, 'TooManyRequests'))
  await budgets.delete(name)
  await evict(next)
  await c.until('it is gone', () => c.isGone(ns, next))
})
