import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Client } from '../client/contract.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import { type SimCluster, withCluster } from './sim-cluster.ts'

const nodeOf = async (c: SimCluster, name: string) => (await c.pod(name)).spec?.nodeName

/** Two weak pods fill the only node. */
async function filled(c: SimCluster): Promise<void> {
  await c.client
    .resource(kindRefs.schedulingV1.priorityClasses)
    .create({ apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: 'high' }, value: 1000 })
  await c.addNode({ name: 'a', cpu: '2' })
  for (const name of ['weak-1', 'weak-2']) {
    await c.addPod({ name, requests: { cpu: '1' } })
    await c.until('bound', async () => (await nodeOf(c, name)) === 'a')
  }
}

const addStrong = (c: SimCluster) =>
  c.addPod({ name: 'strong', requests: { cpu: '2' }, priority: 1000, spec: { priorityClassName: 'high' } })

const isLeaving = async (c: SimCluster, name: string) => (await c.pod(name)).metadata.deletionTimestamp !== undefined

test('looks once more when the last of its victims has left, and does not wait for a back-off then', () =>
  withCluster(31, async (c) => {
    await filled(c)
    await addStrong(c)
    await c.until('both are told to go', async () => (await isLeaving(c, 'weak-1')) && (await isLeaving(c, 'weak-2')))
    const pods = c.client.resource(kindRefs.coreV1.pods, 'default')
    const { unplacedCount } = c.scheduler.metrics
    const nominatedMs = c.clock.now()
    await pods.delete('weak-1', { gracePeriodSeconds: 0 })
    await c.clock.settle()
    assert.equal(c.scheduler.metrics.unplacedCount, unplacedCount)
    await pods.delete('weak-2', { gracePeriodSeconds: 0 })
    await c.clock.settle()
    assert.equal(await nodeOf(c, 'strong'), 'a')
    assert.equal(c.scheduler.metrics.unplacedCount, unplacedCount)
    assert.ok(c.clock.now() - nominatedMs < 1_000)
  }))

test('tries again after its back-off when a victim could not be evicted', () =>
  withCluster(32, async (c) => {
    await filled(c)
    const policies = c.client.resource(kindRefs.admissionregistrationV1.validatingAdmissionPolicies)
    await policies.create({
      metadata: { name: 'kept' },
      spec: {
        matchConstraints: {
          resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['DELETE'], resources: ['pods'], scope: '*' }],
        },
        validations: [{ expression: 'oldObject.metadata.name != "weak-2"' }],
      },
    })
    await c.client
      .resource(kindRefs.admissionregistrationV1.validatingAdmissionPolicyBindings)
      .create({ metadata: { name: 'kept' }, spec: { policyName: 'kept', validationActions: ['Deny'] } })
    await addStrong(c)
    await c.until('one is told to go', () => isLeaving(c, 'weak-1'))
    const pods = c.client.resource(kindRefs.coreV1.pods, 'default')
    await pods.delete('weak-1', { gracePeriodSeconds: 0 })
    await c.until('tried twice', async () => c.scheduler.metrics.preemptionAttempts >= 2, 15_000)
    assert.equal(await isLeaving(c, 'weak-2'), false)
    await policies.delete('kept')
    await c.until('it is told to go', () => isLeaving(c, 'weak-2'), 30_000)
    await pods.delete('weak-2', { gracePeriodSeconds: 0 })
    await c.until('bound', async () => (await nodeOf(c, 'strong')) === 'a')
  }))

test('a binding, which brings the pod labels of its node, is no room for others', () =>
  withCluster(33, async (c) => {
    await c.addNode({ name: 'a', cpu: '2', labels: { 'topology.kubernetes.io/zone': 'z' } })
    await c.addPod({ name: 'huge', requests: { cpu: '64' } })
    await c.until('tried', async () => c.scheduler.metrics.unplacedCount === 1)
    await c.addPod({ name: 'small', requests: { cpu: '1' } })
    await c.until('bound', async () => (await c.pod('small')).metadata.labels?.['topology.kubernetes.io/zone'] === 'z')
    await c.clock.advance(60_000)
    assert.equal(c.scheduler.metrics.unplacedCount, 1)
  }))

test("what is explained while victims leave: for whom room is being made, and that it is nobody else's", () =>
  withCluster(33, async (c) => {
    await filled(c)
    await addStrong(c)
    await c.until('both are told to go', async () => (await isLeaving(c, 'weak-1')) && (await isLeaving(c, 'weak-2')))
    const waiting = c.scheduler.explain('default', 'strong')!
    assert.equal(waiting.summary, 'room is being made for it on node a: it waits for default/weak-1, default/weak-2 to leave')
    const pods = c.client.resource(kindRefs.coreV1.pods, 'default')
    await pods.delete('weak-1', { gracePeriodSeconds: 0 })
    await c.addPod({ name: 'other', requests: { cpu: '1' } })
    await c.until('told', async () => (await c.pod('other')).status?.conditions !== undefined)
    const { summary, nodes, suggestions } = c.scheduler.explain('default', 'other')!
    assert.equal(summary, 'none of 1 nodes takes it')
    assert.deepEqual(
      nodes.flatMap((n) => (n.verdict === 'Rejected' ? n.filters.flatMap((f) => f.details) : [])),
      ['kept for default/strong, for which room is being made here: beside that, Insufficient cpu'],
    )
    assert.deepEqual(
      suggestions.map((s) => s.text),
      ['add a node like a that has cpu 1000m to give'],
    )
  }))

test('what is said of pods in one turn, and who is to go, is one call', async () => {
  const sizes: number[] = []
  const wrap = (client: Client): Client => ({
    ...client,
    changePods: (changes, options) => {
      sizes.push(changes.length)
      return client.changePods!(changes, options)
    },
  })
  await withCluster(
    34,
    async (c) => {
      await filled(c)
      await addStrong(c)
      await c.until('both are told to go', async () => (await isLeaving(c, 'weak-1')) && (await isLeaving(c, 'weak-2')))
      assert.equal((await c.pod('strong')).status?.nominatedNodeName, 'a')
    },
    {},
    { wrap },
  )
  assert.deepEqual(sizes, [3])
})

test('evicts by requests where the transport has no call for many', () =>
  withCluster(
    35,
    async (c) => {
      await filled(c)
      await addStrong(c)
      await c.until('both are told to go', async () => (await isLeaving(c, 'weak-1')) && (await isLeaving(c, 'weak-2')))
      const { status } = await c.pod('weak-1')
      assert.equal(status?.conditions?.find(({ type }) => type === 'DisruptionTarget')?.reason, 'PreemptionByScheduler')
    },
    {},
    { wrap: ({ changePods: _, ...client }) => client },
  ))
