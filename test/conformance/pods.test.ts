import assert from 'node:assert/strict'
import { isIPv4 } from 'node:net'
import { after, test } from 'node:test'
import type { Pod, PodSpec } from '../../src/kinds/generated/types/core-v1.ts'
import { isStatus } from '../../src/machinery/status-error.ts'
import { podCondition } from '../../src/kinds/pod-status.ts'
import { isScheduledFalse, startConformanceCluster } from './conformance-cluster.ts'
import { follow } from './workloads.ts'

const c = await startConformanceCluster()
after(() => c.close())
const core = c.clientset.coreV1()
const ns = await c.namespace('pods')
const pods = core.pods(ns)

/** Reads, changes and writes until nobody else wrote between. */
async function update(name: string, change: (pod: Pod) => Pod): Promise<Pod> {
  for (;;) {
    try {
      return await pods.update(change(await pods.get(name)))
    } catch (error) {
      if (!isStatus(error, 'Conflict')) throw error
    }
  }
}
const withSpec = (change: (spec: PodSpec) => PodSpec) => (pod: Pod) => ({ ...pod, spec: change(pod.spec!) })
const names = async (labelSelector: string) => (await pods.list({ labelSelector })).items.map((p) => p.metadata.name)

test('Pods should get a host IP', async () => {
  await c.createPod(ns, 'host-ip')
  await c.until('running', () => c.isRunning(ns, 'host-ip'))
  assert.ok(isIPv4((await pods.get('host-ip')).status!.hostIP!))
})

test('Pods should be submitted and removed', async () => {
  const labels = { name: 'foo', time: 'submitted' }
  assert.deepEqual(await names('time=submitted'), [])
  const { resourceVersion = '' } = (await pods.list()).metadata
  const stop = new AbortController()
  const events = pods.watch({ resourceVersion, labelSelector: 'time=submitted', signal: stop.signal })[Symbol.asyncIterator]()
  await c.createPod(ns, 'submitted', { labels })
  assert.deepEqual(await names('time=submitted'), ['submitted'])
  assert.equal((await events.next()).value.type, 'ADDED')
  await c.until('running', () => c.isRunning(ns, 'submitted'))
  await pods.delete('submitted', { gracePeriodSeconds: 30 })
  assert.ok((await pods.get('submitted')).metadata.deletionTimestamp)
  await c.until('gone', () => c.isGone(ns, 'submitted'))
  let last: { readonly type: string; readonly object?: Pod } = { type: '' }
  while (last.type !== 'DELETED') last = (await events.next()).value as typeof last
  assert.ok(last.object?.metadata.deletionTimestamp)
  stop.abort()
  assert.deepEqual(await names('time=submitted'), [])
})

test('Pods should be updated', async () => {
  await c.createPod(ns, 'updated', { labels: { name: 'foo', time: 'before' } })
  await c.until('running', () => c.isRunning(ns, 'updated'))
  assert.deepEqual(await names('time=before'), ['updated'])
  await update('updated', (pod) => ({ ...pod, metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, time: 'after' } } }))
  assert.deepEqual([await names('time=before'), await names('time=after')], [[], ['updated']])
})

test('Pods should allow activeDeadlineSeconds to be updated', async () => {
  await c.createPod(ns, 'deadline', { labels: { name: 'deadline' } })
  await c.until('running', () => c.isRunning(ns, 'deadline'))
  await update(
    'deadline',
    withSpec((spec) => ({ ...spec, activeDeadlineSeconds: 5 })),
  )
  await c.until('failed', async () => {
    const { status } = await pods.get('deadline')
    return status?.phase === 'Failed' && status.reason === 'DeadlineExceeded'
  })
})

test('Pods should delete a collection of pods', async () => {
  for (const i of [1, 2, 3])
    await c.createPod(ns, `collection-${i}`, { labels: { type: 'Testing' }, spec: { terminationGracePeriodSeconds: 1 } })
  assert.equal((await names('type=Testing')).length, 3)
  await pods.deleteCollection({ labelSelector: 'type=Testing' })
  await c.until('none left', async () => (await names('type=Testing')).length === 0)
})

test('Pods should run through the lifecycle of Pods and PodStatus', async () => {
  const labels = { 'test-pod-static': 'true' }
  const watch = await follow(c, pods, 'test-pod-static=true')
  await c.createPod(ns, 'lifecycle', { labels, spec: { terminationGracePeriodSeconds: 1 } })
  await watch.until('created', 'ADDED')
  await c.until('running', () => c.isRunning(ns, 'lifecycle'))
  const body = {
    metadata: { labels: { 'test-pod': 'patched' } },
    spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'c', image: 'registry.example/pause:2' }] },
  }
  await pods.patch('lifecycle', { type: 'strategic', body })
  const patched = await pods.get('lifecycle')
  assert.deepEqual([patched.metadata.labels?.['test-pod'], patched.spec?.containers[0]?.image], ['patched', 'registry.example/pause:2'])
  await watch.until('patched', 'MODIFIED', ({ metadata }) => metadata.labels?.['test-pod'] === 'patched')
  await c.until('running with the new image', async () => {
    const image = (await pods.get('lifecycle')).status?.containerStatuses?.[0]?.image
    return image === 'registry.example/pause:2' && c.isRunning(ns, 'lifecycle')
  })
  const conditions = (await pods.get('lifecycle')).status!.conditions!.map((condition) =>
    condition.type === 'Ready' ? { ...condition, status: 'False' as const } : condition,
  )
  const read = await pods.get('lifecycle')
  await pods.updateStatus({ ...read, status: { ...read.status, conditions } })
  const told = await pods.subresource<undefined, Pod>('lifecycle', 'status', undefined, { method: 'GET' })
  assert.deepEqual([told.kind, podCondition(told, 'Ready')?.status], ['Pod', 'False'])
  await watch.until('the status', 'MODIFIED', (pod) => podCondition(pod, 'Ready')?.status === 'False')
  await pods.deleteCollection({ labelSelector: 'test-pod-static=true' })
  await watch.until('gone', 'DELETED')
  await watch.stop()
  assert.deepEqual(await names('test-pod-static=true'), [])
})

test('Pods should patch a pod status', async () => {
  await c.createPod(ns, 'status', { labels: { app: 'pod-status' } })
  await c.until('running', () => c.isRunning(ns, 'status'))
  const patched = await pods.patch(
    'status',
    {
      type: 'strategic',
      body: { metadata: { annotations: { 'patched-pod-status': 'true' } }, status: { message: 'Patched by e2e test', reason: 'E2E' } },
    },
    { subresource: 'status' },
  )
  assert.deepEqual([patched.status?.message, patched.status?.reason], ['Patched by e2e test', 'E2E'])
  const { metadata, status } = await pods.get('status')
  assert.deepEqual([metadata.annotations?.['patched-pod-status'], status?.message, status?.reason], ['true', 'Patched by e2e test', 'E2E'])
})

test('Pods Extended Pods Set QOS Class should be set on Pods with matching resource requests and limits for memory and cpu', async () => {
  const made = await c.createPod(ns, 'qos', { requests: { cpu: '100m', memory: '100Mi' } })
  assert.equal(made.status?.qosClass, 'Guaranteed')
})

test('Pods Extended (pod generation) Pod Generation pod generation should start at 1 and increment per update', async () => {
  const toleration = { key: 'foo', operator: 'Exists' as const, effect: 'NoSchedule' as const, tolerationSeconds: undefined }
  const { tolerationSeconds: _, ...tolerated } = toleration
  assert.equal((await c.createPod(ns, 'generation')).metadata.generation, 1)
  await c.until('running', () => c.isRunning(ns, 'generation'))
  const steps: readonly ((pod: Pod) => Pod)[] = [
    withSpec((spec) => ({
      ...spec,
      containers: spec.containers.map((container) => ({ ...container, image: 'registry.example/pause:3' })),
    })),
    withSpec((spec) => ({ ...spec, tolerations: [...(spec.tolerations ?? []), tolerated] })),
    withSpec((spec) => ({ ...spec, activeDeadlineSeconds: 5_000 })),
  ]
  for (const [i, step] of steps.entries()) assert.equal((await update('generation', step)).metadata.generation, i + 2)
  // Labels are no part of the specification.
  await update('generation', (pod) => ({ ...pod, metadata: { ...pod.metadata, labels: { x: 'y' } } }))
  assert.equal((await pods.get('generation')).metadata.generation, 4)
  await c.until('observed', async () => (await pods.get('generation')).status?.observedGeneration === 4)
})

test('Pods Extended (pod generation) Pod Generation custom-set generation on new pods and graceful delete', async () => {
  const made = await pods.create({
    metadata: { name: 'custom', generation: 100 },
    spec: { containers: [{ name: 'c', image: 'registry.example/pause:1' }] },
  })
  assert.equal(made.metadata.generation, 1)
  await c.until('running', () => c.isRunning(ns, 'custom'))
  await pods.delete('custom', { gracePeriodSeconds: 30 })
  assert.equal((await pods.get('custom')).metadata.generation, 2)
})

test('Pods Extended (pod generation) Pod Generation issue 500 podspec updates and verify generation and observedGeneration eventually converge', async () => {
  await c.createPod(ns, 'many')
  await c.until('running', () => c.isRunning(ns, 'many'))
  for (let i = 0; i < 499; i++) {
    const toleration = { key: `key-${i}`, operator: 'Exists' as const, effect: 'NoSchedule' as const }
    await update(
      'many',
      withSpec((spec) => ({ ...spec, tolerations: [...(spec.tolerations ?? []), toleration] })),
    )
  }
  assert.equal((await pods.get('many')).metadata.generation, 500)
  await c.until('converged', async () => (await pods.get('many')).status?.observedGeneration === 500)
})

const runtimeClasses = c.clientset.nodeV1().runtimeClasses()

test('RuntimeClass should schedule a Pod requesting a RuntimeClass without PodOverhead', async () => {
  await runtimeClasses.create({ metadata: { name: 'plain' }, handler: 'runc' })
  const pod = await c.createPod(ns, 'plain-class', { spec: { runtimeClassName: 'plain' } })
  assert.equal(pod.spec?.overhead, undefined)
  await c.until('scheduled', async () => (await pods.get('plain-class')).spec?.nodeName !== undefined)
})

test('RuntimeClass should schedule a Pod requesting a RuntimeClass and initialize its Overhead', async () => {
  await runtimeClasses.create({ metadata: { name: 'heavy' }, handler: 'runc', overhead: { podFixed: { cpu: '10m', memory: '1Mi' } } })
  const pod = await c.createPod(ns, 'heavy-class', { spec: { runtimeClassName: 'heavy' } })
  assert.deepEqual(pod.spec?.overhead, { cpu: '10m', memory: '1Mi' })
  await c.until('scheduled', async () => (await pods.get('heavy-class')).spec?.nodeName !== undefined)
  assert.equal(isScheduledFalse(await pods.get('heavy-class')), false)
})
