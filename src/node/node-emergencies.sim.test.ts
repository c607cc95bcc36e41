import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kindRefs } from '../client/generated/kind-refs.ts'
import { ObjectInformer } from '../client/informer.ts'
import type { Pod } from '../kinds/generated/types/core-v1.ts'
import { simulatedMachine } from './node-status/machine.ts'
import { isGone, isReady, startNode } from './node-test-support.ts'
import { runsForever } from './runtime/fake/fake-behaviour.ts'
import { readManifest } from './static-pods/read-manifest.ts'

test('a node that is short of memory ends what takes most of it, and takes no pod that asks for none', async () => {
  const machine = simulatedMachine()
  let memoryAvailableBytes = 2 ** 30
  const use = async () => ({ ...(await machine.use()), memoryAvailableBytes })
  const node = await startNode({ agent: { machine: { ...machine, use } } })
  const requests = { cpu: '100m' }
  await node.create('big', { containers: [{ name: 'c', image: 'app', resources: { requests } }] })
  await node.until('big', isReady)
  memoryAvailableBytes = 50 * 2 ** 20
  const evicted = await node.until('big', (pod) => pod?.status?.phase === 'Failed')
  assert.equal(evicted?.status?.reason, 'Evicted')
  assert.match(evicted?.status?.message ?? '', /^The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. /)
  await node.create('asks-nothing', {})
  const refused = await node.until('asks-nothing', (pod) => pod?.status?.phase === 'Failed')
  assert.deepEqual(
    [refused?.status?.reason, refused?.status?.message],
    ['Evicted', 'Pod was rejected: The node had condition: [MemoryPressure]. '],
  )
  memoryAvailableBytes = 2 ** 30
  await node.create('asks', { containers: [{ name: 'c', image: 'app', resources: { requests } }] })
  await node.until('asks', isReady)
  const events = (await node.client.resource(kindRefs.coreV1.events, 'default').list()).items.filter(
    (e) => e.involvedObject?.kind === 'Node',
  )
  assert.ok(events.some((e) => e.message === 'Attempting to reclaim memory'))
  assert.ok(events.some((e) => e.message === 'Node n1 status is now: NodeHasInsufficientMemory'))
  await node.stop()
})

test('a machine that stops ends its pods by importance, is NotReady and takes no more; until it does not stop after all', async () => {
  let tell: (isComing: boolean) => Promise<void> = async () => {}
  const node = await startNode({
    agent: {
      shutdown: {
        periods: [
          { priority: 0, seconds: 10 },
          { priority: 1000, seconds: 5 },
        ],
        source: (told) => {
          tell = told
          return () => {}
        },
      },
    },
    runtime: { behaviourOf: () => ({ ...runsForever, stopMs: 3_000 }) },
  })
  const classes = node.client.resource(kindRefs.schedulingV1.priorityClasses)
  await classes.create({ apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: 'high' }, value: 1000 })
  await node.create('low', {})
  await node.create('high', { priorityClassName: 'high' })
  await node.until('low', isReady)
  await node.until('high', isReady)
  const over = tell(true)
  const low = await node.until('low', (pod) => pod?.status?.phase === 'Failed')
  const told = [low?.status?.reason, low?.status?.message]
  assert.deepEqual(told, ['Terminated', 'Pod was terminated in response to imminent node shutdown.'])
  assert.equal(low?.status?.conditions?.find((c) => c.type === 'DisruptionTarget')?.reason, 'TerminationByKubelet')
  assert.equal(isReady(await node.pods.get('high')), true)
  await node.until('high', (pod) => pod?.status?.phase === 'Failed')
  await node.clock.advance(1_000)
  await over
  const ready = async () =>
    (await node.client.resource(kindRefs.coreV1.nodes).get('n1')).status?.conditions?.find((c) => c.type === 'Ready')
  assert.deepEqual([(await ready())?.status, (await ready())?.message], ['False', 'node is shutting down'])
  await node.create('late', {})
  const late = await node.until('late', (pod) => pod?.status?.phase === 'Failed')
  assert.deepEqual(
    [late?.status?.reason, late?.status?.message],
    ['NodeShutdown', 'Pod was rejected: Pod was rejected as the node is shutting down.'],
  )
  await tell(false)
  await node.clock.advance(1_000)
  assert.equal((await ready())?.status, 'True')
  await node.create('after', {})
  await node.until('after', isReady)
  await node.stop()
})

test('of a machine that does not stop after all no more pods end, and static ones run again', async () => {
  let tell: (isComing: boolean) => Promise<void> = async () => {}
  const web = '{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {priority: 0, containers: [{name: c, image: app}]}}'
  const manifest = readManifest(web, { path: '/web.yaml', nodeName: 'n1' })
  assert.ok('pod' in manifest)
  const { pod } = manifest
  const periods = [
    { priority: 0, seconds: 10 },
    { priority: 1000, seconds: 5 },
  ]
  const node = await startNode({
    agent: {
      shutdown: { periods, source: (told) => ((tell = told), () => {}) },
      manifests: { path: '/manifests', watch: async (onPods) => (onPods([pod]), () => {}) },
    },
    runtime: { behaviourOf: () => ({ ...runsForever, stopMs: 3_000 }) },
  })
  const classes = node.client.resource(kindRefs.schedulingV1.priorityClasses)
  await classes.create({ apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: 'high' }, value: 1000 })
  await node.create('high', { priorityClassName: 'high' })
  await node.until('high', isReady)
  await node.until('web-n1', isReady)
  const over = tell(true)
  await node.until('web-n1', (mirror) => mirror?.status?.phase === 'Failed')
  await tell(false)
  await node.until('web-n1', isReady)
  await over
  assert.equal(isReady(await node.pods.get('high')), true)
  assert.deepEqual((await node.runtime.list()).map(({ name, state }) => `${name} ${state}`).sort(), ['high Ready', 'web-n1 Ready'])
  await node.stop()
})

test('static pods run before the API answers, are shown there, and follow what describes them', async () => {
  const gate = Promise.withResolvers<void>()
  const ending = new AbortController()
  const describe = (arg: string): Pod => {
    const text = `{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {containers: [{name: c, image: app, args: [${arg}]}]}}`
    const manifest = readManifest(text, { path: '/web.yaml', nodeName: 'n1' })
    return 'pod' in manifest ? manifest.pod : assert.fail(manifest.error)
  }
  let set: (pods: readonly Pod[]) => void = () => {}
  const node = await startNode({
    agent: {
      manifests: {
        path: '/manifests',
        watch: async (onPods) => {
          set = onPods
          onPods([describe('one')])
          return () => {}
        },
      },
    },
    podsOf: (common) => {
      const informer = new ObjectInformer<Pod>({ ...common, kind: kindRefs.coreV1.pods, fieldSelector: 'spec.nodeName=n1' })
      void informer.run(ending.signal)
      const synced = () => gate.promise.then(() => informer.synced())
      return { synced, list: () => informer.list(), onChange: (handler) => informer.onChange(handler) }
    },
  })
  await node.clock.advance(2_000)
  const [sandbox] = await node.runtime.list()
  assert.deepEqual([sandbox?.name, sandbox?.namespace, sandbox?.containers[0]?.state], ['web-n1', 'default', 'Running'])
  assert.equal(await node.pods.get('web-n1').catch(() => undefined), undefined)
  gate.resolve()
  const mirror = await node.until('web-n1', isReady)
  assert.equal(mirror?.metadata.annotations?.['kubernetes.io/config.mirror'], sandbox?.uid)
  assert.equal(mirror?.metadata.ownerReferences?.[0]?.kind, 'Node')
  // Who deletes the mirror deletes nothing else.
  await node.pods.delete('web-n1')
  const again = await node.until('web-n1', (pod) => pod !== undefined && pod.metadata.uid !== mirror?.metadata.uid && isReady(pod))
  assert.equal((await node.runtime.list())[0]?.sandboxId, sandbox?.sandboxId)
  // A pod of the API beside it is the API's alone.
  await node.create('other', {})
  await node.until('other', isReady)
  set([describe('two')])
  const changed = await node.until('web-n1', (pod) => pod !== undefined && pod.metadata.uid !== again?.metadata.uid && isReady(pod))
  assert.deepEqual(changed?.spec?.containers?.[0]?.args, ['two'])
  assert.equal((await node.runtime.list()).filter(({ name }) => name === 'web-n1').length, 1)
  set([])
  await node.until('web-n1', isGone)
  assert.deepEqual(
    (await node.runtime.list()).map(({ name }) => name),
    ['other'],
  )
  await node.stop()
  ending.abort()
})

test('of a pod that is deleted by force nothing is left soon, whatever grace it was given before', async () => {
  const node = await startNode({ runtime: { behaviourOf: () => ({ ...runsForever, stopMs: 3_600_000 }) } })
  for (const name of ['at-once', 'later']) {
    await node.create(name, { terminationGracePeriodSeconds: 600 })
    await node.until(name, isReady)
  }
  await node.pods.delete('later')
  await node.clock.advance(5_000)
  assert.equal((await node.runtime.list()).length, 2)
  for (const name of ['at-once', 'later']) await node.pods.delete(name, { gracePeriodSeconds: 0 })
  await node.clock.advance(5_000)
  assert.deepEqual(await node.runtime.list(), [])
  await node.stop()
})

test('a critical pod that only wants room gets it at the cost of another, once that has left', async () => {
  const node = await startNode({
    agent: { machine: simulatedMachine({ cpuMilli: 1_000 }) },
    runtime: { behaviourOf: () => ({ ...runsForever, stopMs: 3_000 }) },
  })
  const asking = (cpu: string) => ({ containers: [{ name: 'c', image: 'app', resources: { requests: { cpu } } }] })
  await node.create('common', asking('700m'))
  await node.until('common', isReady)
  await node.create('refused', asking('600m'))
  assert.equal((await node.until('refused', (pod) => pod?.status?.phase === 'Failed'))?.status?.reason, 'OutOfcpu')
  await node.create('critical', { ...asking('600m'), priorityClassName: 'system-node-critical' })
  await node.clock.advance(2_000)
  assert.deepEqual(
    (await node.runtime.list()).map(({ name, state }) => [name, state]),
    [['common', 'Ready']],
  )
  await node.until('critical', isReady)
  assert.equal((await node.runtime.list()).find(({ name }) => name === 'common')?.state, 'NotReady')
  const { status } = (await node.until('common', (pod) => pod?.status?.phase === 'Failed'))!
  assert.deepEqual([status?.reason, status?.message], ['Preempting', 'Preempted in order to admit critical pod'])
  assert.equal(
    status?.conditions?.find((c) => c.type === 'DisruptionTarget')?.message,
    'Pod was preempted by Kubelet to accommodate a critical pod.',
  )
  await node.stop()
})
