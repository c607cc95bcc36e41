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

/** Of those that wait, the first one's. */
async function reasonOfWaiting(c: SimCluster, group: string): Promise<string> {
  const { items } = await c.client.resource(kindRefs.coreV1.pods, 'default').list()
  const waiting = items.find((p) => p.metadata.name!.startsWith(`${group}-`) && p.spec?.nodeName === undefined)
  return (waiting && podCondition(waiting, 'PodScheduled')?.message) ?? ''
}

test('pods of a group wait for the group, then for its number, and then go together', () =>
  withCluster(1, async (c) => {
    await c.addNode({ name: 'a' })
    await addMembers(c, 'g', 2)
    await c.until('told', async () => (await reason(c, 'g-0')) === 'waiting for pod group "default/g" to be created')
    assert.deepEqual(
      c.scheduler.explain('default', 'g-0')!.suggestions.map((s) => s.text),
      ['create the PodGroup default/g'],
    )
    await addGroup(c, 'g', 3)
    await c.until('told', async () => (await reason(c, 'g-1')) === 'pod group "default/g" has not yet the 3 pods that it needs')
    const { message, suggestions } = c.scheduler.explain('default', 'g-0')!
    assert.equal(message, 'pod group "default/g" has 2 of the 3 pods that it needs')
    assert.deepEqual(
      suggestions.map((s) => s.text),
      ['create 1 more pod of the group (or remove gates), or lower its minCount to 2'],
    )
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

const inOneZone = { schedulingConstraints: { topology: [{ key: 'topology.kubernetes.io/zone' }] } }
const zone = (name: string) => ({ 'topology.kubernetes.io/zone': name })

test('who joins a group that runs goes to its domain, and waits where that is full', () =>
  withCluster(6, async (c) => {
    await c.addNode({ name: 'a', cpu: '4', labels: zone('z1') })
    await addGroup(c, 'g', 2, inOneZone)
    await addMembers(c, 'g', 2)
    await c.until('both bound', async () => (await boundCount(c, 'g')) === 2)
    // More nodes, and more room: the better domain for everybody else.
    for (const name of ['b', 'd']) await c.addNode({ name, cpu: '8', labels: zone('z2') })
    await addMembers(c, 'g', 3, '1', 2)
    await c.until('two more bound', async () => (await boundCount(c, 'g')) === 4)
    assert.deepEqual(new Set(await nodesOf(c, 'g')), new Set(['a', undefined]))
    await c.until('told', async () => (await reasonOfWaiting(c, 'g')).includes("2 node(s) were outside the group's topology domain"))
  }))

test('who is made anew while the group lacks one goes to the domain of the others', () =>
  withCluster(7, async (c) => {
    await c.addNode({ name: 'a', cpu: '4', labels: zone('z1') })
    await addGroup(c, 'g', 2, inOneZone)
    await addMembers(c, 'g', 2)
    await c.until('both bound', async () => (await boundCount(c, 'g')) === 2)
    for (const name of ['b', 'd']) await c.addNode({ name, cpu: '8', labels: zone('z2') })
    await c.client.resource(kindRefs.coreV1.pods, 'default').delete('g-0', { gracePeriodSeconds: 0 })
    await addMembers(c, 'g', 1, '1', 2)
    await c.until('the new one bound', async () => (await c.pod('g-2')).spec?.nodeName !== undefined)
    assert.equal((await c.pod('g-2')).spec?.nodeName, 'a')
  }))

test('who comes while the bindings of the others are on their way is placed at once', () =>
  withCluster(8, async (c) => {
    await c.addNode({ name: 'a', cpu: '8' })
    await addGroup(c, 'g', 3)
    await addMembers(c, 'g', 2)
    await c.until('told', async () => (await reason(c, 'g-1')) !== '')
    // Both at the same moment: the third completes the group, the fourth finds it decided and not yet bound.
    await Promise.all([addMembers(c, 'g', 1, '1', 2), addMembers(c, 'g', 1, '1', 3)])
    await c.until('all bound', async () => (await boundCount(c, 'g')) === 4, 2_000)
  }))

test('groups that fit nowhere try again when something has changed, and do not wake each other', () =>
  withCluster(9, async (c) => {
    await c.addNode({ name: 'a', cpu: '2' })
    for (const group of ['g', 'h']) {
      await addGroup(c, group, 3)
      await addMembers(c, group, 3)
    }
    for (const group of ['g', 'h']) await c.until('told', async () => (await reason(c, `${group}-0`)).includes('2 were found'))
    await c.clock.advance(20_000)
    const tried = c.scheduler.metrics.unplacedCount
    await c.clock.advance(200_000)
    assert.equal(c.scheduler.metrics.unplacedCount, tried)
  }))

test('a group that no node has a domain for is tried when one gets its label', () =>
  withCluster(10, async (c) => {
    const node = await c.addNode({ name: 'a' })
    await addGroup(c, 'g', 2, inOneZone)
    await addMembers(c, 'g', 2)
    await c.until('told', async () => (await reason(c, 'g-0')).includes('no node has label topology.kubernetes.io/zone'))
    const nodes = c.client.resource(kindRefs.coreV1.nodes)
    await nodes.patch('a', { type: 'merge', body: { metadata: { labels: { ...node.metadata.labels, ...zone('z1') } } } })
    await c.until('both bound', async () => (await boundCount(c, 'g')) === 2)
  }))

test('the order in which the pods of a group were made says nothing: workers that need their leader near wait for it within the try', () =>
  withCluster(11, async (c) => {
    for (const name of ['a', 'b']) await c.addNode({ name, cpu: '4' })
    const near = {
      podAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { role: 'leader' } } },
        ],
      },
    }
    const spec = { schedulingGroup: { podGroupName: 'g' } }
    for (const i of [0, 1, 2]) await c.addPod({ name: `g-${i}`, requests: { cpu: '1' }, spec: { ...spec, affinity: near } })
    await c.addPod({ name: 'g-3', requests: { cpu: '1' }, labels: { role: 'leader' }, spec })
    await addGroup(c, 'g', 4)
    await c.until('all bound', async () => (await boundCount(c, 'g')) === 4)
    assert.equal(new Set(await nodesOf(c, 'g')).size, 1)
  }))
