import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { PodGroupSpec } from '../../kinds/generated/types/scheduling-v1alpha2.ts'
import { podCondition } from '../../kinds/pod-status.ts'
import { type SimCluster, withCluster } from '../sim-cluster.ts'

const groupsOf = (c: SimCluster) => c.client.resource(kindRefs.schedulingV1alpha2.podGroups, 'default')

const addGroup = (c: SimCluster, name: string, minCount: number, more: Partial<PodGroupSpec> = {}) =>
  groupsOf(c).create({
    apiVersion: 'scheduling.k8s.io/v1alpha2',
    kind: 'PodGroup',
    metadata: { name },
    spec: { schedulingPolicy: { gang: { minCount } }, ...more },
  })

async function addMembers(c: SimCluster, group: string, count: number, cpu = '1', from = 0): Promise<void> {
  for (let i = from; i < from + count; i++)
    await c.addPod({ name: `${group}-${i}`, requests: { cpu }, spec: { schedulingGroup: { podGroupName: group } } })
}

async function nodesOf(c: SimCluster, group: string): Promise<readonly (string | undefined)[]> {
  const { items } = await c.client.resource(kindRefs.coreV1.pods, 'default').list()
  return items.filter((p) => p.metadata.name!.startsWith(`${group}-`)).map((p) => p.spec?.nodeName)
}

const boundCount = async (c: SimCluster, group: string) => (await nodesOf(c, group)).filter((n) => n !== undefined).length
const reason = async (c: SimCluster, pod: string) => podCondition(await c.pod(pod), 'PodScheduled')?.message ?? ''

test('pods of a group wait for the group, then for its number, and then go together', () =>
  withCluster(1, async (c) => {
    await c.addNode({ name: 'a' })
    await addMembers(c, 'g', 2)
    await c.until('told', async () => (await reason(c, 'g-0')) === 'waiting for pod group "default/g" to be created')
    await addGroup(c, 'g', 3)
    await c.until('told', async () => (await reason(c, 'g-1')) === 'pod group "default/g" has 2 of the 3 pods that it needs')
    await addMembers(c, 'g', 1, '1', 2)
    await c.until('all bound', async () => (await boundCount(c, 'g')) === 3)
    await c.until('the status', async () => (await groupsOf(c).get('g')).status?.conditions?.[0]?.status === 'True')
    // One more of a group that runs goes by itself.
    await addMembers(c, 'g', 1, '1', 3)
    await c.until('the fourth bound', async () => (await boundCount(c, 'g')) === 4)
  }))

test('a group of which only a part fits takes nothing, and leaves the room to others', () =>
  withCluster(2, async (c) => {
    await c.addNode({ name: 'a', cpu: '2' })
    await addGroup(c, 'g', 3)
    await addMembers(c, 'g', 3)
    const why = 'pod group "default/g" needs 3 places at once, 2 were found: 0/1 nodes are available: 1 Insufficient cpu.'
    await c.until('told', async () => (await reason(c, 'g-0')) === why)
    assert.equal(await boundCount(c, 'g'), 0)
    const condition = (await groupsOf(c).get('g')).status?.conditions?.[0]
    assert.deepEqual([condition?.status, condition?.reason, condition?.message], ['False', 'Unschedulable', why])
    await c.addPod({ name: 'other', requests: { cpu: '2' } })
    await c.until('the other bound', async () => (await c.pod('other')).spec?.nodeName === 'a')
    await c.addNode({ name: 'b', cpu: '3' })
    await c.until('all bound', async () => (await boundCount(c, 'g')) === 3)
  }))

test('two groups that fit one after the other never hold half of the room each', () =>
  withCluster(3, async (c) => {
    for (const name of ['a', 'b']) await c.addNode({ name, cpu: '2' })
    for (const group of ['g', 'h']) await addGroup(c, group, 4)
    for (let i = 0; i < 4; i++) for (const group of ['g', 'h']) await addMembers(c, group, 1, '1', i)
    await c.until('one group runs', async () => (await boundCount(c, 'g')) + (await boundCount(c, 'h')) === 4)
    const counts = [await boundCount(c, 'g'), await boundCount(c, 'h')].sort((x, y) => x - y)
    assert.deepEqual(counts, [0, 4])
  }))

test('a group may ask for one domain', () =>
  withCluster(4, async (c) => {
    const zone = (name: string) => ({ 'topology.kubernetes.io/zone': name })
    for (const [name, of] of Object.entries({ a: 'z1', b: 'z1', d: 'z2', e: 'z2', f: 'z2' }))
      await c.addNode({ name, cpu: of === 'z2' ? '1' : '2', labels: zone(of) })
    await addGroup(c, 'g', 4, { schedulingConstraints: { topology: [{ key: 'topology.kubernetes.io/zone' }] } })
    await addMembers(c, 'g', 4)
    await c.until('all bound', async () => (await boundCount(c, 'g')) === 4)
    assert.deepEqual(new Set(await nodesOf(c, 'g')), new Set(['a', 'b']))
    await addGroup(c, 'h', 4, { schedulingConstraints: { topology: [{ key: 'topology.kubernetes.io/zone' }] } })
    await addMembers(c, 'h', 4)
    await c.until('told', async () =>
      (await reason(c, 'h-0')).includes('needs 4 places at once in one domain of topology.kubernetes.io/zone, 3 were found'),
    )
  }))

test('a group without a gang asks nothing of its pods together', () =>
  withCluster(5, async (c) => {
    await c.addNode({ name: 'a', cpu: '1' })
    await groupsOf(c).create({
      apiVersion: 'scheduling.k8s.io/v1alpha2',
      kind: 'PodGroup',
      metadata: { name: 'g' },
      spec: { schedulingPolicy: { basic: {} } },
    })
    await addMembers(c, 'g', 2)
    await c.until('one bound', async () => (await boundCount(c, 'g')) === 1)
  }))
