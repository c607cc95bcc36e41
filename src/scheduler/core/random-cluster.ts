import type { Random } from '../../base/random.ts'
import type { Node, Pod, PodSpec, Taint } from '../../kinds/generated/types/core-v1.ts'
import { testNode, testPod } from './fixtures.ts'

/** Random nodes and pods that use every feature that plugins look at, small enough to collide often. For property tests. */
export function randomNode(random: Random, name: string): Node {
  const labels: Record<string, string> = {}
  if (random.next() < 0.8) labels['topology.kubernetes.io/zone'] = `z${random.below(3)}`
  if (random.next() < 0.5) labels.rack = `r${random.below(4)}`
  if (random.next() < 0.5) labels.disk = random.next() < 0.5 ? 'ssd' : 'hdd'
  const taints: Taint[] = []
  if (random.next() < 0.2) taints.push({ key: 'dedicated', value: `t${random.below(2)}`, effect: 'NoSchedule' })
  if (random.next() < 0.3) taints.push({ key: `soft${random.below(3)}`, effect: 'PreferNoSchedule' })
  return testNode({
    name,
    cpu: `${1 + random.below(8)}`,
    memory: `${1 + random.below(16)}Gi`,
    pods: `${4 + random.below(12)}`,
    labels,
    taints,
    unschedulable: random.next() < 0.05,
    ...(random.next() < 0.3 ? { resources: { 'example.com/gpu': `${random.below(4)}` } } : {}),
    ...(random.next() < 0.3
      ? { images: [{ name: `app${random.below(2)}:latest`, sizeBytes: (1 + random.below(800)) * 1024 * 1024 }] }
      : {}),
  })
}

const topologyKeys = ['topology.kubernetes.io/zone', 'rack', 'kubernetes.io/hostname'] as const

export function randomPod(random: Random, name: string): Pod {
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)]!
  const app = () => `a${random.below(3)}`
  const chance = (p: number) => random.next() < p
  const term = () => ({
    topologyKey: pick(topologyKeys),
    labelSelector: { matchLabels: { app: app() } },
    ...(chance(0.2) ? { namespaceSelector: { matchLabels: { team: 'blue' } } } : {}),
  })
  const weighted = () => ({ weight: 1 + random.below(100), podAffinityTerm: term() })
  const spread = () => ({
    topologyKey: pick(topologyKeys),
    maxSkew: 1 + random.below(2),
    whenUnsatisfiable: chance(0.5) ? ('DoNotSchedule' as const) : ('ScheduleAnyway' as const),
    labelSelector: { matchLabels: { app: app() } },
    ...(chance(0.3) ? { nodeTaintsPolicy: 'Honor' as const } : {}),
    ...(chance(0.3) ? { nodeAffinityPolicy: 'Ignore' as const } : {}),
  })
  const spec: Partial<PodSpec> = {
    ...(chance(0.2) ? { nodeSelector: { disk: 'ssd' } } : {}),
    ...(chance(0.3) ? { tolerations: [{ key: 'dedicated', operator: 'Exists' as const }] } : {}),
    ...(chance(0.35) ? { topologySpreadConstraints: Array.from({ length: 1 + random.below(2) }, spread) } : {}),
    affinity: {
      ...(chance(0.2)
        ? {
            nodeAffinity: {
              preferredDuringSchedulingIgnoredDuringExecution: [
                {
                  weight: 1 + random.below(50),
                  preference: { matchExpressions: [{ key: 'disk', operator: 'In' as const, values: ['ssd'] }] },
                },
              ],
            },
          }
        : {}),
      podAffinity: {
        ...(chance(0.12) ? { requiredDuringSchedulingIgnoredDuringExecution: [term()] } : {}),
        ...(chance(0.2) ? { preferredDuringSchedulingIgnoredDuringExecution: [weighted()] } : {}),
      },
      podAntiAffinity: {
        ...(chance(0.12) ? { requiredDuringSchedulingIgnoredDuringExecution: [term()] } : {}),
        ...(chance(0.2) ? { preferredDuringSchedulingIgnoredDuringExecution: [weighted()] } : {}),
      },
    },
  }
  return testPod({
    name,
    namespace: chance(0.8) ? 'default' : 'other',
    labels: { app: app() },
    ...(chance(0.8)
      ? {
          requests: {
            cpu: `${100 * random.below(10)}m`,
            memory: `${random.below(1024)}Mi`,
            ...(chance(0.1) ? { 'example.com/gpu': '1' } : {}),
          },
        }
      : {}),
    ...(chance(0.1) ? { hostPort: 8000 + random.below(2) } : {}),
    image: `app${random.below(3)}`,
    priority: random.below(4) * 10,
    terminating: chance(0.1),
    ...(chance(0.5) ? { owner: `owner${random.below(3)}` } : {}),
    spec,
  })
}
