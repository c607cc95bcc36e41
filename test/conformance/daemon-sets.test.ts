import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { DaemonSetSpec } from '../../src/kinds/generated/types/apps-v1.ts'
import { startConformanceCluster } from './conformance-cluster.ts'
import { checkStatusWrites, exists, isControlledBy, podsOf, podTemplate, selects, untilReady } from './workloads.ts'

const c = await startConformanceCluster({ nodes: 3 })
after(() => c.close())
const core = c.clientset.coreV1()
const apps = c.clientset.appsV1()
const ns = await c.namespace('daemons')
const sets = apps.daemonSets(ns)
const nodeNames = (await core.nodes().list()).items.map(({ metadata }) => metadata.name!)
const create = (name: string, more: Partial<DaemonSetSpec> = {}) =>
  sets.create({ metadata: { name, labels: { name } }, spec: { ...selects(name), template: podTemplate(name), ...more } })
const setImage = (name: string, image: string) =>
  sets.patch(name, { type: 'strategic', body: { spec: { template: { spec: { containers: [{ name: 'c', image }] } } } } })
const isRolledOut = async (name: string) => {
  const { metadata, status } = await sets.get(name)
  const { desiredNumberScheduled: desired, updatedNumberScheduled: updated, numberAvailable: available } = status!
  return status?.observedGeneration === metadata.generation && desired === 3 && updated === 3 && available === 3
}

test('Daemon set should run and stop simple daemon', async () => {
  await create('simple')
  await untilReady(c, ns, 'simple', 3)
  const pods = await podsOf(c, ns, 'simple')
  assert.deepEqual(new Set(pods.map(({ spec }) => spec?.nodeName)), new Set(nodeNames))
  const stopped = pods[0]!.metadata
  await core.pods(ns).delete(stopped.name!)
  await c.until('it is replaced', async () => (await podsOf(c, ns, 'simple')).every(({ metadata }) => metadata.uid !== stopped.uid))
  await untilReady(c, ns, 'simple', 3)
  await sets.delete('simple', { propagationPolicy: 'Foreground' })
  await c.until('all stop', async () => !(await exists(() => sets.get('simple'))))
  assert.deepEqual(await podsOf(c, ns, 'simple'), [])
})

test('Daemon set should run and stop complex daemon', async () => {
  const label = (color: string | null) => core.nodes().patch(nodeNames[0]!, { type: 'merge', body: { metadata: { labels: { color } } } })
  const template = (color: string) => podTemplate('complex', 'registry.example/httpd:1', { nodeSelector: { color } })
  await create('complex', { template: template('blue') })
  await c.throughout('no node is blue', async () => (await podsOf(c, ns, 'complex')).length === 0, 3_000)
  await label('blue')
  await untilReady(c, ns, 'complex', 1)
  assert.equal((await podsOf(c, ns, 'complex'))[0]?.spec?.nodeName, nodeNames[0])
  await label('green')
  await c.until('none on a green node', async () => (await podsOf(c, ns, 'complex')).length === 0)
  const body = { spec: { updateStrategy: { type: 'RollingUpdate' }, template: { spec: { nodeSelector: { color: 'green' } } } } }
  await sets.patch('complex', { type: 'strategic', body })
  await untilReady(c, ns, 'complex', 1)
  await label(null)
})

test('Daemon set should retry creating failed daemon pods', async () => {
  await create('retried')
  await untilReady(c, ns, 'retried', 3)
  const [pod] = await podsOf(c, ns, 'retried')
  await core.pods(ns).updateStatus({ ...pod!, status: { ...pod!.status, phase: 'Failed' } })
  await c.until('the failed one is gone', async () =>
    (await podsOf(c, ns, 'retried')).every(({ metadata }) => metadata.uid !== pod!.metadata.uid),
  )
  await untilReady(c, ns, 'retried', 3)
})

test('Daemon set should update pod when spec was updated and update strategy is RollingUpdate', async () => {
  await create('updated')
  await untilReady(c, ns, 'updated', 3)
  await setImage('updated', 'registry.example/agnhost:2')
  await c.until('rolled out', () => isRolledOut('updated'))
  const hashes = (await podsOf(c, ns, 'updated')).map(({ metadata }) => metadata.labels?.['controller-revision-hash'])
  assert.equal(new Set(hashes).size, 1)
  const revisions = (await apps.controllerRevisions(ns).list({ labelSelector: 'name=updated' })).items
  assert.deepEqual(new Set(revisions.map(({ revision }) => revision)), new Set([1, 2]))
})

test('Daemon set should rollback without unnecessary restarts', async () => {
  await create('rollback')
  await untilReady(c, ns, 'rollback', 3)
  const before = new Set((await podsOf(c, ns, 'rollback')).map(({ metadata }) => metadata.uid))
  await setImage('rollback', 'foo.example/missing:1')
  await c.until('one is stuck', async () => (await podsOf(c, ns, 'rollback')).some(({ metadata }) => !before.has(metadata.uid)))
  const kept = (await podsOf(c, ns, 'rollback')).map(({ metadata }) => metadata.uid).filter((uid) => before.has(uid))
  assert.equal(kept.length, 2)
  await setImage('rollback', 'registry.example/httpd:1')
  await c.until('rolled back', () => isRolledOut('rollback'))
  const after = new Set((await podsOf(c, ns, 'rollback')).map(({ metadata }) => metadata.uid))
  assert.ok(
    kept.every((uid) => after.has(uid)),
    'pods that were right were not made anew',
  )
  for (const { metadata, status } of await podsOf(c, ns, 'rollback'))
    if (before.has(metadata.uid)) assert.equal(status?.containerStatuses?.[0]?.restartCount, 0)
})

test('Daemon set should list and delete a collection of DaemonSets', async () => {
  await create('collected')
  await untilReady(c, ns, 'collected', 3)
  assert.equal((await apps.daemonSets().list({ labelSelector: 'name=collected' })).items.length, 1)
  await sets.deleteCollection({ labelSelector: 'name=collected' })
  assert.equal((await apps.daemonSets().list({ labelSelector: 'name=collected' })).items.length, 0)
})

test('Daemon set should verify changes to a daemon set status', async () => {
  await create('told')
  await untilReady(c, ns, 'told', 3)
  await checkStatusWrites(c, sets, 'told')
})

test('ControllerRevision should manage the lifecycle of a ControllerRevision', async () => {
  const name = 'revised'
  const revisions = apps.controllerRevisions(ns)
  const list = async () => (await revisions.list({ labelSelector: `name=${name}` })).items
  const set = await create(name)
  await untilReady(c, ns, name, 3)
  const [initial, ...others] = await list()
  assert.deepEqual([initial?.revision, others], [1, []])
  assert.ok(isControlledBy(initial!, set))
  const first = initial!.metadata.name!
  await revisions.patch(first, { type: 'strategic', body: { metadata: { labels: { [first]: 'patched' } } } })
  assert.equal((await revisions.get(first)).metadata.labels?.[first], 'patched')
  const labels = { ...initial!.metadata.labels }
  const reference = { apiVersion: 'apps/v1', kind: 'DaemonSet', name, uid: set.metadata.uid!, controller: true, blockOwnerDeletion: true }
  await revisions.create({
    metadata: { name: `${name}-extra`, labels, ownerReferences: [reference] },
    data: initial!.data!,
    revision: initial!.revision + 1,
  })
  await c.until('there are two', async () => (await list()).length === 2)
  assert.ok(await exists(() => revisions.get(`${name}-extra`)))
  await revisions.delete(first)
  await c.until('there is one', async () => (await list()).length === 1)
  const [left] = await list()
  const held = left!.metadata.name!
  await revisions.update({ ...left!, metadata: { ...left!.metadata, labels: { ...left!.metadata.labels, [held]: 'updated' } } })
  assert.equal((await revisions.get(held)).metadata.labels?.[held], 'updated')
  await sets.patch(name, {
    type: 'strategic',
    body: {
      spec: { template: { spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'c', image: 'registry.example/agnhost:2' }] } } },
    },
  })
  await c.until('there are two again', async () => (await list()).length === 2)
  await c.until('rolled out', () => isRolledOut(name))
  await revisions.deleteCollection({ labelSelector: `${held}=updated` })
  await c.until('there is one again', async () => (await list()).length === 1)
  assert.equal((await list())[0]?.revision, 3)
})
