import type { HorizontalPodAutoscalerSpec, HPAScalingRules, MetricSpec } from '../../../../src/kinds/generated/types/autoscaling-v2.ts'
import { merge, podSpec, type Scenario, type ScenarioWorld, untilReady, workload } from '../scenario.ts'
import { atOnce, every, half, hasCondition, looking, memory, reaches, scaled } from './autoscaling.ts'

const cpuAt = (averageUtilization: number) =>
  ({ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } }) as MetricSpec
const containerCpu = {
  type: 'ContainerResource',
  containerResource: { name: 'cpu', container: 'c', target: { type: 'Utilization', averageUtilization: 50 } },
} as MetricSpec
const named = { metric: { name: 'requests', selector: { matchLabels: { verb: 'get' } } } }
const elsewhere = {
  pods: { type: 'Pods', pods: { ...named, target: { type: 'AverageValue', averageValue: '10' } } },
  object: {
    type: 'Object',
    object: { ...named, describedObject: { apiVersion: 'v1', kind: 'Service', name: 'web' }, target: { type: 'Value', value: '10' } },
  },
  external: { type: 'External', external: { ...named, target: { type: 'AverageValue', averageValue: '10' } } },
} as unknown as Readonly<Record<string, MetricSpec>>
const scaleUp = (rules: HPAScalingRules) => ({ ...atOnce, scaleUp: rules })

/** All is as it shall be from then on. */
async function settles(world: ScenarioWorld, replicas: number): Promise<void> {
  await reaches(world, replicas)
  world.metrics.set(world.namespace, () => ({ cpu: '50m', memory: '50Mi' }))
  await world.looks(2)
}

const scaling =
  (from: number, to: number, spec: Partial<HorizontalPodAutoscalerSpec>, cpu: string, use = '50Mi'): Scenario =>
  async (world) => {
    await scaled(world, from, spec, () => ({ cpu, memory: use }))
    await settles(world, to)
  }

const limited = (from: number, to: number, behavior: HorizontalPodAutoscalerSpec['behavior'], maxReplicas = 20): Scenario => {
  const policyOf = (): Partial<HorizontalPodAutoscalerSpec> => ({ metrics: half, maxReplicas, ...(behavior ? { behavior } : {}) })
  return async (world) => {
    await scaled(world, from, policyOf(), every('900Mi'))
    await settles(world, to)
  }
}

/** HorizontalPodAutoscaler: cpu, several metrics, behaviour, targets. */
export const autoscalingMetricScenarios: Readonly<Record<string, Scenario>> = {
  'autoscaler-cpu': scaling(1, 2, { metrics: [cpuAt(50)] }, '100m'),
  'autoscaler-default-metric': scaling(1, 2, {}, '130m'),
  'autoscaler-cpu-and-memory': scaling(
    1,
    3,
    { metrics: [cpuAt(50), memory({ type: 'Utilization', averageUtilization: 50 })] },
    '80m',
    '130Mi',
  ),
  'autoscaler-container-cpu': scaling(1, 2, { metrics: [containerCpu] }, '100m'),
  'autoscaler-cpu-down-memory-stays': looking(2, { metrics: [cpuAt(50), ...half] }, () => ({ cpu: '1m', memory: '50Mi' })),
  'autoscaler-no-pods-metric': async (world) => {
    await scaled(world, 1, { metrics: [elsewhere.pods!] }, every('1Mi'))
    await hasCondition(world, 'ScalingActive', 'False')
  },
  'autoscaler-no-object-metric': async (world) => {
    await scaled(world, 1, { metrics: [elsewhere.object!] }, every('1Mi'))
    await hasCondition(world, 'ScalingActive', 'False')
  },
  'autoscaler-no-external-metric': async (world) => {
    await scaled(world, 1, { metrics: [elsewhere.external!] }, every('1Mi'))
    await hasCondition(world, 'ScalingActive', 'False')
  },
  'autoscaler-one-fails-down': looking(3, { metrics: [...half, elsewhere.external!] }, every('1Mi')),
  'autoscaler-one-fails-up': scaling(1, 2, { metrics: [...half, elsewhere.external!] }, '1m', '100Mi'),
  'autoscaler-least-policy': limited(2, 3, {
    ...atOnce,
    ...scaleUp({
      selectPolicy: 'Min',
      policies: [
        { type: 'Pods', value: 1, periodSeconds: 600 },
        { type: 'Percent', value: 200, periodSeconds: 600 },
      ],
    }),
  }),
  'autoscaler-most-policy': limited(2, 6, {
    ...atOnce,
    ...scaleUp({
      policies: [
        { type: 'Pods', value: 1, periodSeconds: 600 },
        { type: 'Percent', value: 200, periodSeconds: 600 },
      ],
    }),
  }),
  'autoscaler-limit-by-default': limited(1, 5, { scaleUp: { policies: [{ type: 'Pods', value: 4, periodSeconds: 600 }] } }),
  'autoscaler-up-stabilised': looking(1, { metrics: half, behavior: scaleUp({ stabilizationWindowSeconds: 600 }) }, every('90Mi')),
  'autoscaler-no-way-up': looking(1, { metrics: half, behavior: scaleUp({ selectPolicy: 'Disabled' }) }, every('90Mi')),
  'autoscaler-max-lowered': async (world) => {
    await scaled(world, 3, { metrics: half, maxReplicas: 2 }, every('50Mi'))
    await settles(world, 2)
  },
  'autoscaler-min-raised': async (world) => {
    await scaled(world, 1, { metrics: half, minReplicas: 3 }, every('50Mi'))
    await settles(world, 3)
  },
  'autoscaler-no-cpu-request': async (world) => {
    const { clientset, namespace } = world
    await clientset
      .appsV1()
      .deployments(namespace)
      .create({ metadata: { name: 'web' }, spec: workload('web', 1) })
    await untilReady(world, 'app=web', 1)
    world.metrics.set(namespace, every('50Mi'))
    await clientset
      .autoscalingV2()
      .horizontalPodAutoscalers(namespace)
      .create({
        metadata: { name: 'h' },
        spec: { maxReplicas: 2, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, metrics: [cpuAt(50)] },
      })
    await world.looks(2)
  },
  'autoscaler-of-a-statefulset': async (world) => {
    const { clientset, namespace, metrics, until } = world
    const requests = { cpu: '100m', memory: '100Mi' }
    const spec = workload('db', 1)
    const template = { ...spec.template, spec: podSpec('i:1', { containers: [{ name: 'c', image: 'i:1', resources: { requests } }] }) }
    const sets = clientset.appsV1().statefulSets(namespace)
    await sets.create({ metadata: { name: 'db' }, spec: { serviceName: 'db', ...spec, template } })
    await untilReady(world, 'app=db', 1)
    metrics.set(namespace, every('100Mi'))
    await clientset
      .autoscalingV2()
      .horizontalPodAutoscalers(namespace)
      .create({
        metadata: { name: 'h' },
        spec: { maxReplicas: 2, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db' }, metrics: half },
      })
    await until('two', async () => (await sets.get('db')).spec?.replicas === 2)
    metrics.set(namespace, every('50Mi'))
    await world.looks(2)
  },
  'autoscaler-target-goes': async (world) => {
    await scaled(world, 1, { metrics: half }, every('50Mi'))
    await world.looks(1)
    await world.clientset.appsV1().deployments(world.namespace).delete('web')
    await hasCondition(world, 'AbleToScale', 'False')
  },
  'autoscaler-metric-changes': async (world) => {
    await scaled(world, 1, { metrics: half }, every('50Mi'))
    await world.looks(1)
    const autoscalers = world.clientset.autoscalingV2().horizontalPodAutoscalers(world.namespace)
    await autoscalers.patch('h', merge({ spec: { metrics: [cpuAt(50)] } }))
    world.metrics.set(world.namespace, () => ({ cpu: '50m', memory: '1Mi' }))
    await world.looks(2)
  },
}
