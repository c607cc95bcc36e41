// One scheduler, several on shared state, and frameworks on offers: collisions and fairness under the virtual clock (the same numbers on
// every machine), and throughput through the API in real time.
import { seededRandom } from '../src/base/random.ts'
import { silentLog } from '../src/base/log.ts'
import type { Client } from '../src/client/contract.ts'
import { kindRefs } from '../src/client/generated/kind-refs.ts'
import type { Pod } from '../src/kinds/generated/types/core-v1.ts'
import { type ResourceAmounts, podRequests, resourceAmounts } from '../src/kinds/pod-requests.ts'
import { virtualClock } from '../src/platform/virtual-clock.ts'
import { startCluster } from '../src/roles/embedded.ts'
import { startBatchQueue } from '../examples/batch-queue/batch-queue.ts'
import { withSchedulers } from '../test/sim/scheduler-world.ts'
import type { SuiteOptions } from './main.ts'
import { type Figure, report } from './measure.ts'
import { bindingThroughput } from './schedulers-throughput.ts'

export async function schedulersSuite({ isQuick }: SuiteOptions): Promise<void> {
  const collisions: Figure[] = []
  for (const schedulers of isQuick ? [4] : [2, 4, 8])
    for (const lagMs of [50, 500])
      for (const prefersOwnNodes of [false, true]) collisions.push(...(await collide({ schedulers, lagMs, prefersOwnNodes })))
  report('schedulers on shared state, 50 nodes half full, filled to 95 % (virtual clock): bindings refused for want of room', collisions)
  report('what is left when one of 3 dies (virtual clock)', [await takeover()])
  const minutes = 2
  const fairness = [...(await shareOut('one scheduler', minutes)), ...(await shareOut('offers', minutes))]
  report('two tenants, weights 1 and 2, the first floods (virtual clock)', fairness)
  report('through the API, real time', await bindingThroughput({ pods: isQuick ? 300 : 1_000 }))
}

const placesPerNode = 8

/**
 * 50 nodes of 8 places, 0 to 7 of them taken; then 10 pods every 20 ms until 95 % are: every scheduler sees the same few empty nodes.
 * Pods differ in nothing, so that the best node of one is the best of all.
 */
async function collide(options: {
  readonly schedulers: number
  readonly lagMs: number
  readonly prefersOwnNodes: boolean
}): Promise<Figure[]> {
  const { schedulers, lagMs, prefersOwnNodes } = options
  const figures: Figure[] = []
  await withSchedulers({ seed: 1, ...options }, async (world) => {
    const random = seededRandom(2)
    await world.until('all have joined', async () => world.schedulers.every((s) => s.metrics.members() === schedulers))
    let free = 0
    for (let node = 0; node < 50; node++) {
      await world.addNode({ name: `n${node}`, cpu: '4' })
      const taken = random.below(placesPerNode)
      free += placesPerNode - taken
      for (let i = 0; i < taken; i++)
        await world.addPod({ name: `old-${node}-${i}`, requests: { cpu: '500m' }, spec: { nodeName: `n${node}` } })
    }
    await world.clock.advance(5_000)
    const pods = Math.floor(free - 0.05 * 50 * placesPerNode)
    for (let i = 0; i < pods; i++) {
      await world.addPod({ name: `p${i}`, requests: { cpu: '500m' } })
      if (i % 10 === 9) await world.clock.advance(20)
    }
    await world.until('all bound', async () => (await world.pods()).every((pod) => pod.spec?.nodeName))
    const rate = (100 * world.conflicts()) / (world.conflicts() + world.bound())
    const name = `${schedulers} schedulers, ${lagMs} ms behind, ${prefersOwnNodes ? 'own nodes first' : 'any node'}`
    figures.push({ name, value: rate, unit: '% refused', better: 'lower' })
  })
  return figures
}

/** From the death of one until its pods are bound by the others. */
async function takeover(): Promise<Figure> {
  let seconds = 0
  await withSchedulers({ seed: 2, schedulers: 3 }, async (world) => {
    await world.until('all have joined', async () => world.schedulers.every((s) => s.metrics.members() === 3))
    for (let i = 0; i < 20; i++) await world.addNode({ name: `n${i}`, cpu: '4' })
    world.crash(0)
    const diedMs = world.clock.now()
    for (let i = 0; i < 100; i++) await world.addPod({ name: `p${i}`, requests: { cpu: '100m' } })
    await world.until('all bound', async () => (await world.pods()).every((pod) => pod.spec?.nodeName))
    seconds = (world.clock.now() - diedMs) / 1_000
  })
  return { name: 'its pods bound by the others after', value: seconds, unit: 's', better: 'lower' }
}

type Tenant = {
  readonly name: string
  readonly weight: number
  readonly requests: Readonly<Record<string, string>>
  readonly tasks: number
  readonly delayMs: number
}

const tenants: readonly Tenant[] = [
  { name: 'flood', weight: 1, requests: { cpu: '1', memory: '1Gi' }, tasks: 400, delayMs: 0 },
  { name: 'late', weight: 2, requests: { cpu: '500m', memory: '2Gi' }, tasks: 800, delayMs: 10_000 },
]
const taskMs = 20_000

/** Both have more tasks than ever fit; measured from a minute after the second has come. */
async function shareOut(how: 'one scheduler' | 'offers', minutes: number): Promise<Figure[]> {
  const clock = virtualClock()
  const cluster = await startCluster({ nodes: 8, clock, random: seededRandom(1) })
  const { client } = cluster
  const stop = new AbortController()
  try {
    await clock.advance(10_000)
    const begin = clock.now()
    const total = totalOf((await client.resource(kindRefs.coreV1.nodes).list()).items.map((n) => resourceAmounts(n.status?.allocatable)))
    for (const tenant of tenants) {
      await client.resource(kindRefs.coreV1.namespaces).create({ metadata: { name: tenant.name } })
      await clock.advance(Math.max(0, begin + tenant.delayMs - clock.now()))
      if (how === 'offers') await queueOf(client, clock, tenant, stop.signal)
      else await pile(client, tenant)
    }
    await clock.advance(60_000)
    const samples: { readonly jain: number; readonly used: number }[] = []
    for (let i = 0; i < minutes * 12; i++) {
      await clock.advance(5_000)
      samples.push(sample((await client.resource(kindRefs.coreV1.pods).list()).items, total))
    }
    const mean = (of: (s: (typeof samples)[number]) => number) => samples.reduce((sum, s) => sum + of(s), 0) / samples.length
    return [
      { name: `${how}: fairness of weighted dominant shares (Jain)`, value: mean((s) => s.jain), unit: '', better: 'higher' },
      { name: `${how}: use of the scarcest resource`, value: 100 * mean((s) => s.used), unit: '%', better: 'higher' },
    ]
  } finally {
    stop.abort()
    await cluster.close()
  }
}

const endsByItself = { 'fake.keelson.dev/task': JSON.stringify({ exitAfterMs: taskMs, exitCode: 0 }) }

async function queueOf(client: Client, clock: ReturnType<typeof virtualClock>, tenant: Tenant, signal: AbortSignal): Promise<void> {
  const { name, weight, requests, tasks } = tenant
  const parts = { client, clock, random: seededRandom(2), log: silentLog, namespace: name, name, weight }
  await startBatchQueue({ ...parts, tasks, image: 'task:1', requests, annotations: endsByItself }, signal)
}

async function pile(client: Client, { name, requests, tasks }: Tenant): Promise<void> {
  const pods = client.resource(kindRefs.coreV1.pods, name)
  for (let i = 0; i < tasks; i++)
    await pods.create({
      metadata: { name: `task-${i}`, annotations: endsByItself },
      spec: { restartPolicy: 'Never', containers: [{ name: 'task', image: 'task:1', resources: { requests: { ...requests } } }] },
    })
}

/** Jain's index of the tenants' weighted dominant shares: 1 where they are equal, 1/n where one has all. */
function sample(pods: readonly Pod[], total: ResourceAmounts): { readonly jain: number; readonly used: number } {
  const running = pods.filter((p) => p.spec?.nodeName && p.status?.phase !== 'Succeeded' && p.status?.phase !== 'Failed')
  const usedBy = (name: string) => totalOf(running.filter((p) => p.metadata.namespace === name).map((p) => podRequests(p)))
  const parts = (amounts: ResourceAmounts) => ['cpu', 'memory'].map((r) => (amounts[r] ?? 0) / total[r]!)
  const shares = tenants.map(({ name, weight }) => Math.max(...parts(usedBy(name))) / weight)
  const sum = shares.reduce((a, b) => a + b, 0)
  const squares = shares.reduce((a, b) => a + b * b, 0)
  return {
    jain: squares === 0 ? 1 : (sum * sum) / (shares.length * squares),
    used: Math.max(...parts(totalOf(running.map((p) => podRequests(p))))),
  }
}

function totalOf(lists: readonly ResourceAmounts[]): ResourceAmounts {
  const sum: ResourceAmounts = {}
  for (const list of lists) for (const name in list) sum[name] = (sum[name] ?? 0) + list[name]!
  return sum
}
