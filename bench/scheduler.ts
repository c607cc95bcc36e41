// The scheduler's core alone (no API objects on the wire, no binding), in the shape of upstream's scheduler_perf scenarios.
// Every node is evaluated exactly in every decision.
import { createTestApi } from '../src/apiserver/test-api.ts'
import { silentLog } from '../src/base/log.ts'
import { seededRandom } from '../src/base/random.ts'
import { kindRefs } from '../src/client/generated/kind-refs.ts'
import { InformerFactory } from '../src/control/informer-factory.ts'
import { createLoopContext } from '../src/control/loop-context.ts'
import type { Pod, PodSpec } from '../src/kinds/generated/types/core-v1.ts'
import { testNode, testPod } from '../src/scheduler/core/fixtures.ts'
import { systemClock } from '../src/platform/system-clock.ts'
import { SchedulerCore } from '../src/scheduler/core/scheduler-core.ts'
import { createScheduler } from '../src/scheduler/loop.ts'
import { allPlugins } from '../src/scheduler/plugins/all.ts'
import type { SuiteOptions } from './main.ts'
import { type Figure, percentile, report } from './measure.ts'
import { deviceFigures } from './scheduler-devices.ts'

type Scenario = {
  readonly name: string
  readonly pods: number
  /** Decisions a second. */
  readonly goal: number
  /** Pods that are there before, by index. */
  readonly before?: { readonly count: number; readonly pod: (i: number) => Pod }
  readonly pod: (i: number) => Pod
  readonly defaultSpread?: boolean
  /** How many namespaces `team-0`, `team-1`, … there are, all of one team. */
  readonly namespaces?: number
  /** What happens before each measured decision. */
  readonly churn?: (core: SchedulerCore, i: number) => void
  /** Pods that fit nowhere are diagnosed and may preempt, as the loop does. */
  readonly diagnoses?: boolean
}

const zoneKey = 'topology.kubernetes.io/zone'
const hostKey = 'kubernetes.io/hostname'
const small = { cpu: '100m', memory: '128Mi' }
const web = { app: 'web' }
/** `isWide`: over all namespaces of a team, as upstream's scenarios with namespace selectors have it. */
const affinity = (
  kind: 'podAffinity' | 'podAntiAffinity',
  topologyKey: string,
  app: string,
  { isPreferred = false, isWide = false } = {},
): Partial<PodSpec> => {
  const selector = isWide ? { namespaceSelector: { matchLabels: { team: 'devops' } } } : {}
  const term = { topologyKey, labelSelector: { matchLabels: { app } }, ...selector }
  return {
    affinity: {
      [kind]: isPreferred
        ? { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: term }] }
        : { requiredDuringSchedulingIgnoredDuringExecution: [term] },
    },
  }
}
const spread = (topologyKey: string, whenUnsatisfiable: 'DoNotSchedule' | 'ScheduleAnyway'): Partial<PodSpec> => ({
  topologySpreadConstraints: [{ topologyKey, maxSkew: 1, whenUnsatisfiable, labelSelector: { matchLabels: web } }],
})
const pod = (extra: Partial<Parameters<typeof testPod>[0]>) => (i: number) =>
  testPod({ name: `p${i}`, labels: web, requests: small, ...extra })

const scenarios: readonly Scenario[] = [
  { name: 'basic', pods: 50_000, goal: 100_000, pod: pod({}) },
  {
    name: 'node affinity',
    pods: 20_000,
    goal: 20_000,
    pod: pod({
      spec: {
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchExpressions: [{ key: zoneKey, operator: 'In', values: ['zone1', 'zone2'] }] }],
            },
          },
        },
      },
    }),
  },
  { name: 'pod affinity, zone', pods: 20_000, goal: 20_000, pod: pod({ spec: affinity('podAffinity', zoneKey, 'web') }) },
  {
    name: 'pod anti-affinity, host',
    pods: 4_000,
    goal: 20_000,
    pod: pod({ spec: affinity('podAntiAffinity', hostKey, 'web') }),
  },
  {
    name: 'anti-affinity, 100 groups',
    pods: 20_000,
    goal: 5_000,
    pod: (i) => pod({ labels: { app: `g${i % 100}` }, spec: affinity('podAntiAffinity', hostKey, `g${i % 100}`) })(i),
  },
  {
    name: 'preferred pod affinity',
    pods: 20_000,
    goal: 20_000,
    pod: pod({ spec: affinity('podAffinity', zoneKey, 'web', { isPreferred: true }) }),
  },
  {
    name: 'preferred anti-affinity, host',
    pods: 20_000,
    goal: 20_000,
    pod: pod({ spec: affinity('podAntiAffinity', hostKey, 'web', { isPreferred: true }) }),
  },
  ...(['podAffinity', 'podAntiAffinity'] as const).flatMap((kind) =>
    [false, true].map((isPreferred) => ({
      name: `${isPreferred ? 'preferred ' : ''}${kind === 'podAffinity' ? 'affinity' : 'anti-affinity'}, 100 namespaces`,
      pods: kind === 'podAntiAffinity' && !isPreferred ? 4_000 : 20_000,
      goal: 20_000,
      namespaces: 100,
      pod: (i: number) =>
        pod({
          namespace: `team-${i % 100}`,
          spec: affinity(kind, kind === 'podAffinity' ? zoneKey : hostKey, 'web', { isPreferred, isWide: true }),
        })(i),
    })),
  ),
  {
    name: 'daemon set',
    pods: 5_000,
    goal: 20_000,
    pod: (i) =>
      pod({
        owner: 'daemon-set',
        spec: {
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [`node-${i}`] }] }],
              },
            },
          },
        },
      })(i),
  },
  { name: 'spread hard, zone', pods: 20_000, goal: 20_000, pod: pod({ spec: spread(zoneKey, 'DoNotSchedule') }) },
  { name: 'spread soft, zone', pods: 20_000, goal: 20_000, pod: pod({ spec: spread(zoneKey, 'ScheduleAnyway') }) },
  { name: 'spread hard, host', pods: 20_000, goal: 20_000, pod: pod({ spec: spread(hostKey, 'DoNotSchedule') }) },
  { name: 'default spread', pods: 50_000, goal: 20_000, pod: pod({}), defaultSpread: true },
  {
    name: '500 shapes interleaved',
    pods: 20_000,
    goal: 5_000,
    pod: (i) => pod({ labels: { app: `s${i % 500}` }, requests: { cpu: `${100 + (i % 500)}m`, memory: '128Mi' } })(i),
  },
  {
    name: 'preemption',
    pods: 2_000,
    goal: 2_000,
    before: { count: 20_000, pod: (i) => testPod({ name: `low${i}`, requests: { cpu: '900m', memory: '500Mi' }, priority: 1 }) },
    pod: pod({ requests: { cpu: '3', memory: '500Mi' }, priority: 100 }),
    diagnoses: true,
  },
  {
    name: 'one in ten unschedulable',
    pods: 10_000,
    goal: 2_000,
    pod: (i) => pod(i % 10 === 0 ? { requests: { cpu: '64' }, labels: { app: 'huge' } } : {})(i),
    diagnoses: true,
  },
  {
    name: 'churn of nodes and pods',
    pods: 20_000,
    goal: 20_000,
    pod: pod({}),
    churn: (core, i) => {
      if (i % 10 === 0) core.snapshot.setNode(node(i % 1_000, i))
      if (i > 5_000) core.snapshot.removePod(`default/p${i - 5_000}`)
    },
  },
]

function node(i: number, generation = 0) {
  const labels = { [zoneKey]: `zone${i % 3}`, generation: String(generation) }
  return testNode({ name: `node-${i}`, cpu: '4', memory: '32Gi', labels })
}

export async function schedulerSuite({ isQuick }: SuiteOptions): Promise<void> {
  const nodes = isQuick ? 1_000 : 5_000
  report(
    `scheduler core, ${nodes} nodes`,
    scenarios.flatMap((scenario) => {
      // The first decisions meet uncompiled code: they are not measured.
      run(scenario, nodes / 5, 0.05)
      return run(scenario, nodes, isQuick ? 0.1 : 1)
    }),
  )
  report('scheduler core, pods with devices', deviceFigures(isQuick))
  report(`scheduler, start among ${nodes * 30} pods`, [coldStart(nodes)])
  report('scheduler through the API (same process, memory store)', await throughApi({ nodes: nodes / 5, pods: isQuick ? 500 : 5_000 }))
}

/** From the first object of the informers to a snapshot that is ready, for pods of 100 workloads. */
function coldStart(nodes: number): Figure {
  const core = new SchedulerCore({ plugins: allPlugins, random: seededRandom(1) })
  const pods = Array.from({ length: nodes * 30 }, (_, i) =>
    testPod({
      name: `p${i}`,
      labels: { app: `a${i % 100}` },
      requests: small,
      owner: `rs${i % 100}`,
      spec: { nodeName: `node-${i % nodes}` },
    }),
  )
  const all = Array.from({ length: nodes }, (_, i) => node(i))
  const startedMs = performance.now()
  for (const n of all) core.snapshot.setNode(n)
  for (const p of pods) core.snapshot.addPod(`default/${p.metadata.name}`, p, p.spec!.nodeName!)
  return { name: 'cold start', value: performance.now() - startedMs, unit: 'ms', goal: 250, better: 'lower' }
}

/** Pods that wait already when the scheduler starts: watch, decide, bind, condition, event. */
async function throughApi({ nodes, pods }: { nodes: number; pods: number }): Promise<Figure[]> {
  const [clock, random, log] = [systemClock, seededRandom(1), silentLog]
  const { client } = await createTestApi({ clock, random })
  const resource = client.resource(kindRefs.coreV1.pods, 'default')
  for (let i = 0; i < nodes; i++) {
    const wanted = node(i)
    const created = await client.resource(kindRefs.coreV1.nodes).create(wanted)
    await client.resource(kindRefs.coreV1.nodes).updateStatus({ ...created, status: wanted.status! })
  }
  for (let i = 0; i < pods; i++) {
    const { metadata, ...rest } = testPod({ name: `p${i}`, labels: web, requests: small })
    await resource.create({ ...rest, metadata: { name: metadata.name!, namespace: 'default', labels: metadata.labels! } })
  }
  const stop = new AbortController()
  const informers = new InformerFactory({ client, clock, random, log })
  const scheduler = createScheduler({
    context: createLoopContext({ component: 'default-scheduler', client, informers, clock, random, log }),
  })
  informers.start(stop.signal)
  const startedMs = performance.now()
  const cpuBefore = process.cpuUsage()
  const running = scheduler.run(stop.signal)
  while (scheduler.metrics.boundCount < pods) await new Promise((resolve) => setTimeout(resolve, 5))
  const seconds = (performance.now() - startedMs) / 1000
  const cpu = process.cpuUsage(cpuBefore)
  stop.abort()
  await running
  await informers.ended()
  return [
    { name: 'bound', value: pods / seconds, unit: 'pods/s', goal: 2_000, better: 'higher' },
    { name: 'cpu a pod, API server included', value: (cpu.user + cpu.system) / 1000 / pods, unit: 'ms', better: 'lower' },
  ]
}

function run(scenario: Scenario, nodes: number, scale: number): Figure[] {
  const core = new SchedulerCore({ plugins: allPlugins, random: seededRandom(1) })
  for (let i = 0; i < nodes; i++) core.snapshot.setNode(node(i))
  for (let i = 0; i < (scenario.namespaces ?? 0); i++) core.snapshot.setNamespace(`team-${i}`, { team: 'devops' })
  const before = Math.round((scenario.before?.count ?? 0) * (nodes / 5_000))
  for (let i = 0; i < before; i++) core.snapshot.addPod(`default/low${i}`, scenario.before!.pod(i), `node-${i % nodes}`)
  const pods = Array.from({ length: Math.round(scenario.pods * scale) }, (_, i) => scenario.pod(i))
  const defaultSpread = { key: 'app=web', matches: (l: Readonly<Record<string, string>>) => l.app === 'web' }
  const micros = new Float64Array(pods.length)
  const startedMs = performance.now()
  const cpuBefore = process.cpuUsage()
  for (let i = 0; i < pods.length; i++) {
    scenario.churn?.(core, i)
    const beganMs = performance.now()
    const target = {
      key: `default/p${i}`,
      pod: pods[i]!,
      priority: pods[i]!.spec?.priority ?? 0,
      ...(scenario.defaultSpread ? { defaultSpread } : {}),
    }
    const decision = core.decide(target)
    if (decision.kind === 'Placed') core.snapshot.addPod(target.key, target.pod, core.snapshot.nodeName(decision.row))
    else if (scenario.diagnoses) preempt(core, target)
    micros[i] = (performance.now() - beganMs) * 1000
  }
  const seconds = (performance.now() - startedMs) / 1000
  const cpu = process.cpuUsage(cpuBefore)
  const sorted = [...micros].sort((a, b) => a - b)
  return [
    { name: scenario.name, value: pods.length / seconds, unit: 'pods/s', goal: scenario.goal, better: 'higher' },
    { name: `${scenario.name}, p99`, value: percentile(sorted, 99), unit: 'µs', better: 'lower' },
    { name: `${scenario.name}, CPU`, value: (cpu.user + cpu.system) / pods.length, unit: 'µs/pod', better: 'lower' },
  ]
}

/** Victims leave at once, and the pod takes their place. */
function preempt(core: SchedulerCore, target: { key: string; pod: Pod; priority: number }): void {
  const { candidate } = core.preempt(target, core.diagnose(target), [])
  if (!candidate) return
  for (const victim of candidate.victims) core.snapshot.removePod(victim.key)
  core.snapshot.addPod(target.key, target.pod, core.snapshot.nodeName(candidate.row))
}
