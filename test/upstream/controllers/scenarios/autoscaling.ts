import type { HorizontalPodAutoscalerSpec, MetricSpec } from '../../../../src/kinds/generated/types/autoscaling-v2.ts'
import type { Usage } from '../pod-metrics.ts'
import { merge, podSpec, type Scenario, type ScenarioWorld, untilReady } from '../scenario.ts'

export const memory = (target: object): MetricSpec => ({ type: 'Resource', resource: { name: 'memory', target } }) as MetricSpec
export const half = [memory({ type: 'Utilization', averageUtilization: 50 })]
const at = (value: string) => [memory({ type: 'AverageValue', averageValue: value })]
/** As upstream does where nothing holds it back. */
export const atOnce = { scaleDown: { stabilizationWindowSeconds: 0 } }

export async function scaled(
  world: ScenarioWorld,
  replicas: number,
  spec: Partial<HorizontalPodAutoscalerSpec>,
  usage: Usage,
): Promise<void> {
  const { clientset, namespace, metrics } = world
  const requests = { memory: '100Mi', cpu: '100m' }
  await clientset
    .appsV1()
    .deployments(namespace)
    .create({
      metadata: { name: 'web' },
      spec: {
        replicas,
        selector: { matchLabels: { app: 'web' } },
        template: {
          metadata: { labels: { app: 'web' } },
          spec: podSpec('i:1', { containers: [{ name: 'c', image: 'i:1', resources: { requests } }] }),
        },
      },
    })
  await untilReady(world, 'app=web', replicas)
  metrics.set(namespace, usage)
  await clientset
    .autoscalingV2()
    .horizontalPodAutoscalers(namespace)
    .create({
      metadata: { name: 'h' },
      spec: {
        minReplicas: 1,
        maxReplicas: 4,
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
        behavior: atOnce,
        ...spec,
      },
    })
}

export const every =
  (use: string): Usage =>
  () => ({ memory: use })

export const looking =
  (replicas: number, spec: Partial<HorizontalPodAutoscalerSpec>, usage: Usage): Scenario =>
  async (world) => {
    await scaled(world, replicas, spec, usage)
    await world.looks(2)
  }

/** Until the workload is told to have so many. */
export async function reaches({ clientset, namespace, until }: ScenarioWorld, replicas: number): Promise<void> {
  const deployments = clientset.appsV1().deployments(namespace)
  await until(`${replicas} replicas`, async () => (await deployments.get('web')).spec?.replicas === replicas)
}

export async function hasCondition({ clientset, namespace, until }: ScenarioWorld, type: string, status: string): Promise<void> {
  const autoscalers = clientset.autoscalingV2().horizontalPodAutoscalers(namespace)
  await until(`${type} ${status}`, async () => {
    const { conditions = [] } = (await autoscalers.get('h')).status ?? {}
    return conditions.some((condition) => condition.type === type && condition.status === status)
  })
}

/** HorizontalPodAutoscaler on what the pods use of memory. */
export const autoscalingScenarios: Readonly<Record<string, Scenario>> = {
  'autoscaler-up': async (world) => {
    await scaled(world, 1, { metrics: half }, every('100Mi'))
    await reaches(world, 2)
    world.metrics.set(world.namespace, every('50Mi'))
    await world.looks(2)
  },
  'autoscaler-down': async (world) => {
    await scaled(world, 3, { metrics: half }, every('20Mi'))
    await reaches(world, 2)
    world.metrics.set(world.namespace, every('50Mi'))
    await world.looks(2)
  },
  'autoscaler-tolerance': looking(2, { metrics: half }, every('54Mi')),
  'autoscaler-tolerance-own': async (world) => {
    await scaled(
      world,
      2,
      { metrics: half, behavior: { ...atOnce, scaleUp: { tolerance: '0.05' } } as HorizontalPodAutoscalerSpec['behavior'] },
      every('54Mi'),
    )
    await reaches(world, 4)
    await world.looks(2)
  },
  'autoscaler-max': async (world) => {
    await scaled(world, 2, { metrics: half, maxReplicas: 3 }, every('400Mi'))
    await reaches(world, 3)
    await world.looks(2)
  },
  'autoscaler-min': looking(2, { metrics: half, minReplicas: 2 }, every('1Mi')),
  'autoscaler-stabilised': looking(3, { metrics: half, behavior: {} }, every('10Mi')),
  'autoscaler-step-up': async (world) => {
    const behavior = { scaleUp: { policies: [{ type: 'Pods' as const, value: 1, periodSeconds: 600 }] } }
    await scaled(world, 1, { metrics: half, behavior }, every('400Mi'))
    await reaches(world, 2)
    await world.looks(2)
  },
  'autoscaler-step-down': async (world) => {
    const behavior = {
      scaleDown: { stabilizationWindowSeconds: 0, policies: [{ type: 'Percent' as const, value: 25, periodSeconds: 600 }] },
    }
    await scaled(world, 4, { metrics: half, behavior }, every('1Mi'))
    await reaches(world, 3)
    await world.looks(2)
  },
  'autoscaler-no-way-down': looking(
    3,
    { metrics: half, behavior: { scaleDown: { stabilizationWindowSeconds: 0, selectPolicy: 'Disabled' } } },
    every('1Mi'),
  ),
  'autoscaler-average-value': async (world) => {
    await scaled(world, 1, { metrics: at('50Mi') }, every('100Mi'))
    await reaches(world, 2)
    world.metrics.set(world.namespace, every('50Mi'))
    await world.looks(2)
  },
  'autoscaler-two-metrics': async (world) => {
    await scaled(
      world,
      1,
      {
        metrics: [
          ...at('200Mi'),
          {
            type: 'ContainerResource',
            containerResource: { name: 'memory', container: 'c', target: { type: 'AverageValue', averageValue: '50Mi' } },
          },
        ],
      },
      every('100Mi'),
    )
    await reaches(world, 2)
    world.metrics.set(world.namespace, every('50Mi'))
    await world.looks(2)
  },
  'autoscaler-no-container': looking(
    1,
    {
      metrics: [
        {
          type: 'ContainerResource',
          containerResource: { name: 'memory', container: 'other', target: { type: 'AverageValue', averageValue: '50Mi' } },
        },
      ],
    },
    every('100Mi'),
  ),
  'autoscaler-no-request': looking(
    1,
    {
      metrics: [{ type: 'Resource', resource: { name: 'ephemeral-storage', target: { type: 'Utilization', averageUtilization: 50 } } }],
    } as Partial<HorizontalPodAutoscalerSpec>,
    every('100Mi'),
  ),
  'autoscaler-no-metrics': looking(1, { metrics: half }, () => undefined),
  'autoscaler-one-good': looking(
    2,
    { metrics: [...half, { type: 'External', external: { metric: { name: 'm' }, target: { type: 'Value', value: '1' } } }] },
    every('50Mi'),
  ),
  'autoscaler-missing-pods': async (world) => {
    let measured: string | undefined
    await scaled(world, 2, { metrics: half }, (pod) => ((measured ??= pod) === pod ? { memory: '90Mi' } : undefined))
    await world.looks(2)
  },
  'autoscaler-stopped': async (world) => {
    await scaled(world, 1, { metrics: half }, every('50Mi'))
    await world.looks(2)
    await world.clientset
      .appsV1()
      .deployments(world.namespace)
      .patch('web', merge({ spec: { replicas: 0 } }))
    await hasCondition(world, 'ScalingActive', 'False')
  },
  'autoscaler-no-target': async (world) => {
    const { clientset, namespace } = world
    await clientset
      .autoscalingV2()
      .horizontalPodAutoscalers(namespace)
      .create({
        metadata: { name: 'h' },
        spec: { maxReplicas: 2, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } },
      })
    await hasCondition(world, 'AbleToScale', 'False')
  },
}
