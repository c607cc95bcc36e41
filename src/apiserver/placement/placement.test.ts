import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from '../../base/random.ts'
import type { Client } from '../../client/contract.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import { keelsonKinds } from '../../client/own-kind-refs.ts'
import type { Binding, Pod, PodSpec } from '../../kinds/generated/types/core-v1.ts'
import type { Offer } from '../../kinds/keelson/offer.ts'
import { checkFitAnnotation, isFitConflict } from '../../kinds/keelson/placement.ts'
import { podRequests } from '../../kinds/pod-requests.ts'
import { isStatus, StatusError } from '../../machinery/status-error.ts'
import { systemClock } from '../../platform/system-clock.ts'
import { createMemoryStore } from '../../store/memory.ts'
import { createTestApi, type TestApi } from '../test-api.ts'

type Servers = { readonly clients: readonly Client[]; close(): Promise<void> }

async function servers(count: number): Promise<Servers> {
  const store = createMemoryStore()
  const options = { clock: systemClock, random: seededRandom(1), store, isStoreShared: count > 1 }
  const apis: TestApi[] = []
  for (let i = 0; i < count; i++) apis.push(await createTestApi(options))
  return {
    clients: apis.map((api) => api.client),
    close: async () => {
      for (const { api } of apis) await api.close()
      await store.close()
    },
  }
}

async function withApi(body: (client: Client) => Promise<void>): Promise<void> {
  const { clients, close } = await servers(1)
  await body(clients[0]!).finally(close)
}

async function addNode(client: Client, name: string, allocatable: Record<string, string>): Promise<void> {
  const nodes = client.resource(kindRefs.coreV1.nodes)
  const made = await nodes.create({ metadata: { name } })
  await nodes.updateStatus({ ...made, status: { allocatable: { pods: '110', ...allocatable } } })
}

const podsOf = (client: Client) => client.resource(kindRefs.coreV1.pods, 'default')

function addPod(client: Client, name: string, requests: Record<string, string>, more: Partial<PodSpec> = {}): Promise<Pod> {
  const containers = [{ name: 'main', image: 'app', resources: { requests }, ...more.containers?.[0] }]
  return podsOf(client).create({ metadata: { name }, spec: { ...more, containers } })
}

function bind(client: Client, name: string, node: string, annotations: Record<string, string> = { [checkFitAnnotation]: 'true' }) {
  const binding: Binding = { metadata: { name, namespace: 'default', annotations }, target: { kind: 'Node', name: node } }
  return podsOf(client).subresource<Binding, unknown>(name, 'binding', binding)
}

/** An offer of 700m of cpu. */
function makeOffer(client: Client, name: string, nodeName: string): Promise<Offer> {
  const spec = { frameworkName: 'f', nodeName, resources: { cpu: '700m', pods: '1' }, expirationTime: '2030-01-01T00:00:00Z' }
  return client.resource(keelsonKinds.offers, 'default').create({ metadata: { name }, spec })
}

async function causesOf(binding: Promise<unknown>): Promise<readonly (string | undefined)[]> {
  const error: unknown = await binding.then(
    () => undefined,
    (e: unknown) => e,
  )
  assert.ok(error instanceof StatusError && isFitConflict(error), `refused: ${String(error)}`)
  return error.status.details?.causes?.map((c) => c.message) ?? []
}

test('a binding that asks for it is refused where there is no room, with the numbers; one that does not is as ever', () =>
  withApi(async (client) => {
    await addNode(client, 'a', { cpu: '1', memory: '1Gi', pods: '2' })
    for (const name of ['p1', 'p2', 'p3']) await addPod(client, name, { cpu: '600m', memory: '256Mi' })
    await bind(client, 'p1', 'a')
    assert.equal((await podsOf(client).get('p1')).metadata.annotations, undefined)
    assert.deepEqual(await causesOf(bind(client, 'p2', 'a')), ['cpu: 600m requested, 400m of 1000m free'])
    await assert.rejects(bind(client, 'p2', 'a'), {
      message: 'Operation cannot be fulfilled on pods/binding "p2": node "a" has no room any more: cpu: 600m requested, 400m of 1000m free',
    })
    await bind(client, 'p2', 'a', {})
    assert.deepEqual(await causesOf(bind(client, 'p3', 'a')), ['cpu: 600m requested, 0m of 1000m free', 'pods: 1 requested, 0 of 2 free'])
    await podsOf(client).delete('p1', { gracePeriodSeconds: 0 })
    await podsOf(client).delete('p2', { gracePeriodSeconds: 0 })
    await bind(client, 'p3', 'a')
    // What upstream says of a pod that has its node is said first.
    await assert.rejects(bind(client, 'p3', 'a'), /pod p3 is already assigned to node "a"/)
    assert.deepEqual(await causesOf(addPod(client, 'p4', {}).then(() => bind(client, 'p4', 'nowhere'))), ['there is no such node'])
  }))

test('pods that have finished leave their room; a pod that grew takes what it has', () =>
  withApi(async (client) => {
    await addNode(client, 'a', { cpu: '1' })
    for (const name of ['p1', 'p2']) await addPod(client, name, { cpu: '1' })
    await bind(client, 'p1', 'a')
    assert.deepEqual(await causesOf(bind(client, 'p2', 'a')), ['cpu: 1000m requested, 0m of 1000m free'])
    await podsOf(client).updateStatus({ ...(await podsOf(client).get('p1')), status: { phase: 'Succeeded' } })
    await bind(client, 'p2', 'a')
  }))

test('ports, disks and claims for one pod are given once', () =>
  withApi(async (client) => {
    for (const name of ['a', 'b']) await addNode(client, name, { cpu: '8' })
    const port = (hostIP?: string) => ({
      containers: [{ name: 'main', image: 'app', ports: [{ containerPort: 80, hostPort: 80, ...(hostIP ? { hostIP } : {}) }] }],
    })
    await addPod(client, 'port-1', {}, port())
    await addPod(client, 'port-2', {}, port('10.0.0.1'))
    await bind(client, 'port-1', 'a')
    assert.deepEqual(await causesOf(bind(client, 'port-2', 'a')), ['host port 10.0.0.1:80/TCP is taken'])
    await bind(client, 'port-2', 'b')
    const disk = { volumes: [{ name: 'd', gcePersistentDisk: { pdName: 'disk' } }] }
    for (const name of ['disk-1', 'disk-2']) await addPod(client, name, {}, disk)
    await bind(client, 'disk-1', 'a')
    assert.deepEqual(await causesOf(bind(client, 'disk-2', 'a')), ['a pod there uses the same disk'])
    await client.resource(kindRefs.coreV1.persistentVolumeClaims, 'default').create({
      metadata: { name: 'only' },
      spec: { accessModes: ['ReadWriteOncePod'], resources: { requests: { storage: '1Gi' } } },
    })
    const claim = { volumes: [{ name: 'c', persistentVolumeClaim: { claimName: 'only' } }] }
    for (const name of ['claim-1', 'claim-2']) await addPod(client, name, {}, claim)
    const bound = await Promise.allSettled([bind(client, 'claim-1', 'a'), bind(client, 'claim-2', 'b')])
    assert.deepEqual(bound.map((b) => b.status).sort(), ['fulfilled', 'rejected'])
    assert.deepEqual(await causesOf(Promise.reject((bound.find((b) => b.status === 'rejected') as PromiseRejectedResult).reason)), [
      'claim default/only allows one pod, and another uses it',
    ])
  }))

/** One move of a scheduler, or of the maker of offers, that looks at what was when it last looked. */
type Move = { readonly scheduler: number; readonly pod: number; readonly node: number; readonly yields: number }

test('whatever schedulers with stale views do at whichever server, no node gets more than it has', { timeout: 120_000 }, async () => {
  const nodeCount = 3
  const podCount = 24
  const move: fc.Arbitrary<Move> = fc.record({
    scheduler: fc.nat(3),
    pod: fc.nat(podCount - 1),
    node: fc.nat(nodeCount - 1),
    yields: fc.nat(4),
  })
  const property = async (serverCount: number, cpus: readonly number[], moves: readonly Move[]) => {
    const { clients, close } = await servers(serverCount)
    try {
      for (let i = 0; i < nodeCount; i++) await addNode(clients[0]!, `n${i}`, { cpu: '2' })
      await Promise.all(cpus.map((cpu, i) => addPod(clients[0]!, `p${i}`, { cpu: `${cpu}m` })))
      await Promise.all(clients.map((client) => podsOf(client).list({})))
      let conflicts = 0
      const act = async ({ scheduler, pod, node, yields }: Move) => {
        for (let i = 0; i < yields; i++) await new Promise((resolve) => setImmediate(resolve))
        const client = clients[scheduler % serverCount]!
        try {
          if (yields === 3) await makeOffer(client, `o${pod}`, `n${node}`)
          else if (yields === 4) await podsOf(client).delete(`p${pod}`, { gracePeriodSeconds: 0 })
          else await bind(client, `p${pod}`, `n${node}`)
        } catch (error) {
          assert.ok(
            ['Conflict', 'NotFound', 'AlreadyExists'].some((reason) => isStatus(error, reason)),
            String(error),
          )
          if (isFitConflict(error)) conflicts++
        }
      }
      await Promise.all(moves.map(act))
      const { items } = await podsOf(clients[0]!).list()
      const { items: offers } = await clients[0]!.resource(keelsonKinds.offers, 'default').list()
      const usedOf = (node: string) =>
        items.filter((p) => p.spec?.nodeName === node).reduce((sum, p) => sum + (podRequests(p).cpu ?? 0), 0) +
        700 * offers.filter((o) => o.spec.nodeName === node).length
      for (let i = 0; i < nodeCount; i++) {
        const used = usedOf(`n${i}`)
        assert.ok(used <= 2_000, `n${i} has ${used}m of 2000m after ${conflicts} conflicts`)
      }
      // Nothing that failed or went away holds room: what is free can be had to the last millicore.
      const used = usedOf('n0')
      if (used === 2_000) return
      await addPod(clients[0]!, 'rest', { cpu: `${2_000 - used}m` })
      await bind(clients[serverCount - 1]!, 'rest', 'n0')
    } finally {
      await close()
    }
  }
  const cpus = fc.array(fc.integer({ min: 100, max: 1_200 }), { minLength: podCount, maxLength: podCount })
  await fc.assert(fc.asyncProperty(fc.constantFrom(1, 2), cpus, fc.array(move, { minLength: 20, maxLength: 80 }), property), {
    numRuns: 15,
  })
})
