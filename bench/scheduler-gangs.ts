// Groups of pods (PodGroups with the gang policy) that are placed together, by the scheduler's own code: queue, groups, core, and the record
// that explanations are made of. No API objects on the wire, no binding; victims leave at once.
import { silentLog } from '../src/base/log.ts'
import { seededRandom } from '../src/base/random.ts'
import type { Client } from '../src/client/contract.ts'
import type { Informer } from '../src/client/informer-contract.ts'
import type { LoopContext } from '../src/control/contract.ts'
import type { Pod } from '../src/kinds/generated/types/core-v1.ts'
import type { PodGroup } from '../src/kinds/generated/types/scheduling-v1alpha2.ts'
import { keyOf } from '../src/machinery/object.ts'
import { systemClock } from '../src/platform/system-clock.ts'
import { ClusterObserver, type SchedulerInformers } from '../src/scheduler/cluster-observer.ts'
import { testPod } from '../src/scheduler/core/fixtures.ts'
import { type SharedCluster, sharedCluster } from '../src/scheduler/core/scheduler-core.ts'
import { SchedulerCore } from '../src/scheduler/core/scheduler-core.ts'
import { Snapshot } from '../src/scheduler/core/snapshot.ts'
import { Gangs, groupKeyOf } from '../src/scheduler/gang/gangs.ts'
import { Placer } from '../src/scheduler/placer.ts'
import { allPlugins } from '../src/scheduler/plugins/all.ts'
import { SchedulingQueue } from '../src/scheduler/queue.ts'
import { SchedulerMetrics } from '../src/scheduler/scheduler-metrics.ts'
import { fixedInformer } from '../src/scheduler/what-if/cluster-view.ts'
import { emptyView } from '../src/scheduler/what-if/empty-view.ts'
import { PlannedClaims } from '../src/scheduler/what-if/planned-claims.ts'
import { plannedPodPlugins } from '../src/scheduler/what-if/planned-pod-plugins.ts'
import { type Figure, percentile } from './measure.ts'
import { node, small, zoneKey } from './scheduler-scenarios.ts'

const rackKey = 'example.com/rack'
const nodesPerRack = 40

type Scenario = {
  readonly name: string
  readonly pods: number
  readonly size: number
  readonly goal: number
  /** All of a group in one domain of this label. */
  readonly key?: string
  readonly requests?: (member: number, gang: number) => Readonly<Record<string, string>>
  /** Weak pods that are there before. */
  readonly weak?: number
  /** Whether the group finds no place. */
  readonly isTooLarge?: (gang: number) => boolean
}

const scenarios: readonly Scenario[] = [
  ...[8, 32, 128].map((size) => ({ name: `gangs of ${size}`, pods: 40_000, size, goal: 20_000 })),
  {
    name: 'gangs of 32, a leader and workers',
    pods: 40_000,
    size: 32,
    goal: 20_000,
    requests: (member) => (member === 0 ? { cpu: '500m', memory: '1Gi' } : small),
  },
  {
    name: 'gangs of 32, 50 kinds of them',
    pods: 40_000,
    size: 32,
    goal: 20_000,
    requests: (_, gang) => ({ cpu: `${100 + (gang % 50)}m`, memory: '128Mi' }),
  },
  { name: 'gangs of 32, one zone each', pods: 40_000, size: 32, goal: 20_000, key: zoneKey },
  { name: 'gangs of 8, one rack of 40 nodes each', pods: 20_000, size: 8, goal: 20_000, key: rackKey, requests: () => ({ cpu: '900m' }) },
  {
    name: 'gangs of 128, one rack of 40 nodes each',
    pods: 15_000,
    size: 128,
    goal: 20_000,
    key: rackKey,
    requests: () => ({ cpu: '900m' }),
  },
  { name: 'gangs of 32, one in ten finds no place', pods: 40_000, size: 32, goal: 20_000, isTooLarge: (gang) => gang % 10 === 0 },
  { name: 'gangs of 8 that push out weaker pods', pods: 4_000, size: 8, goal: 2_000, weak: 20_000, requests: () => ({ cpu: '3' }) },
]

export function gangFigures(isQuick: boolean): Figure[] {
  const nodes = isQuick ? 1_000 : 5_000
  return scenarios.flatMap((scenario) => {
    // The first decisions meet uncompiled code: they are not measured.
    run(scenario, nodes / 5, 0.05)
    return run(scenario, nodes, isQuick ? 0.2 : 1)
  })
}

function run(scenario: Scenario, nodes: number, scale: number): Figure[] {
  const gangCount = Math.floor((scenario.pods * scale) / scenario.size)
  const gangs = Array.from({ length: gangCount }, (_, gang) => membersOf(scenario, gang))
  const groups = gangs.map((_, gang): PodGroup => {
    const constraints = scenario.key === undefined ? {} : { schedulingConstraints: { topology: [{ key: scenario.key }] } }
    return {
      metadata: { name: `g${gang}`, namespace: 'default' },
      spec: { schedulingPolicy: { gang: { minCount: scenario.size } }, ...constraints },
    }
  })
  const world = newWorld(gangs.flat(), groups)
  const { snapshot } = world.cluster
  for (let i = 0; i < nodes; i++) snapshot.setNode(rackedNode(i))
  const weak = Math.round((scenario.weak ?? 0) * (nodes / 5_000))
  for (let i = 0; i < weak; i++)
    snapshot.addPod(`default/low${i}`, testPod({ name: `low${i}`, requests: { cpu: '900m' }, priority: 1 }), `node-${i % nodes}`)
  const micros: number[] = []
  const startedMs = performance.now()
  const cpuBefore = process.cpuUsage()
  for (const members of gangs) {
    for (const pod of members) world.queue.put(keyOf(pod), { pod, shape: snapshot.shapeOf(pod), mayHelp: true })
    const beganMs = performance.now()
    for (let queued = world.queue.pop(); queued; queued = world.queue.pop()) world.gangs.schedule(groupKeyOf(queued.pod)!, queued)
    const each = ((performance.now() - beganMs) * 1000) / members.length
    for (let i = 0; i < members.length; i++) micros.push(each)
  }
  const seconds = (performance.now() - startedMs) / 1000
  const cpu = process.cpuUsage(cpuBefore)
  world.queue.close()
  const decided = micros.length
  micros.sort((a, b) => a - b)
  return [
    { name: scenario.name, value: decided / seconds, unit: 'pods/s', goal: scenario.goal, better: 'higher' },
    {
      name: `${scenario.name}, p99`,
      value: percentile(micros, 99),
      unit: 'µs/pod',
      ...(scenario.weak ? {} : { goal: 100 }),
      better: 'lower',
    },
    { name: `${scenario.name}, CPU`, value: (cpu.user + cpu.system) / decided, unit: 'µs/pod', better: 'lower' },
    { name: `${scenario.name}, placed`, value: (100 * world.placed()) / decided, unit: '%', better: 'higher' },
  ]
}

function membersOf({ size, requests, isTooLarge }: Scenario, gang: number): readonly Pod[] {
  return Array.from({ length: size }, (_, i) =>
    testPod({
      name: `g${gang}-${i}`,
      labels: { app: 'gang' },
      owner: `job${gang}`,
      requests: isTooLarge?.(gang) ? { cpu: '64' } : (requests?.(i, gang) ?? small),
      priority: 100,
      spec: { schedulingGroup: { podGroupName: `g${gang}` } },
    }),
  )
}

function rackedNode(i: number) {
  const plain = node(i)
  return {
    ...plain,
    metadata: { ...plain.metadata, labels: { ...plain.metadata.labels, [rackKey]: `rack${Math.floor(i / nodesPerRack)}` } },
  }
}

/** What of the scheduler places groups, without the API. */
function newWorld(pods: readonly Pod[], groups: readonly PodGroup[]) {
  const cluster: SharedCluster = sharedCluster(new Snapshot())
  const { snapshot, nominations } = cluster
  const random = seededRandom(1)
  const clock = systemClock
  const context: LoopContext = {
    ...{ client: {} as Client, clock, random, log: silentLog, extensionKinds: () => [], event: () => {}, eventsWritten: async () => {} },
    informer: () => fixedInformer([]),
  }
  const queue = new SchedulingQueue({ clock, onReady: () => {} })
  const filters = new Set(allPlugins.map((p) => p.name))
  const observer = new ClusterObserver({ cluster, queue, isOurs: () => true, filtersOf: () => filters })
  const claims = new PlannedClaims([], [])
  const profile = {
    core: new SchedulerCore({ plugins: allPlugins, random, cluster }),
    podPlugins: plannedPodPlugins({ view: emptyView, snapshot, claims, random }),
    filters,
    preempts: true,
    relieves: false,
  }
  const none = <T extends object>() => fixedInformer([]) as unknown as Informer<T & { metadata: object }>
  const sources = { services: none(), replicaSets: none(), statefulSets: none(), replicationControllers: none() }
  const placer = new Placer({
    ...{ context, cluster, observer, metrics: new SchedulerMetrics(), recordsMax: 1 << 16 },
    informers: sources as unknown as SchedulerInformers,
    profiles: new Map([['default-scheduler', profile]]),
  })
  let placed = 0
  const gangs = new Gangs({
    ...{ snapshot, nominations, queue, placer, pods: fixedInformer(pods), groups: fixedInformer(groups) },
    preemptor: { budgets: () => [] },
    commit: ({ attempt }) => {
      placed++
      nominations.delete(attempt.queued.key)
    },
    ask: () => undefined,
    hold: () => () => {},
    isStillPending: () => true,
    onFailed: () => Promise.resolve(),
    track: () => {},
    onMisfit: () => {},
    park: (queued, { plugins }) => queue.park(queued, plugins),
    onTried: () => {},
    evict: (rooms) => {
      for (const { asked, nodeName, victims } of rooms)
        nominations.set({ ...asked.target, nodeName, leaving: new Set(victims.map((v) => v.key)) })
      for (const { key } of rooms.flatMap((room) => room.victims)) {
        const entry = snapshot.removePod(key)
        for (const waiting of entry ? nominations.settle(entry.nodeName, key) : []) queue.activate(waiting)
      }
    },
  })
  return { cluster, queue, gangs, placed: () => placed }
}
