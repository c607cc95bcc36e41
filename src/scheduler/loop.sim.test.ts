import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kindRefs } from '../client/generated/kind-refs.ts'
import type { Pod } from '../kinds/generated/types/core-v1.ts'
import { podCondition } from '../kinds/pod-status.ts'
import { withCluster } from './sim-cluster.ts'

const scheduled = (pod: Pod) => podCondition(pod, 'PodScheduled')

test('binds a pod, with condition and event', () =>
  withCluster(1, async (c) => {
    await c.addNode({ name: 'a' })
    await c.addPod({ name: 'p', requests: { cpu: '1' } })
    await c.until('bound', async () => (await c.pod('p')).spec?.nodeName === 'a')
    assert.equal(scheduled(await c.pod('p'))?.status, 'True')
    await c.until('an event', async () => (await c.events('p')).length > 0)
    const [event] = await c.events('p')
    assert.equal(event?.reason, 'Scheduled')
    assert.equal(event?.message, 'Successfully assigned default/p to a')
    assert.deepEqual(
      [event?.action, event?.reportingComponent, event?.reportingInstance, event?.source, event?.count],
      ['Binding', 'default-scheduler', 'default-scheduler-machine', {}, undefined],
    )
    assert.match(event?.eventTime ?? '', /^2026-01-01T00:00:00\.\d{6}Z$/)
  }))

test('says why nothing fits, and places the pod when a node comes that helps', () =>
  withCluster(2, async (c) => {
    await c.addNode({ name: 'a', cpu: '1' })
    await c.addPod({ name: 'p', requests: { cpu: '2' } })
    await c.until('a reason', async () => scheduled(await c.pod('p'))?.status === 'False')
    const condition = scheduled(await c.pod('p'))
    assert.equal(condition?.reason, 'Unschedulable')
    assert.equal(
      condition?.message,
      '0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.',
    )
    await c.addNode({ name: 'b', cpu: '4' })
    await c.until('bound', async () => (await c.pod('p')).spec?.nodeName === 'b')
  }))

test('places a waiting pod when another leaves, without waiting for the flush', () =>
  withCluster(3, async (c) => {
    await c.addNode({ name: 'a', cpu: '1' })
    await c.addPod({ name: 'first', requests: { cpu: '1' } })
    await c.until('bound', async () => (await c.pod('first')).spec?.nodeName === 'a')
    await c.addPod({ name: 'second', requests: { cpu: '1' } })
    await c.until('a reason', async () => scheduled(await c.pod('second'))?.status === 'False')
    await c.client.resource(kindRefs.coreV1.pods, 'default').delete('first', { gracePeriodSeconds: 0 })
    await c.until('bound', async () => (await c.pod('second')).spec?.nodeName === 'a', 15_000)
  }))

test('never gives out more than there is, and keeps to spread and seeds', async () => {
  const trace = async (seed: number) => {
    const nodes: string[] = []
    await withCluster(seed, async (c) => {
      for (const name of ['a', 'b', 'c']) await c.addNode({ name, cpu: '2', pods: '10' })
      for (let i = 0; i < 15; i++) await c.addPod({ name: `p${i}`, requests: { cpu: '500m' } })
      const all = async () => Promise.all(Array.from({ length: 15 }, (_, i) => c.pod(`p${i}`)))
      await c.until('decided', async () => (await all()).every((p) => scheduled(p) !== undefined))
      nodes.push(...(await all()).map((p) => p.spec?.nodeName ?? ''))
    })
    return nodes
  }
  const first = await trace(7)
  for (const name of ['a', 'b', 'c']) assert.equal(first.filter((n) => n === name).length, 4)
  assert.equal(first.filter((n) => n === '').length, 3)
  assert.deepEqual(await trace(7), first)
})

test('leaves gated pods and pods of other schedulers alone', () =>
  withCluster(4, async (c) => {
    await c.addNode({ name: 'a' })
    await c.addPod({ name: 'other', spec: { schedulerName: 'mine' } })
    await c.addPod({ name: 'gated', spec: { schedulingGates: [{ name: 'example.com/wait' }] } })
    await c.addPod({ name: 'p' })
    await c.until('bound', async () => (await c.pod('p')).spec?.nodeName === 'a')
    assert.equal((await c.pod('other')).spec?.nodeName, undefined)
    assert.equal((await c.pod('gated')).spec?.nodeName, undefined)
    const pods = c.client.resource(kindRefs.coreV1.pods, 'default')
    await pods.patch('gated', { type: 'json', body: [{ op: 'remove', path: '/spec/schedulingGates' }] })
    await c.until('bound', async () => (await c.pod('gated')).spec?.nodeName === 'a')
  }))

test('makes room for a stronger pod: victims get condition and event, the pod a nominated node, then its place', () =>
  withCluster(5, async (c) => {
    await c.addNode({ name: 'a', cpu: '1' })
    await c.addPod({ name: 'weak', requests: { cpu: '1' }, priority: 0 })
    await c.until('bound', async () => (await c.pod('weak')).spec?.nodeName === 'a')
    await c.client
      .resource(kindRefs.schedulingV1.priorityClasses)
      .create({ apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: 'high' }, value: 1000 })
    const watched: string[] = []
    await c.addPod({ name: 'strong', requests: { cpu: '1' }, priority: 1000, spec: { priorityClassName: 'high' } })
    await c.until('nominated', async () => {
      const strong = await c.pod('strong')
      if (strong.status?.nominatedNodeName) watched.push(strong.status.nominatedNodeName)
      return watched.length > 0
    })
    assert.equal(watched[0], 'a')
    assert.equal(scheduled(await c.pod('strong'))?.message, '0/1 nodes are available: 1 Insufficient cpu.')
    // Nobody runs the pod here: the test plays the node's agent and ends it.
    await c.until(
      'the victim is told to go',
      async () => (await c.pod('weak').catch(() => undefined))?.metadata.deletionTimestamp !== undefined,
    )
    assert.equal(podCondition(await c.pod('weak'), 'DisruptionTarget')?.reason, 'PreemptionByScheduler')
    const preempted = async () => (await c.events('weak')).find((e) => e.reason === 'Preempted')
    await c.until('an event', async () => (await preempted()) !== undefined)
    const { message, action, related } = (await preempted())!
    assert.match(message ?? '', /^Preempted by pod .+ on node a$/)
    assert.deepEqual([action, related?.kind, related?.name], ['Preempting', 'Pod', 'strong'])
    await c.client.resource(kindRefs.coreV1.pods, 'default').delete('weak', { gracePeriodSeconds: 0 })
    await c.until('bound', async () => (await c.pod('strong')).spec?.nodeName === 'a')
  }))

test('explains through the loop: the decision by replay, a waiting pod by what is', () =>
  withCluster(6, async (c) => {
    await c.addNode({ name: 'a' })
    await c.addPod({ name: 'p', requests: { cpu: '1' } })
    await c.until('bound', async () => (await c.pod('p')).spec?.nodeName === 'a')
    await c.addPod({ name: 'big', requests: { cpu: '64' } })
    await c.until('a reason', async () => scheduled(await c.pod('big'))?.status === 'False')
    await c.clock.settle()
    const placed = c.scheduler.explain('default', 'p')
    assert.equal(placed?.basis, 'Replay')
    assert.equal(placed?.winner?.node, 'a')
    assert.equal(placed?.winner?.why, 'the only one of 1 nodes that takes the pod')
    const waiting = c.scheduler.explain('default', 'big')
    assert.equal(waiting?.outcome, 'Pending')
    assert.deepEqual(
      waiting?.suggestions.map((s) => s.action),
      ['ReduceRequest'],
    )
    assert.equal(c.scheduler.explain('default', 'nobody'), undefined)
  }))

test('a pod that waits for another to be somewhere is placed when that one is', () =>
  withCluster(8, async (c) => {
    await c.addNode({ name: 'a' })
    const term = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'leader' } } }
    const affinity = { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } }
    await c.addPod({ name: 'follower', spec: { affinity } })
    await c.until('a reason', async () => scheduled(await c.pod('follower'))?.status === 'False')
    assert.match(
      scheduled(await c.pod('follower'))?.message ?? '',
      /^0\/1 nodes are available: 1 node\(s\) didn't match pod affinity rules\./,
    )
    await c.addPod({ name: 'leader', labels: { app: 'leader' } })
    await c.until('bound', async () => (await c.pod('follower')).spec?.nodeName === 'a', 15_000)
  }))

test('a refused binding is taken back and tried again', () =>
  withCluster(9, async (c) => {
    await c.addNode({ name: 'a', cpu: '1' })
    // Somebody else binds it in the same moment; ours is refused with a conflict and nothing is counted twice.
    const pod = await c.addPod({ name: 'p', requests: { cpu: '1' } })
    const binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: 'p', namespace: 'default', uid: pod.metadata.uid! },
      target: { kind: 'Node', name: 'a' },
    }
    await c.client
      .resource(kindRefs.coreV1.pods, 'default')
      .subresource('p', 'binding', binding)
      .catch(() => undefined)
    await c.until('bound', async () => (await c.pod('p')).spec?.nodeName === 'a')
    await c.client.resource(kindRefs.coreV1.pods, 'default').delete('p', { gracePeriodSeconds: 0 })
    await c.addPod({ name: 'q', requests: { cpu: '1' } })
    await c.until('bound', async () => (await c.pod('q')).spec?.nodeName === 'a', 15_000)
  }))
