import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sleep } from '../base/clock.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import type { Node, Pod } from '../kinds/generated/types/core-v1.ts'
import { nodeUsageAnnotation } from '../kinds/node-usage.ts'
import { simulatedMachine } from './node-status/machine.ts'
import { first, isGone, isReady, startNode } from './node-test-support.ts'
import { runsForever } from './runtime/fake/fake-behaviour.ts'

test('a node registers, renews its lease and becomes Ready', async () => {
  const node = await startNode()
  await node.clock.advance(1_000)
  const object = await node.client.resource(kindRefs.coreV1.nodes).get('n1')
  assert.equal(object.status?.conditions?.find((c) => c.type === 'Ready')?.reason, 'KubeletReady')
  assert.equal(object.metadata.labels?.['kubernetes.io/hostname'], 'n1')
  const leases = node.client.resource(kindRefs.coordinationV1.leases, 'kube-node-lease')
  const before = (await leases.get('n1')).spec?.renewTime
  await node.clock.advance(11_000)
  assert.notEqual((await leases.get('n1')).spec?.renewTime, before)
  await node.stop()
})

test('a secret for pulls that is not there is told of, and the pull is tried without it', async () => {
  const node = await startNode()
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'there' } }
  await node.client.resource(kindRefs.coreV1.secrets, 'default').create(secret)
  await node.create('p', { imagePullSecrets: [{ name: 'there' }, { name: 'gone' }, { name: 'lost' }] })
  await node.until('p', isReady)
  await node.clock.advance(1_000)
  const events = (await node.client.resource(kindRefs.coreV1.events, 'default').list()).items
  assert.deepEqual(
    events.filter((e) => e.reason === 'FailedToRetrieveImagePullSecret').map((e) => [e.type, e.message, e.involvedObject?.fieldPath]),
    [['Warning', 'Unable to retrieve some image pull secrets (gone, lost); attempting to pull the image may not succeed.', undefined]],
  )
  await node.stop()
})

test('who cordons a node is told of by its agent', async () => {
  const changes: ((node: Node) => void)[] = []
  const node = await startNode({ agent: { nodeChanges: (handler) => (changes.push(handler), () => {}) } })
  await node.clock.advance(1_000)
  const nodes = node.client.resource(kindRefs.coreV1.nodes)
  const stale = await nodes.get('n1')
  const cordoned = await nodes.patch('n1', { type: 'merge', body: { spec: { unschedulable: true } } })
  // What comes late says nothing.
  for (const state of [cordoned, stale]) changes[0]!(state)
  await node.clock.advance(1_000)
  const events = (await node.client.resource(kindRefs.coreV1.events, 'default').list()).items
  assert.deepEqual(
    events.filter((e) => e.involvedObject?.kind === 'Node').map((e) => [e.reason, e.count]),
    [['NodeNotSchedulable', 1]],
  )
  await node.stop()
})

test('a node that is there already gets what a new one is made with, and keeps what else it has', async () => {
  const node = await startNode()
  await node.clock.advance(1_000)
  const nodes = node.client.resource(kindRefs.coreV1.nodes)
  const made = (await nodes.get('n1')).metadata
  const body = {
    metadata: { labels: { 'kubernetes.io/hostname': null, own: 'x' }, annotations: { ...nulled(made.annotations), own: 'y' } },
  }
  await nodes.patch('n1', { type: 'merge', body })
  await node.restart()
  const { labels, annotations } = (await nodes.get('n1')).metadata
  assert.deepEqual({ labels, annotations }, { labels: { ...made.labels, own: 'x' }, annotations: { ...made.annotations, own: 'y' } })
  await node.stop()
})

const nulled = (fields: Readonly<Record<string, string>> = {}) => Object.fromEntries(Object.keys(fields).map((key) => [key, null]))

test('what others say that a node has is for pods, as long as they say so, and is not told again and again', async () => {
  const node = await startNode({ agent: { onPodCidrs: () => {} } })
  await node.clock.advance(1_000)
  const nodes = node.client.resource(kindRefs.coreV1.nodes)
  const dongles = async () => (await nodes.get('n1')).status?.allocatable?.['example.com/dongle']
  const say = (amount: string | null) =>
    nodes.patch('n1', { type: 'merge', body: { status: { capacity: { 'example.com/dongle': amount } } } }, { subresource: 'status' })
  await say('4')
  await node.clock.advance(1_000)
  assert.equal(await dongles(), '4')
  const { resourceVersion } = (await nodes.get('n1')).metadata
  await node.clock.advance(60_000)
  assert.equal((await nodes.get('n1')).metadata.resourceVersion, resourceVersion)
  await say(null)
  await node.clock.advance(1_000)
  assert.equal(await dongles(), undefined)
  assert.equal((await nodes.get('n1')).status?.allocatable?.cpu, '4')
  await node.stop()
})

test('a node whose memory ran short tells so for five minutes more, each time anew', async () => {
  const machine = simulatedMachine()
  let memoryAvailableBytes = 50 * 2 ** 20
  const use = async () => ({ ...(await machine.use()), memoryAvailableBytes })
  const node = await startNode({ agent: { machine: { ...machine, use } } })
  const told = async () => {
    const { conditions } = (await node.client.resource(kindRefs.coreV1.nodes).get('n1')).status!
    return conditions?.find((c) => c.type === 'MemoryPressure')?.reason
  }
  await node.clock.advance(11_000)
  assert.equal(await told(), 'KubeletHasInsufficientMemory')
  memoryAvailableBytes = 2 ** 30
  await node.clock.advance(290_000)
  assert.equal(await told(), 'KubeletHasInsufficientMemory')
  await node.clock.advance(30_000)
  assert.equal(await told(), 'KubeletHasSufficientMemory')
  await node.stop()
})

test('a machine that can be measured tells on its lease what it uses', async () => {
  const machine = simulatedMachine({ memoryBytes: 8 * 2 ** 30 })
  let nowMs = () => 0
  // One and a quarter CPUs are at work.
  const use = async () => ({ ...(await machine.use()), cpuNanoseconds: nowMs() * 1.25e6, memoryAvailableBytes: 3 * 2 ** 30 })
  const node = await startNode({ agent: { machine: { ...machine, use } } })
  nowMs = () => node.clock.monotonicMs()
  await node.clock.advance(35_000)
  const lease = await node.client.resource(kindRefs.coordinationV1.leases, 'kube-node-lease').get('n1')
  assert.deepEqual(lease.metadata.annotations, { [nodeUsageAnnotation]: '{"cpu":"1250m","memory":"5368709120"}' })
  await node.stop()
})

test('a pod comes up, gets an address, and leaves nothing behind when it is deleted', async () => {
  const node = await startNode()
  await node.create('web', {})
  const pod = await node.until('web', isReady)
  assert.match(pod?.status?.podIP ?? '', /^10\.244\.0\.\d+$/)
  assert.equal(pod?.status?.phase, 'Running')
  assert.equal(first(pod)?.imageID.startsWith('sha256:'), true)
  await node.pods.delete('web', { gracePeriodSeconds: 5 })
  await node.until('web', isGone)
  assert.deepEqual(await node.runtime.list(), [])
  await node.stop()
})

test('what a pod has as a whole follows its phase, and is told once', async () => {
  // So slow that it is told before it runs.
  const node = await startNode({ runtime: { times: { pull: 5_000 } } })
  const requests = { cpu: '100m', 'ephemeral-storage': '1Gi' }
  const containers = [
    { name: 'a', image: 'app', resources: { requests, limits: { cpu: '200m' } } },
    { name: 'b', image: 'app' },
  ]
  await node.create('web', { containers })
  const created = await node.until('web', (pod) => pod?.status?.resources !== undefined)
  assert.deepEqual(created?.status?.resources, { requests, limits: { cpu: '200m' } })
  const pod = await node.until('web', isReady)
  assert.deepEqual(pod?.status?.resources, { requests: { cpu: '100m' } })
  assert.deepEqual(pod?.status?.allocatedResources, requests)
  await node.create('plain', {})
  const plain = await node.until('plain', isReady)
  assert.deepEqual([plain?.status?.resources, plain?.status?.allocatedResources], [{}, undefined])
  node.agent().loop?.look(plain?.metadata.uid ?? '')
  await node.clock.advance(5_000)
  assert.equal((await node.pods.get('plain')).metadata.resourceVersion, plain?.metadata.resourceVersion)
  await node.stop()
})

test('a job runs init containers in order, a sidecar beside it, and succeeds', async () => {
  const node = await startNode()
  await node.create('job', {
    restartPolicy: 'Never',
    initContainers: [
      { name: 'i', image: 'app', command: ['true'] },
      { name: 's', image: 'app', restartPolicy: 'Always' },
    ],
    containers: [{ name: 'c', image: 'app', command: ['sh', '-c', 'sleep 3; exit 0'] }],
  })
  const pod = await node.until('job', (p) => p?.status?.phase === 'Succeeded')
  const ends = pod?.status?.initContainerStatuses?.map((c) => c.state?.terminated?.reason)
  assert.deepEqual(ends, ['Completed', 'Completed'])
  await node.clock.advance(5_000)
  assert.deepEqual(
    (await node.runtime.list()).map((p) => p.state),
    ['NotReady'],
  )
  await node.stop()
})

test('a pod that ends by itself costs two statuses: that it runs, and that it has ended with its sandbox', async () => {
  const node = await startNode()
  const stop = new AbortController()
  const told: string[] = []
  const watching = (async () => {
    for await (const event of node.pods.watch({ signal: stop.signal })) {
      if (event.type !== 'MODIFIED') continue
      const { phase = '', conditions = [] } = event.object.status ?? {}
      told.push(`${phase} ${conditions.find((c) => c.type === 'PodReadyToStartContainers')?.status}`)
    }
  })().catch(() => {})
  await node.create('job', { restartPolicy: 'Never', containers: [{ name: 'c', image: 'fake-exit:0' }] })
  await node.until('job', (p) => p?.status?.phase === 'Succeeded')
  await node.clock.advance(5_000)
  assert.deepEqual(told.slice(-2), ['Running True', 'Succeeded False'])
  stop.abort()
  await node.stop()
  await watching
})

test('a crashing container backs off and counts its restarts', async () => {
  const node = await startNode()
  await node.create('crash', { containers: [{ name: 'c', image: 'fake-exit:3-100' }] })
  const pod = await node.until('crash', (p) => first(p)?.state?.waiting?.message?.startsWith('back-off 20s') === true)
  assert.equal(first(pod)?.restartCount, 2)
  assert.equal(first(pod)?.lastState?.terminated?.exitCode, 3)
  await node.stop()
})

test('an exit that asks for it has all containers run again, the init containers first, in the same pod', async () => {
  const node = await startNode()
  const restartPolicyRules = [{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [42] } }]
  await node.create('train', {
    restartPolicy: 'Never',
    initContainers: [{ name: 'i', image: 'app', command: ['true'] }],
    containers: [
      { name: 'c', image: 'app' },
      { name: 'w', image: 'fake-exit:42-500', restartPolicy: 'Never', restartPolicyRules },
    ],
  })
  const counts = (pod: Pod | undefined) =>
    [...(pod?.status?.initContainerStatuses ?? []), ...(pod?.status?.containerStatuses ?? [])].map((c) => c.restartCount)
  const before = await node.until('train', (p) => p?.status?.phase === 'Running')
  const again = await node.until('train', (p) => String(counts(p)) === '1,1,1')
  assert.equal(again?.status?.podIP, before?.status?.podIP)
  assert.equal(again?.status?.phase, 'Running')
  assert.equal(first(again)?.lastState?.terminated?.reason, 'RestartingAllContainers')
  assert.equal(again?.status?.containerStatuses?.[1]?.lastState?.terminated?.exitCode, 42)
  // The second time the one that asks for it backs off; the others run meanwhile.
  const waiting = await node.until('train', (p) => p?.status?.containerStatuses?.[1]?.state?.waiting?.reason === 'CrashLoopBackOff')
  assert.match(waiting?.status?.containerStatuses?.[1]?.state?.waiting?.message ?? '', /^back-off 10s restarting failed container=w /)
  await node.until('train', (p) => String(counts(p)) === '2,2,2' && first(p)?.state?.running !== undefined)
  const told = await node.client.resource(kindRefs.coreV1.events, 'default').list()
  assert.ok(told.items.some((e) => e.reason === 'Killing' && e.message === 'killing'))
  await node.stop()
})

test("an image that is not there backs off with upstream's reasons and events", async () => {
  const node = await startNode()
  await node.create('nope', { containers: [{ name: 'c', image: 'missing' }] })
  await node.until('nope', (p) => first(p)?.state?.waiting?.reason === 'ErrImagePull')
  await node.until('nope', (p) => first(p)?.state?.waiting?.reason === 'ImagePullBackOff')
  await node.clock.advance(1_000)
  const events = await node.client.resource(kindRefs.coreV1.events, 'default').list()
  const told = new Set(events.items.map((e) => `${e.reason}: ${e.message}`))
  for (const expected of ['Pulling: Pulling image "missing"', 'Failed: Error: ErrImagePull', 'BackOff: Back-off pulling image "missing"']) {
    assert.ok(told.has(expected), `${expected} is missing from ${[...told].join(' | ')}`)
  }
  assert.equal(events.items[0]?.source?.component, 'kubelet')
  await node.stop()
})

test('containers run on through an agent restart, and no step is repeated', async () => {
  const node = await startNode()
  await node.create('web', { containers: [{ name: 'c', image: 'app', readinessProbe: { exec: { command: ['ok'] }, periodSeconds: 1 } }] })
  const before = await node.until('web', isReady)
  await node.restart()
  await node.clock.advance(5_000)
  const after = await node.pods.get('web')
  assert.equal(first(after)?.containerID, first(before)?.containerID)
  assert.equal(first(after)?.restartCount, 0)
  assert.ok(isReady(after))
  assert.equal(node.runtime.calls.get('startContainer'), 1)
  await node.stop()
})

test('a pod deleted while the agent was away is cleaned up when it is back', async () => {
  const node = await startNode()
  await node.create('web', {})
  await node.until('web', isReady)
  await node.stop()
  await node.pods.delete('web', { gracePeriodSeconds: 0 })
  await node.restart()
  await node.clock.advance(10_000)
  assert.deepEqual(await node.runtime.list(), [])
  await node.stop()
})

test('an exit during a lost connection to the engine is learnt after it is back', async () => {
  const node = await startNode()
  await node.create('web', {})
  const before = await node.until('web', isReady)
  node.runtime.disconnect()
  await node.clock.advance(1_000)
  node.runtime.exitContainer(first(before)!.containerID!.slice('containerd://'.length), 9)
  node.runtime.connect()
  const after = await node.until('web', (p) => first(p)?.restartCount === 1 && isReady(p))
  assert.equal(first(after)?.lastState?.terminated?.exitCode, 9)
  await node.stop()
})

test('a dead sandbox is replaced and its containers run again', async () => {
  const node = await startNode()
  await node.create('web', {})
  await node.until('web', isReady)
  const [sandbox] = await node.runtime.list()
  node.runtime.failSandbox(sandbox!.sandboxId)
  await node.until('web', (p) => isReady(p) && first(p)?.restartCount === 1)
  assert.equal((await node.runtime.list())[0]?.attempt, 1)
  await node.stop()
})

test('a failing liveness probe restarts the container, a failing readiness probe only unreadies it', async () => {
  let isHealthy = true
  const node = await startNode({ runtime: { onExec: (_, command) => ({ exitCode: command[0] === 'live' && !isHealthy ? 1 : 0 }) } })
  const probe = (command: string) => ({ exec: { command: [command] }, periodSeconds: 1, failureThreshold: 2 })
  await node.create('web', {
    terminationGracePeriodSeconds: 1,
    containers: [{ name: 'c', image: 'app', livenessProbe: probe('live'), readinessProbe: probe('ready') }],
  })
  await node.until('web', isReady)
  isHealthy = false
  await node.until('web', (p) => (first(p)?.restartCount ?? 0) >= 1)
  isHealthy = true
  await node.until('web', isReady)
  const events = await node.client.resource(kindRefs.coreV1.events, 'default').list()
  assert.ok(events.items.some((e) => e.reason === 'Killing' && e.message === 'Container c failed liveness probe, will be restarted'))
  await node.stop()
})

test('stop keeps the pod, its sandbox and its address; start runs it again there', async () => {
  const node = await startNode()
  await node.create('web', { restartPolicy: 'Never' })
  const before = await node.until('web', isReady)
  const setState = (value: string | null) =>
    node.pods.patch('web', { type: 'merge', body: { metadata: { annotations: { 'keelson.dev/run-state': value } } } })
  await setState('stopped')
  const stopped = await node.until('web', (p) => first(p)?.state?.terminated !== undefined && !isReady(p))
  assert.equal(stopped?.status?.phase, 'Running')
  assert.equal(stopped?.status?.conditions?.find((c) => c.type === 'Ready')?.reason, 'Stopped')
  await node.clock.advance(30_000)
  await node.restart()
  await setState('running')
  const after = await node.until('web', isReady)
  assert.equal(after?.status?.podIP, before?.status?.podIP)
  assert.equal(first(after)?.restartCount, 1)
  await node.stop()
})

test('a paused pod is not ready; resumed, it is ready again without a restart', async () => {
  const node = await startNode()
  await node.create('web', {})
  await node.until('web', isReady)
  const setState = (value: string) =>
    node.pods.patch('web', { type: 'merge', body: { metadata: { annotations: { 'keelson.dev/run-state': value } } } })
  await setState('paused')
  await node.until('web', (p) => p?.status?.conditions?.find((c) => c.type === 'Ready')?.reason === 'Paused')
  await setState('running')
  const after = await node.until('web', isReady)
  assert.equal(first(after)?.restartCount, 0)
  assert.deepEqual([node.runtime.calls.get('pauseContainer'), node.runtime.calls.get('resumeContainer')], [1, 1])
  await node.stop()
})

test('a container that is being paused is resumed before it is stopped: frozen, it would take no signal', async () => {
  const calls: string[] = []
  const node = await startNode({
    through: (runtime, clock) => ({
      pauseContainer: async (id) => {
        await sleep(clock, 400)
        await runtime.pauseContainer(id)
        calls.push('paused')
      },
      resumeContainer: async (id) => {
        calls.push('resumed')
        await runtime.resumeContainer(id)
      },
      stopContainer: async (id, graceSeconds) => {
        calls.push('stop')
        await runtime.stopContainer(id, graceSeconds)
      },
    }),
  })
  await node.create('web', {})
  await node.until('web', isReady)
  await node.pods.patch('web', { type: 'merge', body: { metadata: { annotations: { 'keelson.dev/run-state': 'paused' } } } })
  await node.clock.advance(100)
  await node.pods.delete('web', { gracePeriodSeconds: 1 })
  await node.until('web', (p) => p === undefined)
  assert.deepEqual(calls, ['paused', 'resumed', 'stop'])
  await node.stop()
})

test('a restart is asked for by a token, once a token', async () => {
  const node = await startNode()
  await node.create('web', {})
  await node.until('web', isReady)
  await node.pods.patch('web', { type: 'merge', body: { metadata: { annotations: { 'keelson.dev/restart-requested-at': 't1' } } } })
  await node.until('web', (p) => first(p)?.restartCount === 1 && isReady(p))
  await node.clock.advance(30_000)
  await node.restart()
  await node.clock.advance(10_000)
  assert.equal(first(await node.pods.get('web'))?.restartCount, 1)
  await node.stop()
})

test('a pod past its deadline fails, and its containers end', async () => {
  const node = await startNode()
  await node.create('late', { activeDeadlineSeconds: 5, terminationGracePeriodSeconds: 1 })
  const pod = await node.until('late', (p) => p?.status?.phase === 'Failed')
  assert.equal(pod?.status?.reason, 'DeadlineExceeded')
  assert.ok(first(pod)?.state?.terminated)
  await node.stop()
})

test('a pod that does not fit is refused with the numbers', async () => {
  const node = await startNode()
  await node.clock.advance(1_000)
  await node.create('big', { containers: [{ name: 'c', image: 'app', resources: { requests: { cpu: '64' } } }] })
  const pod = await node.until('big', (p) => p?.status?.phase === 'Failed')
  assert.equal(pod?.status?.reason, 'OutOfcpu')
  assert.equal(pod?.status?.message, "Pod was rejected: Node didn't have enough resource: cpu, requested: 64000, used: 0, capacity: 4000")
  await node.stop()
})

test('a pod takes no room any more once it is deleted by force, even while its containers end', async () => {
  const node = await startNode({ runtime: { behaviourOf: () => ({ ...runsForever, stopMs: 3_600_000 }) } })
  const containers = [{ name: 'c', image: 'app', resources: { requests: { cpu: '3' } } }]
  await node.create('first', { containers })
  await node.until('first', isReady)
  await node.pods.delete('first', { gracePeriodSeconds: 0 })
  await node.create('second', { containers })
  const pod = await node.until('second', (p) => isReady(p) || p?.status?.phase === 'Failed')
  assert.ok(isReady(pod), String(pod?.status?.message))
  await node.stop()
})

test('a preStop hook runs within the grace before the container ends', async () => {
  const commands: string[] = []
  const node = await startNode({ runtime: { onExec: (_, command) => (commands.push(command.join(' ')), { exitCode: 0 }) } })
  const lifecycle = { preStop: { exec: { command: ['bye'] } }, postStart: { exec: { command: ['hello'] } } }
  await node.create('web', { containers: [{ name: 'c', image: 'app', lifecycle }] })
  await node.until('web', isReady)
  await node.pods.delete('web', { gracePeriodSeconds: 5 })
  await node.until('web', isGone)
  assert.deepEqual(commands, ['hello', 'bye'])
  await node.stop()
})

test('a container that cannot be started backs off like one that crashes', async () => {
  const node = await startNode()
  await node.create('broken', { containers: [{ name: 'c', image: 'fake-unstartable' }] })
  const pod = await node.until('broken', (p) => first(p)?.state?.waiting?.reason === 'CrashLoopBackOff')
  assert.equal(first(pod)?.lastState?.terminated?.reason, 'StartError')
  await node.clock.advance(60_000)
  assert.ok((node.runtime.calls.get('startContainer') ?? 0) <= 5)
  await node.stop()
})

test('a start that fails by chance is made good, and its container is not leaked', async () => {
  const node = await startNode({ runtime: { failureRates: { runSandbox: 0.5, create: 0.3, start: 0.3 } } })
  for (let i = 0; i < 5; i++) await node.create(`p${i}`, { terminationGracePeriodSeconds: 1 })
  for (let i = 0; i < 5; i++) await node.until(`p${i}`, isReady, 600_000)
  for (let i = 0; i < 5; i++) await node.pods.delete(`p${i}`)
  for (let i = 0; i < 5; i++) await node.until(`p${i}`, isGone)
  assert.deepEqual(await node.runtime.list(), [])
  await node.stop()
})

test('a pod waits for a ConfigMap that its environment names', async () => {
  const node = await startNode()
  await node.create('wants', { containers: [{ name: 'c', image: 'app', envFrom: [{ configMapRef: { name: 'late' } }] }] })
  const waiting = await node.until('wants', (p) => first(p)?.state?.waiting?.reason === 'CreateContainerConfigError')
  assert.equal(first(waiting)?.state?.waiting?.message, 'configmap "late" not found')
  await node.client
    .resource(kindRefs.coreV1.configMaps, 'default')
    .create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'late' }, data: {} })
  await node.until('wants', isReady)
  await node.stop()
})

test('the same seed gives the same trace', async () => {
  const trace = async () => {
    const node = await startNode({ runtime: { failureRates: { start: 0.3, runSandbox: 0.2 } } })
    for (let i = 0; i < 10; i++) await node.create(`p${i}`, { terminationGracePeriodSeconds: 1 })
    await node.clock.advance(60_000)
    const list = await node.pods.list()
    await node.stop()
    return list.items.map((p) => [p.metadata.name, p.metadata.resourceVersion, p.status?.phase, first(p)?.restartCount, p.status?.podIP])
  }
  assert.deepEqual(await trace(), await trace())
})

test('an end is not missed that comes while the first look at the container is on its way', async () => {
  const node = await startNode({
    runtime: { behaviourOf: () => ({ ...runsForever, exitAfterMs: 100 }) },
    // The look is of a moment before the end, and arrives after it.
    through: (runtime, clock) => ({
      pod: async (id) => {
        const seen = await runtime.pod(id)
        await sleep(clock, 500)
        return seen
      },
    }),
  })
  await node.create('brief', { restartPolicy: 'Never' })
  await node.clock.advance(30_000)
  assert.equal((await node.pods.get('brief')).status?.phase, 'Succeeded')
  await node.stop()
})

test('a resize that waits for room comes when another pod has gone, and stays what it is through a restart of the agent', async () => {
  const node = await startNode({ agent: { machine: simulatedMachine({ cpuMilli: 2_000 }) } })
  const asking = (cpu: string) => ({ containers: [{ name: 'c', image: 'app', resources: { requests: { cpu } } }] })
  await node.create('stays', { ...asking('1500m'), terminationGracePeriodSeconds: 0 })
  await node.create('grows', asking('250m'))
  await node.until('stays', isReady)
  await node.until('grows', isReady)
  const pending = (pod: Pod | undefined) => pod?.status?.conditions?.find((c) => c.type === 'PodResizePending')
  const body = { spec: { containers: [{ name: 'c', resources: { requests: { cpu: '1' } } }] } }
  await node.pods.patch('grows', { type: 'strategic', body }, { subresource: 'resize' })
  const waiting = await node.until('grows', (pod) => pending(pod) !== undefined)
  assert.deepEqual(
    [pending(waiting)?.reason, pending(waiting)?.observedGeneration, first(waiting)?.allocatedResources],
    ['Deferred', 2, { cpu: '250m' }],
  )
  await node.restart()
  await node.clock.advance(15_000)
  assert.deepEqual(first(await node.pods.get('grows'))?.resources, { requests: { cpu: '250m' } })
  await node.pods.delete('stays')
  const grown = await node.until('grows', (pod) => pending(pod) === undefined && isReady(pod))
  assert.deepEqual([first(grown)?.allocatedResources, first(grown)?.resources], [{ cpu: '1' }, { requests: { cpu: '1' } }])
  assert.equal(first(grown)?.restartCount, 0)
  await node.stop()
})
