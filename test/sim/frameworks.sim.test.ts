/** Resource offers end to end: an embedded cluster with simulated nodes, and the two frameworks of the examples with their own rights. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startBatchQueue } from '../../examples/batch-queue/batch-queue.ts'
import { startServiceScheduler } from '../../examples/service-scheduler/service-scheduler.ts'
import { silentLog } from '../../src/base/log.ts'
import { seededRandom } from '../../src/base/random.ts'
import type { Client } from '../../src/client/contract.ts'
import { kindRefs } from '../../src/client/generated/kind-refs.ts'
import { keelsonKinds } from '../../src/client/own-kind-refs.ts'
import { startFramework } from '../../src/client/resource-offers.ts'
import type { Pod } from '../../src/kinds/generated/types/core-v1.ts'
import type { Framework, FrameworkSpec } from '../../src/kinds/keelson/framework.ts'
import type { Offer } from '../../src/kinds/keelson/offer.ts'
import { isFitConflict } from '../../src/kinds/keelson/placement.ts'
import { podRequests, resourceAmounts } from '../../src/kinds/pod-requests.ts'
import { isStatus } from '../../src/machinery/status-error.ts'
import { virtualClock, type VirtualClock } from '../../src/platform/virtual-clock.ts'
import { type Cluster, startCluster } from '../../src/roles/embedded.ts'

type World = {
  readonly cluster: Cluster
  readonly client: Client
  readonly clock: VirtualClock
  /** The client of a framework's service account in `namespace`, with the rights that the docs give it. */
  framework(namespace: string, name: string): Promise<Client>
  until(what: string, condition: () => Promise<boolean>, limitMs?: number): Promise<void>
}

async function withCluster(nodes: number, body: (world: World) => Promise<void>): Promise<void> {
  const clock = virtualClock()
  const cluster = await startCluster({ nodes, clock, random: seededRandom(1) })
  const { client, controlPlane } = cluster
  const until: World['until'] = async (what, condition, limitMs = 300_000) => {
    for (const end = clock.now() + limitMs; clock.now() < end; await clock.advance(250)) if (await condition()) return
    assert.fail(`did not happen: ${what}`)
  }
  const framework: World['framework'] = async (namespace, name) => {
    const exists = (error: unknown) => assert.ok(isStatus(error, 'AlreadyExists'), String(error))
    await client
      .resource(kindRefs.coreV1.namespaces)
      .create({ metadata: { name: namespace } })
      .catch(exists)
    await client.resource(kindRefs.rbacV1.roleBindings, namespace).create({
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'keelson:framework' },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    })
    await clock.settle()
    const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated']
    return controlPlane.api.clientFor({ name: `system:serviceaccount:${namespace}:${name}`, groups })
  }
  try {
    await until('nodes ready', async () => {
      const { items } = await client.resource(kindRefs.coreV1.nodes).list()
      return (
        items.filter((n) => n.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') && !n.spec?.taints).length ===
        nodes
      )
    })
    await body({ cluster, client, clock, framework, until })
  } finally {
    await cluster.close()
  }
}

const offersIn = async (client: Client, namespace: string): Promise<readonly Offer[]> =>
  (await client.resource(keelsonKinds.offers, namespace).list()).items
const open = (offers: readonly Offer[]) => offers.filter((o) => o.status?.phase !== 'Declined')

const taskPod = (name: string, schedulerName: string, requests: Record<string, string>): Pod => ({
  metadata: { name },
  spec: { schedulerName, containers: [{ name: 'c', image: 'c:1', resources: { requests } }] },
})

/** What pods and open offers have of each node is never more than it has. */
async function assertNoOvercommit({ client }: World): Promise<void> {
  const [nodes, pods, offers] = [
    await client.resource(kindRefs.coreV1.nodes).list(),
    await client.resource(kindRefs.coreV1.pods).list(),
    await client.resource(keelsonKinds.offers).list(),
  ]
  for (const node of nodes.items) {
    const name = node.metadata.name
    const running = pods.items.filter((p) => p.spec?.nodeName === name && !['Succeeded', 'Failed'].includes(p.status?.phase ?? ''))
    const given = [
      ...running.map((p) => podRequests(p)),
      ...open(offers.items)
        .filter((o) => o.spec.nodeName === name)
        .map((o) => resourceAmounts(o.spec.resources)),
    ]
    const allocatable = resourceAmounts(node.status?.allocatable)
    for (const resource of ['cpu', 'memory']) {
      const used = given.reduce((sum, amounts) => sum + (amounts[resource] ?? 0), 0)
      assert.ok(used <= allocatable[resource]!, `${name}: ${resource} ${used} of ${allocatable[resource]}`)
    }
  }
}

/** A framework that is registered and alive, whose offers the test answers itself. */
async function manual(world: World, namespace: string, name: string, spec: FrameworkSpec) {
  const client = await world.framework(namespace, name)
  const stop = new AbortController()
  const never = new Promise<never>(() => {})
  const parts = { client, clock: world.clock, random: seededRandom(2), log: silentLog, namespace, name, spec, onOffer: () => never }
  const { done } = await startFramework(parts, stop.signal)
  void done
  const offers = client.resource(keelsonKinds.offers, namespace)
  const answer = (offer: string, how: 'accept' | 'decline', body: object) =>
    offers.subresource<object, unknown>(offer, how, {
      apiVersion: 'keelson.dev/v1',
      kind: how === 'accept' ? 'OfferAcceptance' : 'OfferDecline',
      ...body,
    })
  return { client, offers, answer, stop: () => stop.abort() }
}

test('an offer is kept for its framework, bears what fits into it and nothing else, and its rest goes back', () =>
  withCluster(1, async (world) => {
    const { client, clock, until } = world
    const { answer, client: own, stop } = await manual(world, 'team', 'mine', { offerTimeoutSeconds: 60 })
    await until('an offer', async () => open(await offersIn(own, 'team')).length === 1)
    const [offer] = await offersIn(own, 'team')
    const { name = '' } = offer!.metadata
    assert.equal(name, 'mine.node-1')
    const free = resourceAmounts(offer!.spec.resources)
    // The whole node is offered: neither the scheduler nor anybody else may place a pod there.
    await client.resource(kindRefs.coreV1.pods, 'default').create(taskPod('other', 'default-scheduler', { cpu: '1' }))
    await clock.advance(5_000)
    const other = await client.resource(kindRefs.coreV1.pods, 'default').get('other')
    assert.match(other.status?.conditions?.find((c) => c.type === 'PodScheduled')?.message ?? '', /Insufficient cpu/)
    const binding = { metadata: { name: 'other' }, target: { kind: 'Node', name: 'node-1' } }
    await assert.rejects(client.resource(kindRefs.coreV1.pods, 'default').subresource('other', 'binding', binding), isFitConflict)

    const pods = own.resource(kindRefs.coreV1.pods, 'team')
    await pods.create(taskPod('small', 'mine', { cpu: '500m' }))
    await pods.create(taskPod('huge', 'mine', { cpu: `${free.cpu! + 1}m` }))
    await pods.create(taskPod('foreign', 'default-scheduler', { cpu: '100m' }))
    await assert.rejects(answer(name, 'accept', { pods: [{ name: 'small' }, { name: 'huge' }] }), {
      message: `Operation cannot be fulfilled on offers.keelson.dev "${name}": the pods ask for more than the offer has: cpu: ${free.cpu! + 501}m requested, ${free.cpu}m offered`,
    })
    await assert.rejects(
      answer(name, 'accept', { pods: [{ name: 'foreign' }] }),
      /pod foreign is for scheduler default-scheduler, not for mine/,
    )
    await assert.rejects(answer(name, 'accept', { pods: [{ name: 'nobody' }] }), /pods "nobody" not found/)
    await assert.rejects(answer(name, 'accept', { pods: [] }), /pods: Required value/)
    await assert.rejects(own.resource(kindRefs.coreV1.pods, 'team').subresource('small', 'binding', binding), (e) =>
      isStatus(e, 'Forbidden'),
    )
    await answer(name, 'accept', { pods: [{ name: 'small' }] })
    assert.equal((await pods.get('small')).spec?.nodeName, 'node-1')
    await assert.rejects(answer(name, 'accept', { pods: [{ name: 'small' }] }), (e) => isStatus(e, 'NotFound') || isStatus(e, 'Conflict'))
    await assertNoOvercommit(world)
    // The rest is offered anew; declined, it goes to the pod that waited.
    await until('another offer', async () => open(await offersIn(own, 'team')).length === 1)
    await answer(name, 'decline', { filterSeconds: 600 })
    await assert.rejects(answer(name, 'decline', {}), /it was declined before/)
    await assert.rejects(answer(name, 'accept', { pods: [{ name: 'small' }] }), /it was declined before/)
    await until(
      'the other bound',
      async () => (await client.resource(kindRefs.coreV1.pods, 'default').get('other')).spec?.nodeName === 'node-1',
    )
    await clock.advance(300_000)
    assert.equal(open(await offersIn(own, 'team')).length, 0)
    await until('the filter ends', async () => open(await offersIn(own, 'team')).length === 1, 330_000)
    await assertNoOvercommit(world)
    stop()
  }))

test('what is not answered goes to the others; what a dead framework was offered goes back; a framework that is deleted leaves nothing', () =>
  withCluster(2, async (world) => {
    const { client, until } = world
    const silent = await manual(world, 'a', 'silent', { offerTimeoutSeconds: 10 })
    await until('all offered', async () => open(await offersIn(client, 'a')).length === 2)
    const eager = await manual(world, 'b', 'eager', { offerTimeoutSeconds: 600 })
    await until('the others have it', async () => open(await offersIn(client, 'b')).length === 2, 15_000)
    const timedOut = await offersIn(client, 'a')
    assert.deepEqual(
      timedOut.map((o) => [o.status?.phase, o.status?.reason]),
      [
        ['Declined', 'TimedOut'],
        ['Declined', 'TimedOut'],
      ],
    )
    eager.stop()
    const diedMs = world.clock.now()
    await until('its offers are gone', async () => (await offersIn(client, 'b')).length === 0)
    assert.ok(world.clock.now() - diedMs <= 16_000, `${world.clock.now() - diedMs} ms`)
    const framework = await client.resource(keelsonKinds.frameworks, 'b').get('eager')
    const active = framework.status?.conditions?.find((c) => c.type === 'Active')
    assert.deepEqual([active?.status, active?.reason], ['False', 'LeaseExpired'])
    await until('the living one is asked again', async () => open(await offersIn(client, 'a')).length === 2)
    await client.resource<Framework>(keelsonKinds.frameworks, 'a').delete('silent')
    await until('nothing is left', async () => (await client.resource(keelsonKinds.offers).list()).items.length === 0)
    silent.stop()
  }))

test('a batch queue and a service scheduler share a cluster; one dies and comes back', () =>
  withCluster(3, async (world) => {
    const { client, clock, until } = world
    const random = seededRandom(3)
    const log = silentLog
    const services = {
      client: await world.framework('shop', 'services'),
      clock,
      random,
      log,
      namespace: 'shop',
      name: 'services',
      weight: 2,
    }
    const crash = new AbortController()
    const first = await startServiceScheduler(services, crash.signal)
    const deploy = (replicas: number) =>
      client.resource(kindRefs.appsV1.deployments, 'shop').apply(
        {
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          metadata: { name: 'web', namespace: 'shop' },
          spec: {
            replicas,
            selector: { matchLabels: { app: 'web' } },
            template: {
              metadata: { labels: { app: 'web' } },
              spec: {
                schedulerName: 'services',
                containers: [{ name: 'web', image: 'web:1', resources: { requests: { cpu: '500m', memory: '128Mi' } } }],
              },
            },
          },
        },
        { fieldManager: 'test' },
      )
    const running = async () =>
      (await client.resource(kindRefs.coreV1.pods, 'shop').list()).items.filter((p) => p.status?.phase === 'Running')
    await deploy(3)
    await until('three replicas', async () => (await running()).length === 3)
    assert.equal(new Set((await running()).map((p) => p.spec?.nodeName)).size, 3)

    const queueOptions = {
      ...{
        client: await world.framework('batch', 'queue'),
        clock,
        random,
        log,
        namespace: 'batch',
        name: 'queue',
        tasks: 30,
        image: 'task:1',
      },
      requests: { cpu: '1', memory: '256Mi' },
      annotations: { 'fake.keelson.dev/task': JSON.stringify({ exitAfterMs: 20_000, exitCode: 0 }) },
    }
    const crashQueue = new AbortController()
    await startBatchQueue(queueOptions, crashQueue.signal)
    await until('tasks run', async () => (await client.resource(kindRefs.coreV1.pods, 'batch').list()).items.some((p) => p.spec?.nodeName))
    // It dies in the middle and starts again: no task is forgotten, none is done twice.
    crashQueue.abort()
    await clock.advance(1_000)
    const queue = await startBatchQueue(queueOptions, new AbortController().signal)
    let result: Awaited<typeof queue.done> | undefined
    void queue.done.then((r) => (result = r))
    await assertNoOvercommit(world)
    // The service scheduler dies in the middle: what runs stays, nothing new is placed, the queue works on.
    crash.abort()
    await first.done
    await deploy(5)
    await until('its offers are gone', async () => open(await offersIn(client, 'shop')).length === 0)
    assert.equal((await running()).length, 3)
    await until('all tasks done', async () => result !== undefined)
    assert.deepEqual(result, { succeeded: 30, pods: 30 })
    await assertNoOvercommit(world)
    const again = new AbortController()
    const second = await startServiceScheduler(services, again.signal)
    await until('the replicas that waited', async () => (await running()).length === 5)
    await assertNoOvercommit(world)
    again.abort()
    await second.done
  }))
