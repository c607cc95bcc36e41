import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { StatefulSetSpec } from '../../src/kinds/generated/types/apps-v1.ts'
import type { Pod } from '../../src/kinds/generated/types/core-v1.ts'
import { startConformanceCluster } from './conformance-cluster.ts'
import { checkScale, checkStatusWrites, exists, podsOf, podTemplate, selects, untilReady } from './workloads.ts'

/** What the readiness probes of pods answer now: those of broken pods fail. */
const broken = new Set<string>()
const c = await startConformanceCluster({
  runtime: {
    onExec: ({ logPath }, [command]) =>
      command === 'probe' ? { exitCode: [...broken].some((pod) => logPath.includes(`_${pod}_`)) ? 1 : 0 } : undefined,
  },
})
after(() => c.close())
const core = c.clientset.coreV1()
const ns = await c.namespace('stateful')
const sets = c.clientset.appsV1().statefulSets(ns)

const probed = { readinessProbe: { exec: { command: ['probe'] }, periodSeconds: 1, successThreshold: 1, failureThreshold: 1 } }
const template = (name: string, image = 'registry.example/httpd:1') =>
  podTemplate(name, image, { containers: [{ name: 'c', image, ...probed }] })
const create = (name: string, replicas: number, more: Partial<StatefulSetSpec> = {}) =>
  sets.create({
    metadata: { name, labels: { name } },
    spec: { replicas, serviceName: 'test', ...selects(name), template: template(name), ...more },
  })
const names = (pods: readonly Pod[]) => pods.map(({ metadata }) => metadata.name ?? '').sort()
const setImage = (name: string, image: string) =>
  sets.patch(name, { type: 'strategic', body: { spec: { template: { spec: { containers: [{ name: 'c', image }] } } } } })
const imageOf = (pod: Pod) => pod.spec?.containers[0]?.image
const images = async (name: string) =>
  (await podsOf(c, ns, name)).sort((a, b) => (a.metadata.name! < b.metadata.name! ? -1 : 1)).map(imageOf)
const isRolledOut = async (name: string) => {
  const { metadata, spec, status } = await sets.get(name)
  return (
    status?.observedGeneration === metadata.generation &&
    status?.updatedReplicas === spec?.replicas &&
    status?.readyReplicas === spec?.replicas
  )
}

/** In which order pods of a set come and go. */
async function order(name: string, act: () => Promise<void>): Promise<string[]> {
  const seen: string[] = []
  const stop = new AbortController()
  const { metadata } = await core.pods(ns).list({ labelSelector: `name=${name}` })
  const watching = (async () => {
    const events = core.pods(ns).watch({ labelSelector: `name=${name}`, resourceVersion: metadata.resourceVersion!, signal: stop.signal })
    for await (const event of events)
      if (event.type === 'ADDED' || event.type === 'DELETED')
        seen.push(`${event.type === 'ADDED' ? '+' : '-'}${event.object.metadata.name}`)
  })()
  await act()
  stop.abort()
  await watching.catch(() => {})
  return seen
}

test('StatefulSet Basic StatefulSet functionality Scaling should happen in predictable order and halt if any stateful pod is unhealthy', async () => {
  const name = 'ordered'
  broken.add('ordered-0')
  const up = await order(name, async () => {
    await create(name, 1)
    await c.until('the first runs', async () => (await podsOf(c, ns, name))[0]?.status?.phase === 'Running')
    await sets.scale(name, 3)
    await c.throughout('no second while the first is sick', async () => (await podsOf(c, ns, name)).length === 1, 10_000)
    broken.delete('ordered-0')
    await untilReady(c, ns, name, 3)
  })
  assert.deepEqual(up, ['+ordered-0', '+ordered-1', '+ordered-2'])
  const down = await order(name, async () => {
    for (const pod of up) broken.add(pod.slice(1))
    await c.until('all are sick', async () => !(await sets.get(name)).status?.readyReplicas)
    await sets.scale(name, 0)
    await c.throughout('none goes while all are sick', async () => (await podsOf(c, ns, name)).length === 3, 10_000)
    broken.clear()
    await c.until('none', async () => (await podsOf(c, ns, name)).length === 0)
  })
  assert.deepEqual(down, ['-ordered-2', '-ordered-1', '-ordered-0'])
})

test('StatefulSet Basic StatefulSet functionality Burst scaling should run to completion even with unhealthy pods', async () => {
  const name = 'burst'
  await create(name, 1, { podManagementPolicy: 'Parallel' })
  await untilReady(c, ns, name, 1)
  broken.add('burst-0')
  await c.until('it is sick', async () => !(await sets.get(name)).status?.readyReplicas)
  await sets.scale(name, 3)
  await c.until('two more are ready', async () => (await sets.get(name)).status?.readyReplicas === 2)
  await sets.scale(name, 0)
  await c.until('none', async () => (await podsOf(c, ns, name)).length === 0)
  broken.clear()
})

test('StatefulSet Basic StatefulSet functionality should perform rolling updates and roll backs of template modifications', async () => {
  const name = 'rolled'
  await create(name, 3)
  await untilReady(c, ns, name, 3)
  const first = (await sets.get(name)).status
  assert.equal(first?.currentRevision, first?.updateRevision)
  await setImage(name, 'registry.example/httpd:2')
  await c.until('two revisions', async () => (await sets.get(name)).status?.updateRevision !== first?.updateRevision)
  const steps = await order(name, () => c.until('rolled out', () => isRolledOut(name)))
  assert.deepEqual(
    steps.filter((step) => step.startsWith('+')),
    ['+rolled-2', '+rolled-1', '+rolled-0'],
  )
  assert.ok((await images(name)).every((image) => image === 'registry.example/httpd:2'))
  await setImage(name, 'registry.example/httpd:1')
  await c.until('the first revision is back', async () => (await sets.get(name)).status?.updateRevision === first?.updateRevision)
  await c.until('rolled back', () => isRolledOut(name))
  await c.until('it is current', async () => (await sets.get(name)).status?.currentRevision === first?.currentRevision)
  assert.ok((await images(name)).every((image) => image === 'registry.example/httpd:1'))
})

test('StatefulSet Basic StatefulSet functionality should perform canary updates and phased rolling updates of template modifications', async () => {
  const name = 'canary'
  const partition = (value: number) => ({ updateStrategy: { type: 'RollingUpdate' as const, rollingUpdate: { partition: value } } })
  const [old, fresh] = ['registry.example/httpd:1', 'registry.example/httpd:2']
  await create(name, 3, partition(3))
  await untilReady(c, ns, name, 3)
  await setImage(name, fresh)
  await c.throughout('beyond the partition nothing changes', async () => new Set(await images(name)).size === 1, 5_000)
  await sets.patch(name, { type: 'merge', body: { spec: partition(2) } })
  await c.until('the canary', async () => (await images(name)).join() === [old, old, fresh].join())
  await untilReady(c, ns, name, 3)
  for (const pod of ['canary-0', 'canary-2']) await core.pods(ns).delete(pod)
  await c.until('both are back', async () => (await podsOf(c, ns, name)).filter((p) => !p.metadata.deletionTimestamp).length === 3)
  await untilReady(c, ns, name, 3)
  assert.deepEqual(await images(name), [old, old, fresh])
  for (const value of [1, 0]) {
    await sets.patch(name, { type: 'merge', body: { spec: partition(value) } })
    await c.until(`phase ${value}`, async () => (await images(name)).filter((image) => image === fresh).length === 3 - value)
    await untilReady(c, ns, name, 3)
  }
  await c.until('the revision is current', async () => {
    const { status } = await sets.get(name)
    return status?.currentRevision === status?.updateRevision
  })
})

test('StatefulSet Basic StatefulSet functionality Should recreate evicted statefulset', async () => {
  const [{ metadata: node } = { metadata: {} }] = (await core.nodes().list()).items
  const spec = {
    nodeSelector: { 'kubernetes.io/hostname': node.name! },
    containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 21017, hostPort: 21017 }] }],
  }
  await c.createPod(ns, 'in-the-way', { spec })
  await c.until('it runs', () => c.isRunning(ns, 'in-the-way'))
  const { nodeSelector: _, ...same } = spec
  await create('evicted', 1, { template: podTemplate('evicted', 'i', { ...same, nodeName: node.name! }) })
  const uids = new Set<string>()
  await c.until('it fails and is made again', async () => {
    for (const { metadata } of await podsOf(c, ns, 'evicted')) uids.add(metadata.uid!)
    return uids.size > 1
  })
  await core.pods(ns).delete('in-the-way')
  await untilReady(c, ns, 'evicted', 1)
})

test('StatefulSet Basic StatefulSet functionality should have a working scale subresource', async () => {
  await create('scaled', 1)
  await untilReady(c, ns, 'scaled', 1)
  await checkScale(c, sets, { namespace: ns, name: 'scaled' })
})

test('StatefulSet Basic StatefulSet functionality should list, patch and delete a collection of StatefulSets', async () => {
  await create('collected', 1)
  await untilReady(c, ns, 'collected', 1)
  const body = {
    metadata: { labels: { 'test-ss': 'patched' } },
    spec: { replicas: 2, template: { spec: { containers: [{ name: 'c', image: 'registry.example/pause:1' }] } } },
  }
  await sets.patch('collected', { type: 'strategic', body })
  await c.until('patched', () => isRolledOut('collected'))
  assert.deepEqual(names(await podsOf(c, ns, 'collected')), ['collected-0', 'collected-1'])
  const all = c.clientset.appsV1().statefulSets()
  assert.equal((await all.list({ labelSelector: 'test-ss=patched' })).items.length, 1)
  await sets.deleteCollection({ labelSelector: 'test-ss=patched' })
  assert.equal(await exists(() => sets.get('collected')), false)
})

test('StatefulSet Basic StatefulSet functionality should validate Statefulset Status endpoints', async () => {
  await create('told', 1)
  await untilReady(c, ns, 'told', 1)
  await checkStatusWrites(c, sets, 'told')
})
