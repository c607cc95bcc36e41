import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { isStatus } from '../../src/machinery/status-error.ts'
import { podCondition } from '../../src/kinds/pod-status.ts'
import { isScheduledFalse, startConformanceCluster } from './conformance-cluster.ts'

const c = await startConformanceCluster()
after(() => c.close())
const core = c.clientset.coreV1()
const classes = c.clientset.schedulingV1().priorityClasses()
const foo = 'scheduling.k8s.io/foo'
const nodeNames = (await core.nodes().list()).items.map((n) => n.metadata.name!)
for (const [name, value] of Object.entries({ low: 1, medium: 100, high: 1000, 'p-1': 1, 'p-2': 2, 'p-3': 3, 'p-4': 4 }))
  await classes.create({ metadata: { name }, value })

/** Gives a node so much of a resource that no agent knows, as somebody outside of it does. */
async function addResource(node: string, amount: string): Promise<void> {
  const body = { status: { capacity: { [foo]: amount }, allocatable: { [foo]: amount } } }
  await core.nodes().patch(node, { type: 'strategic', body }, { subresource: 'status' })
}
const onNode = (node: string) => ({ nodeSelector: { 'kubernetes.io/hostname': node } })
const nodeOf = async (namespace: string, name: string) => (await c.pod(namespace, name)).spec?.nodeName

test('Conformance Tests should have at least two untainted nodes', async () => {
  const { items } = await core.nodes().list()
  assert.ok(items.filter((n) => !n.spec?.taints?.length && !n.spec?.unschedulable).length >= 2)
})

test('SchedulerPredicates validates resource limits of pods that are allowed to run', async () => {
  const ns = await c.namespace('limits')
  // Every node is filled with a pod that leaves less than half of a CPU; one that asks for half of a node fits nowhere then.
  for (const node of nodeNames) {
    const allocatable = Number((await core.nodes().get(node)).status!.allocatable!.cpu) * 1000
    assert.ok(allocatable > 0)
    await c.createPod(ns, `filler-${node}`, { requests: { cpu: `${Math.floor(allocatable * 0.7)}m` }, spec: onNode(node) })
    await c.until('filled', () => c.isRunning(ns, `filler-${node}`))
  }
  const cpu = Number((await core.nodes().get(nodeNames[0]!)).status!.allocatable!.cpu) * 500
  await c.createPod(ns, 'additional', { requests: { cpu: `${cpu}m` } })
  await c.until('unschedulable', async () => isScheduledFalse(await c.pod(ns, 'additional')))
  assert.match(podCondition(await c.pod(ns, 'additional'), 'PodScheduled')!.message!, /Insufficient cpu/)
  await core.namespaces().delete(ns)
})

test('SchedulerPredicates validates that NodeSelector is respected if not matching', async () => {
  const ns = await c.namespace('not-matching')
  await c.createPod(ns, 'restricted', { spec: { nodeSelector: { label: 'nonempty' } } })
  await c.until('unschedulable', async () => isScheduledFalse(await c.pod(ns, 'restricted')))
  await c.throughout('it stays without a node', async () => (await nodeOf(ns, 'restricted')) === undefined, 10_000)
  const events = (await core.events(ns).list({ fieldSelector: 'involvedObject.name=restricted,reason=FailedScheduling' })).items
  assert.ok(events.length > 0 && events.every(({ type, message }) => type === 'Warning' && /node affinity\/selector/.test(message ?? '')))
})

test('SchedulerPredicates validates that NodeSelector is respected if matching', async () => {
  const ns = await c.namespace('matching')
  await core.nodes().patch(nodeNames[1]!, { type: 'merge', body: { metadata: { labels: { 'example.com/e2e': '42' } } } })
  await c.createPod(ns, 'with-labels', { spec: { nodeSelector: { 'example.com/e2e': '42' } } })
  await c.until('running', () => c.isRunning(ns, 'with-labels'))
  assert.equal(await nodeOf(ns, 'with-labels'), nodeNames[1])
})

test('SchedulerPredicates validates that there exists conflict between pods with same hostPort and protocol but one using 0.0.0.0 hostIP', async () => {
  const ns = await c.namespace('host-ports')
  const withPort = (hostIP?: string) => ({
    ...onNode(nodeNames[0]!),
    containers: [
      {
        name: 'c',
        image: 'p:1',
        ports: [{ containerPort: 54322, hostPort: 54322, protocol: 'TCP' as const, ...(hostIP ? { hostIP } : {}) }],
      },
    ],
  })
  await c.createPod(ns, 'pod4', { spec: withPort() })
  await c.until('running', () => c.isRunning(ns, 'pod4'))
  await c.createPod(ns, 'pod5', { spec: withPort('127.0.0.1') })
  await c.until('refused', async () => isScheduledFalse(await c.pod(ns, 'pod5')))
  assert.match(podCondition(await c.pod(ns, 'pod5'), 'PodScheduled')!.message!, /didn't have free ports for the requested pod ports/)
})

test('SchedulerPreemption validates basic preemption works', async () => {
  const ns = await c.namespace('preemption')
  for (const [i, node] of nodeNames.entries()) {
    await addResource(node, '5')
    for (const j of [0, 1]) {
      const priorityClassName = i === 0 && j === 0 ? 'low' : 'medium'
      await c.createPod(ns, `pod${i}-${j}`, { requests: { [foo]: '2' }, spec: { ...onNode(node), priorityClassName } })
      await c.until('running', () => c.isRunning(ns, `pod${i}-${j}`))
    }
  }
  await c.createPod(ns, 'preemptor', { requests: { [foo]: '2' }, spec: { priorityClassName: 'high' } })
  await c.until('running', () => c.isRunning(ns, 'preemptor'))
  assert.ok(await c.isGone(ns, 'pod0-0'))
  assert.equal(await nodeOf(ns, 'preemptor'), nodeNames[0])
  assert.equal((await core.pods(ns).list()).items.filter(({ metadata }) => !metadata.deletionTimestamp).length, 4)
  await core.pods(ns).deleteCollection()
  await c.until('gone', async () => (await core.pods(ns).list()).items.length === 0)
})

test('SchedulerPreemption validates lower priority pod preemption by critical pod', async () => {
  const ns = await c.namespace('critical')
  for (const [i, node] of nodeNames.entries()) {
    await addResource(node, '5')
    for (const j of [0, 1]) {
      const priorityClassName = i === 0 && j === 0 ? 'low' : 'medium'
      await c.createPod(ns, `pod${i}-${j}`, { requests: { [foo]: '2' }, spec: { ...onNode(node), priorityClassName } })
      await c.until('running', () => c.isRunning(ns, `pod${i}-${j}`))
    }
  }
  const critical = await c.createPod('kube-system', 'critical', {
    requests: { [foo]: '2' },
    spec: { priorityClassName: 'system-cluster-critical' },
  })
  assert.equal(critical.spec?.priority, 2_000_000_000)
  await c.until('running', () => c.isRunning('kube-system', 'critical'))
  assert.ok(await c.isGone(ns, 'pod0-0'))
  await core.pods('kube-system').delete('critical')
  await core.pods(ns).deleteCollection()
  await c.until('gone', async () => (await core.pods(ns).list()).items.length === 0)
})

test('SchedulerPreemption validates pod disruption condition is added to the preempted pod', async () => {
  const ns = await c.namespace('condition')
  const node = nodeNames[0]!
  await addResource(node, '1')
  await c.createPod(ns, 'victim', {
    finalizers: ['example.com/test-finalizer'],
    requests: { [foo]: '1' },
    spec: { ...onNode(node), priorityClassName: 'low' },
  })
  await c.until('running', () => c.isRunning(ns, 'victim'))
  await c.createPod(ns, 'preemptor', { requests: { [foo]: '1' }, spec: { ...onNode(node), priorityClassName: 'high' } })
  await c.until('terminating', async () => (await c.pod(ns, 'victim')).metadata.deletionTimestamp !== undefined)
  const condition = podCondition(await c.pod(ns, 'victim'), 'DisruptionTarget')
  assert.deepEqual([condition?.status, condition?.reason], ['True', 'PreemptionByScheduler'])
  await core.pods(ns).patch('victim', { type: 'merge', body: { metadata: { finalizers: null } } })
  await c.until('the stronger pod running', () => c.isRunning(ns, 'preemptor'))
  await core.pods(ns).delete('preemptor')
  await c.until('gone', () => c.isGone(ns, 'preemptor'))
})

test('SchedulerPreemption PreemptionExecutionPath runs ReplicaSets to verify preemption running path', async () => {
  const ns = await c.namespace('path')
  const node = nodeNames[0]!
  // Five of the resource: the first three sets take 1 + 1 + 1, the fourth needs 3 of them.
  await addResource(node, '5')
  const sets = c.clientset.appsV1().replicaSets(ns)
  const addSet = (i: number, replicas: number, amount: string) =>
    sets.create({
      metadata: { name: `rs-pod${i}` },
      spec: {
        replicas,
        selector: { matchLabels: { name: `pod${i}` } },
        template: {
          metadata: { labels: { name: `pod${i}` } },
          spec: {
            ...onNode(node),
            priorityClassName: `p-${i}`,
            terminationGracePeriodSeconds: 1,
            containers: [{ name: 'c', image: 'p:1', resources: { requests: { [foo]: amount }, limits: { [foo]: amount } } }],
          },
        },
      },
    })
  const availableOf = async (i: number) => (await sets.get(`rs-pod${i}`)).status?.availableReplicas ?? 0
  const made = new Map<string, number>()
  for (const [i, replicas] of [
    [1, 1],
    [2, 1],
    [3, 2],
  ] as const) {
    await addSet(i, replicas, '1')
    await c.until(`set ${i} available`, async () => (await availableOf(i)) === replicas)
    for (const { metadata } of (await core.pods(ns).list({ labelSelector: `name=pod${i}` })).items) made.set(metadata.name!, i)
  }
  await addSet(4, 1, '3')
  await c.until('the fourth runs', async () => (await availableOf(4)) === 1)
  const left = (await core.pods(ns).list()).items.filter((p) => made.has(p.metadata.name!) && p.metadata.deletionTimestamp === undefined)
  // The two weakest had to go: one of the five is free, the strongest asks for three.
  assert.deepEqual([...new Set(left.map((p) => made.get(p.metadata.name!)))], [3])
  await c.until('what was pushed out is made again, and waits', async () => {
    const statuses = await Promise.all([1, 2, 3, 4].map(async (i) => (await sets.get(`rs-pod${i}`)).status))
    const counts = statuses.map((status) => [status?.replicas ?? 0, status?.availableReplicas ?? 0].join('/'))
    return counts.join() === '1/0,1/0,2/2,1/1'
  })
})

test('SchedulerPreemption PriorityClass endpoints verify PriorityClass endpoints can be operated with different HTTP methods', async () => {
  const { items } = await classes.list()
  assert.ok(['p-1', 'p-2'].every((name) => items.some((i) => i.metadata.name === name)))
  for (const name of ['p-1', 'p-2']) {
    const refused = (error: unknown) => isStatus(error, 'Invalid')
    await assert.rejects(classes.patch(name, { type: 'json', body: [{ op: 'replace', path: '/value', value: 10 }] }), refused)
    await assert.rejects(classes.update({ ...(await classes.get(name)), value: 10 }), refused)
    await assert.rejects(classes.patch(name, { type: 'merge', body: { preemptionPolicy: 'Never' } }), refused)
    await classes.patch(name, { type: 'json', body: [{ op: 'add', path: '/metadata/labels', value: { told: 'patched' } }] })
    assert.equal((await classes.list({ labelSelector: 'told=patched' })).items.length, name === 'p-1' ? 1 : 2)
    await classes.patch(name, { type: 'strategic', body: { description: 'updated description' } })
    await classes.update({ ...(await classes.get(name)), description: 'again' })
    assert.equal((await classes.get(name)).description, 'again')
  }
})

const taint = { key: 'kubernetes.io/e2e-evict-taint-key', value: 'evictTaintVal', effect: 'NoExecute' as const }
const tolerates = (tolerationSeconds: number) => [{ ...taint, operator: 'Equal' as const, tolerationSeconds }]
const setTaints = (node: string, taints: readonly (typeof taint)[]) =>
  core.nodes().patch(node, { type: 'merge', body: { spec: { taints: taints.length > 0 ? taints : null } } })

test('NoExecuteTaintManager Single Pod removing taint cancels eviction', async () => {
  const ns = await c.namespace('taint-single')
  await c.createPod(ns, 'pod', { spec: { ...onNode(nodeNames[0]!), tolerations: tolerates(60) } })
  await c.until('running', () => c.isRunning(ns, 'pod'))
  await setTaints(nodeNames[0]!, [taint])
  await c.throughout('it is tolerated for a while', async () => (await c.pod(ns, 'pod')).metadata.deletionTimestamp === undefined, 30_000)
  await setTaints(nodeNames[0]!, [])
  await c.throughout('it stays', async () => (await c.pod(ns, 'pod')).metadata.deletionTimestamp === undefined, 90_000)
})

test('NoExecuteTaintManager Multiple Pods evicts pods with minTolerationSeconds', async () => {
  const ns = await c.namespace('taint-multiple')
  const node = nodeNames[1]!
  await c.createPod(ns, 'short', { spec: { ...onNode(node), tolerations: tolerates(10) } })
  await c.createPod(ns, 'long', { spec: { ...onNode(node), tolerations: tolerates(60) } })
  for (const name of ['short', 'long']) await c.until('running', () => c.isRunning(ns, name))
  await setTaints(node, [taint])
  const start = c.clock.now()
  await c.until('the first evicted', () => c.isGone(ns, 'short'), 60_000)
  assert.ok(c.clock.now() - start >= 10_000 && !(await c.isGone(ns, 'long')))
  await c.until('the second evicted', () => c.isGone(ns, 'long'), 120_000)
  assert.ok(c.clock.now() - start >= 60_000)
  await setTaints(node, [])
})
