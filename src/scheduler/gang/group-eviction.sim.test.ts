import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import { podCondition } from '../../kinds/pod-status.ts'
import { type SimCluster, withCluster } from '../sim-cluster.ts'

const pods = (c: SimCluster) => c.client.resource(kindRefs.coreV1.pods, 'default')
const names = async (c: SimCluster, prefix: string) =>
  (await pods(c).list()).items.filter(({ metadata }) => metadata.name!.startsWith(prefix)).map(({ metadata }) => metadata.name!)

/** Weak pods of one CPU each; nobody runs them, so that they are gone as soon as they are told to go. */
async function weak(c: SimCluster, count: number): Promise<void> {
  for (let i = 0; i < count; i++)
    await c.addPod({ name: `weak-${i}`, requests: { cpu: '1' }, labels: { app: 'weak' }, spec: { terminationGracePeriodSeconds: 0 } })
  await c.until('the weak bound', async () => (await pods(c).list()).items.every(({ spec }) => spec?.nodeName))
}

async function strongGroup(c: SimCluster, members: number): Promise<void> {
  await c.client.resource(kindRefs.schedulingV1.priorityClasses).create({ metadata: { name: 'high' }, value: 1000 })
  await c.client
    .resource(kindRefs.schedulingV1alpha2.podGroups, 'default')
    .create({ metadata: { name: 'g' }, spec: { schedulingPolicy: { gang: { minCount: members } } } })
  for (let i = 0; i < members; i++) {
    const spec = { priorityClassName: 'high', schedulingGroup: { podGroupName: 'g' } }
    await c.addPod({ name: `g-${i}`, requests: { cpu: '1' }, priority: 1000, spec })
  }
}

const reason = async (c: SimCluster) => podCondition(await c.pod('g-0'), 'PodScheduled')?.message ?? ''

test('weaker pods leave for all that a group needs, no more of them, and the group takes their places at once', () =>
  withCluster(1, async (c) => {
    for (const name of ['a', 'b']) await c.addNode({ name, cpu: '2' })
    await weak(c, 3)
    await strongGroup(c, 3)
    await c.until('all of the group bound', async () => {
      const { items } = await pods(c).list()
      return items.filter(({ metadata, spec }) => metadata.name!.startsWith('g-') && spec?.nodeName).length === 3
    })
    assert.equal((await names(c, 'weak-')).length, 1)
    assert.equal(c.scheduler.metrics.preemptionVictims, 2)
    await c.until('events', async () => (await c.eventNames()).filter((name) => name.startsWith('weak-')).length >= 5)
  }))

test('nobody leaves for a part of a group', () =>
  withCluster(2, async (c) => {
    for (const name of ['a', 'b']) await c.addNode({ name, cpu: '2' })
    await weak(c, 4)
    await strongGroup(c, 5)
    await c.until('told', async () => (await reason(c)) !== '')
    await c.clock.advance(30_000)
    assert.equal(
      await reason(c),
      'pod group "default/g" needs 5 places at once, 0 were found: 0/2 nodes are available: 2 Insufficient cpu.',
    )
    assert.equal((await names(c, 'weak-')).length, 4)
    assert.equal((await c.pod('g-0')).status?.nominatedNodeName, undefined)
  }))

test('no budget is broken for a group', () =>
  withCluster(3, async (c) => {
    for (const name of ['a', 'b']) await c.addNode({ name, cpu: '2' })
    const budgets = c.client.resource(kindRefs.policyV1.podDisruptionBudgets, 'default')
    const budget = await budgets.create({
      metadata: { name: 'b' },
      spec: { maxUnavailable: 1, selector: { matchLabels: { app: 'weak' } } },
    })
    const status = { disruptionsAllowed: 1, currentHealthy: 4, desiredHealthy: 3, expectedPods: 4, observedGeneration: 1 }
    await budgets.updateStatus({ ...budget, status })
    await weak(c, 4)
    await strongGroup(c, 2)
    await c.until('told', async () => (await reason(c)).endsWith(' Weaker pods would have to leave that disruption budgets keep.'))
    await c.clock.advance(30_000)
    assert.equal((await names(c, 'weak-')).length, 4)
    await budgets.updateStatus({ ...(await budgets.get('b')), status: { ...status, disruptionsAllowed: 2 } })
    await c.until(
      'both bound',
      async () => (await c.pod('g-0')).spec?.nodeName !== undefined && (await c.pod('g-1')).spec?.nodeName !== undefined,
    )
    assert.equal((await names(c, 'weak-')).length, 2)
  }))

test('while victims take their time the group says so, and asks for no others', () =>
  withCluster(4, async (c) => {
    await c.addNode({ name: 'a', cpu: '2' })
    for (let i = 0; i < 2; i++) await c.addPod({ name: `weak-${i}`, requests: { cpu: '1' } })
    await c.until('the weak bound', async () => (await pods(c).list()).items.every(({ spec }) => spec?.nodeName))
    await c.addNode({ name: 'b', cpu: '2' })
    for (let i = 2; i < 4; i++) await c.addPod({ name: `weak-${i}`, requests: { cpu: '1' } })
    await c.until('the weak bound', async () => (await pods(c).list()).items.every(({ spec }) => spec?.nodeName))
    await strongGroup(c, 2)
    await c.until('room is being made', async () => (await reason(c)).endsWith('Room is being made for all of them: 2 weaker pods leave.'))
    const leaving = async () => (await pods(c).list()).items.filter(({ metadata }) => metadata.deletionTimestamp !== undefined)
    await c.until('two are told to go', async () => (await leaving()).length === 2)
    const [first, second] = await leaving()
    await pods(c).delete(first!.metadata.name!, { gracePeriodSeconds: 0 })
    await c.clock.advance(20_000)
    assert.equal((await leaving()).length, 1)
    await pods(c).delete(second!.metadata.name!, { gracePeriodSeconds: 0 })
    await c.until(
      'both bound',
      async () => (await c.pod('g-0')).spec?.nodeName !== undefined && (await c.pod('g-1')).spec?.nodeName !== undefined,
    )
    assert.equal((await names(c, 'weak-')).length, 2)
  }))
