// Upstream's scheduler_perf scenarios as data: for the core alone (scheduler.ts) and through the API (scheduler-api.ts).
import type { Pod, PodSpec } from '../src/kinds/generated/types/core-v1.ts'
import { testNode, testPod } from '../src/scheduler/core/fixtures.ts'
import type { SchedulerCore } from '../src/scheduler/core/scheduler-core.ts'

export type Scenario = {
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

export const zoneKey = 'topology.kubernetes.io/zone'
const hostKey = 'kubernetes.io/hostname'
export const small = { cpu: '100m', memory: '128Mi' }
export const web = { app: 'web' }
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

export const scenarios: readonly Scenario[] = [
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
    goal: 20_000,
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
    pods: 5_000,
    goal: 10_000,
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

export function node(i: number, generation = 0) {
  const labels = { [zoneKey]: `zone${i % 3}`, generation: String(generation) }
  return testNode({ name: `node-${i}`, cpu: '4', memory: '32Gi', labels })
}
