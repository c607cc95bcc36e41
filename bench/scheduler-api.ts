// Upstream's scheduler_perf scenarios through the API with the store on disk: API server, scheduler and load in one process, nodes and
// claims as objects. Measured from the first create to the last binding; the CPU is that of all of it, creates and Events included.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTestApi, testUser } from '../src/apiserver/test-api.ts'
import { silentLog } from '../src/base/log.ts'
import type { Client } from '../src/client/contract.ts'
import { kindRefs } from '../src/client/generated/kind-refs.ts'
import { InformerFactory } from '../src/control/informer-factory.ts'
import { createLoopContext } from '../src/control/loop-context.ts'
import type { Pod } from '../src/kinds/generated/types/core-v1.ts'
import { systemClock } from '../src/platform/system-clock.ts'
import { systemRandom } from '../src/platform/system-random.ts'
import { testPod } from '../src/scheduler/core/fixtures.ts'
import { createScheduler, type Scheduler } from '../src/scheduler/loop.ts'
import { openSqliteStore } from '../src/store/sqlite/sqlite-store.ts'
import { collectGarbage, type Figure } from './measure.ts'
import { node, type Scenario, scenarios, small, web, zoneKey } from './scheduler-scenarios.ts'

type ApiScenario = {
  readonly name: string
  readonly pod: (i: number) => Pod
  /** Among so many pods one is meant to find no node; 0: none. */
  readonly unschedulableEvery?: number
  readonly namespaces?: number
  /** What is there before, beside the nodes. */
  readonly prepare?: (world: World) => Promise<void>
  /** Goes on beside the measured pods until the signal. */
  readonly churn?: (world: World, signal: AbortSignal) => Promise<void>
}

type World = { readonly client: Client; readonly scheduler: Scheduler; readonly nodes: number; readonly pods: number }

const parallelMax = 64
/** What waits for a controller; and priorities are given as numbers. */
const withoutAdmission = ['ServiceAccount', 'TaintNodesByCondition', 'StorageObjectInUseProtection', 'Priority']
const { pods, nodes, namespaces, secrets, persistentVolumes, persistentVolumeClaims, services } = kindRefs.coreV1

/** Scenarios of the core whose pods are known by more than their shape, or whose course is another one here. */
const replaced = new Set(['preemption', 'default spread', 'one in ten unschedulable', 'churn of nodes and pods'])
const plain = (i: number) => testPod({ name: `p${i}`, labels: web, requests: small })
const withVolume = (i: number, volume: object): Pod =>
  testPod({ name: `p${i}`, requests: small, spec: { volumes: [{ name: 'v', ...volume }] } })

const apiScenarios: readonly ApiScenario[] = [
  ...scenarios
    .filter(({ name }) => !replaced.has(name))
    .map(({ name, pod, namespaces }: Scenario): ApiScenario => ({ name, pod, ...(namespaces ? { namespaces } : {}) })),
  {
    name: 'default spread',
    pod: plain,
    prepare: async ({ client }) => {
      await client.resource(services, 'default').create({ metadata: { name: 'web' }, spec: { ports: [{ port: 80 }], selector: web } })
    },
  },
  {
    name: 'pods with secrets',
    pod: (i) => withVolume(i, { secret: { secretName: 's' } }),
    prepare: async ({ client }) => {
      await client.resource(secrets, 'default').create({ metadata: { name: 's' } })
    },
  },
  {
    name: 'volumes of claims',
    pod: (i) => withVolume(i, { persistentVolumeClaim: { claimName: `c${i}` } }),
    prepare: (world) => makeClaims(world, {}),
  },
  {
    name: 'volumes of claims, CSI, in a zone',
    pod: (i) => withVolume(i, { persistentVolumeClaim: { claimName: `c${i}` } }),
    prepare: (world) => makeClaims(world, { isCsi: true }),
  },
  {
    name: 'preemption',
    pod: (i) => testPod({ name: `p${i}`, requests: { cpu: '3', memory: '500Mi' }, priority: 100 }),
    prepare: async (world) => {
      const low = (i: number) =>
        testPod({ name: `low${i}`, requests: { cpu: '900m', memory: '500Mi' }, priority: 1, spec: { terminationGracePeriodSeconds: 0 } })
      const before = world.scheduler.metrics.boundCount
      await inParallel(world.nodes * 4, (i) => createPod(world.client, low(i)))
      await untilBound(world, before + world.nodes * 4)
    },
  },
  {
    name: 'one in ten unschedulable',
    pod: (i) => (i % 10 === 0 ? testPod({ name: `p${i}`, requests: { cpu: '64' } }) : plain(i)),
    unschedulableEvery: 10,
  },
  {
    name: 'gated pods beside',
    pod: plain,
    prepare: ({ client, pods: count }) =>
      inParallel(count * 2, (i) =>
        createPod(client, testPod({ name: `gated${i}`, requests: small, spec: { schedulingGates: [{ name: 'example.com/wait' }] } })),
      ),
  },
  { name: 'churn of nodes, pods and services', pod: plain, churn },
]

/** `only`: those whose name has it. */
export async function throughApi({
  nodes,
  isQuick,
  only = '',
}: {
  readonly nodes: number
  readonly isQuick: boolean
  readonly only?: string
}): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const scenario of apiScenarios.filter(({ name }) => name.includes(only)))
    figures.push(...(await measure(scenario, { nodes, pods: isQuick ? 400 : 5_000 })))
  return figures
}

async function measure(scenario: ApiScenario, size: { readonly nodes: number; readonly pods: number }): Promise<Figure[]> {
  const dir = mkdtempSync(join(tmpdir(), 'keelson-bench-'))
  const parts = { clock: systemClock, random: systemRandom, log: silentLog }
  const store = await openSqliteStore({ dir, ...parts })
  const { api, client } = await createTestApi({ ...parts, store, freezesObjects: false, withoutAdmission })
  const stop = new AbortController()
  // The server's loops read without managed fields, and pods by views that are parsed when they are read.
  const informers = new InformerFactory({ client: api.clientFor(testUser, { isLean: true }), ...parts })
  const scheduler = createScheduler({ context: createLoopContext({ component: 'default-scheduler', client, informers, ...parts }) })
  informers.start(stop.signal)
  const running = scheduler.run(stop.signal)
  try {
    const world: World = { client, scheduler, ...size }
    for (let i = 0; i < (scenario.namespaces ?? 0); i++)
      await client.resource(namespaces).create({ metadata: { name: `team-${i}`, labels: { team: 'devops' } } })
    await inParallel(size.nodes, (i) => createNode(client, i))
    await scenario.prepare?.(world)
    const churning = new AbortController()
    const churned = scenario.churn?.(world, churning.signal)
    const bound = scheduler.metrics.boundCount
    const expected = size.pods - (scenario.unschedulableEvery ? Math.ceil(size.pods / scenario.unschedulableEvery) : 0)
    collectGarbage()
    const startedMs = performance.now()
    const cpuBefore = process.cpuUsage()
    await inParallel(size.pods, (i) => createPod(client, scenario.pod(i)))
    await untilBound(world, bound + expected)
    const seconds = (performance.now() - startedMs) / 1_000
    const cpu = process.cpuUsage(cpuBefore)
    churning.abort()
    await churned
    return [
      { name: scenario.name, value: expected / seconds, unit: 'pods/s', goal: 2_000, better: 'higher' },
      { name: `${scenario.name}, CPU`, value: (cpu.user + cpu.system) / size.pods, unit: 'µs/pod', better: 'lower' },
    ]
  } finally {
    stop.abort()
    await running
    await informers.ended()
    await api.close()
    await store.close()
    rmSync(dir, { recursive: true })
  }
}

async function inParallel(count: number, work: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const worker = async () => {
    for (let i = next++; i < count; i = next++) await work(i)
  }
  await Promise.all(Array.from({ length: parallelMax }, worker))
}

async function untilBound({ scheduler }: World, count: number): Promise<void> {
  for (let i = 0; scheduler.metrics.boundCount < count; i++) {
    if (i > 120_000) throw new Error(`${scheduler.metrics.boundCount} of ${count} pods were bound in ten minutes`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

async function createNode(client: Client, i: number): Promise<void> {
  const wanted = node(i)
  const created = await client.resource(nodes).create(wanted)
  await client.resource(nodes).updateStatus({ ...created, status: wanted.status! })
}

async function createPod(client: Client, { metadata: { name = '', namespace = 'default', labels }, ...rest }: Pod): Promise<void> {
  await client.resource(pods, namespace).create({ ...rest, metadata: { name, namespace, ...(labels ? { labels } : {}) } })
}

/** Claims that are bound already, each to a volume of its own. */
async function makeClaims({ client, pods: count }: World, { isCsi = false }: { readonly isCsi?: boolean }): Promise<void> {
  const spec = { accessModes: ['ReadWriteOnce' as const], storageClassName: '' }
  const { accessModes } = spec
  await inParallel(count, async (i) => {
    const zone = { nodeSelectorTerms: [{ matchExpressions: [{ key: zoneKey, operator: 'In' as const, values: [`zone${i % 3}`] }] }] }
    await client.resource(persistentVolumes).create({
      metadata: { name: `v${i}` },
      spec: {
        ...spec,
        capacity: { storage: '1Gi' },
        claimRef: { namespace: 'default', name: `c${i}` },
        ...(isCsi
          ? { csi: { driver: 'example.com', volumeHandle: `v${i}` }, nodeAffinity: { required: zone } }
          : { hostPath: { path: '/v' } }),
      },
    })
    const claim = await client.resource(persistentVolumeClaims, 'default').create({
      metadata: { name: `c${i}`, annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } },
      spec: { ...spec, volumeName: `v${i}`, resources: { requests: { storage: '1Gi' } } },
    })
    await client
      .resource(persistentVolumeClaims, 'default')
      .updateStatus({ ...claim, status: { phase: 'Bound', accessModes, capacity: { storage: '1Gi' } } })
  })
}

/** A node, a pod that fits nowhere and a Service come and go again and again. */
async function churn({ client, nodes: first }: World, signal: AbortSignal): Promise<void> {
  for (let i = 0; !signal.aborted && i < 100_000; i++) {
    await createNode(client, first + i)
    await createPod(client, testPod({ name: `churn${i}`, requests: { cpu: '64' } }))
    await client.resource(services, 'default').create({ metadata: { name: `churn${i}` }, spec: { ports: [{ port: 80 }], selector: web } })
    await client.resource(services, 'default').delete(`churn${i}`)
    await client.resource(pods, 'default').delete(`churn${i}`, { gracePeriodSeconds: 0 })
    await client.resource(nodes).delete(node(first + i).metadata.name!)
  }
}
