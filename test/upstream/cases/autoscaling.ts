/** HorizontalPodAutoscalers in both versions, and how one becomes the other. */
import { type Case, create, creations, merged, namespaced, patch, read, replace, titled, updates } from '../upstream-case.ts'

const v2 = namespaced('autoscaling/v2', 'horizontalpodautoscalers')
const v1 = namespaced('autoscaling/v1', 'horizontalpodautoscalers')
const plain = {
  metadata: { name: 'h' },
  spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' }, maxReplicas: 3 },
}
const spec = (value: object) => ({ spec: value })
const metrics = (...all: object[]) => spec({ metrics: all })
const value = { type: 'Value', value: '2' }
const average = { type: 'AverageValue', averageValue: '1500m' }
const utilization = { type: 'Utilization', averageUtilization: 60 }
const resource = (target: object, name = 'memory') => ({ type: 'Resource', resource: { name, target } })
const container = (target: object, more: object = {}) => ({
  type: 'ContainerResource',
  containerResource: { name: 'cpu', container: 'c', target, ...more },
})
const pods = (target: object) => ({ type: 'Pods', pods: { metric: { name: 'm', selector: { matchLabels: { a: 'b' } } }, target } })
const described = { kind: 'Service', name: 's' }
const object = (target: object) => ({ type: 'Object', object: { describedObject: described, metric: { name: 'm' }, target } })
const external = (target: object) => ({ type: 'External', external: { metric: { name: 'm' }, target } })
const policy = { type: 'Pods', value: 4, periodSeconds: 60 }
const behavior = (scaleUp: object, scaleDown: object = {}) => spec({ behavior: { scaleUp, scaleDown } })
const targets = {
  value,
  average,
  utilization,
  nothing: {},
  everything: { ...value, ...average, ...utilization },
  'an unknown type': { type: 'X', value: '1' },
}
const sources = { resource, container, pods, object, external }

const created = creations(v2, plain, {
  'the least': {},
  'no spec': { spec: null },
  'no target': spec({ scaleTargetRef: null }),
  'a target that is none': spec({ scaleTargetRef: { apiVersion: 'a/b/c', kind: 'A/b', name: '..' } }),
  'a target without a version': spec({ scaleTargetRef: { apiVersion: null } }),
  'no bounds': spec({ maxReplicas: null }),
  'bounds below zero': spec({ minReplicas: -1, maxReplicas: -1 }),
  'bounds the wrong way round': spec({ minReplicas: 5 }),
  'down to zero': spec({ minReplicas: 0 }),
  'down to zero by an external metric': merged(metrics(external(value)), spec({ minReplicas: 0 })),
  'a metric without anything': metrics({}),
  'a metric of an unknown type': metrics({ type: 'Guess' }),
  'a metric of two types': metrics({ ...resource(utilization), ...pods(average), type: 'Pods' }),
  'a metric without its source': metrics({ type: 'Pods', resource: { name: 'cpu', target: utilization } }),
  'a metric without a name': metrics({ type: 'Pods', pods: { metric: {}, target: average } }),
  'a metric whose name is none': metrics({ type: 'External', external: { metric: { name: 'a/b' }, target: value } }),
  'a metric whose selector is none': metrics({
    type: 'External',
    external: { metric: { name: 'm', selector: { matchExpressions: [{ key: 'a', operator: 'Is' }] } }, target: value },
  }),
  'a resource without a name': metrics({ type: 'Resource', resource: { target: utilization } }),
  'a container without a name': metrics(container(utilization, { container: '' }), container(utilization, { container: 'A_', name: '' })),
  'an object without a kind': metrics({ type: 'Object', object: { metric: { name: 'm' }, target: value } }),
  'amounts below zero': metrics(
    resource({ type: 'Utilization', averageUtilization: -1 }),
    pods({ type: 'AverageValue', averageValue: '-1' }),
    object({ type: 'Value', value: '0' }),
  ),
  ...Object.fromEntries(
    Object.entries(sources).flatMap(([source, make]) =>
      Object.entries(targets).map(([target, one]) => [`${source} by ${target}`, metrics(make(one))]),
    ),
  ),
  'behavior without anything': behavior({}),
  'behavior with policies': behavior(
    { policies: [policy], selectPolicy: 'Min', stabilizationWindowSeconds: 30 },
    { policies: [{ ...policy, type: 'Percent' }], tolerance: '0.2' },
  ),
  'behavior that is none': behavior(
    { selectPolicy: 'Guess', stabilizationWindowSeconds: -1, policies: [{ type: 'Cups', value: 0, periodSeconds: 0 }, {}] },
    {
      stabilizationWindowSeconds: 3601,
      policies: [
        { ...policy, periodSeconds: 1801 },
        { ...policy, value: -1 },
      ],
    },
  ),
  'a tolerance below zero': behavior({ tolerance: '-1' }, { tolerance: '0' }),
  'a status that is given': { status: { desiredReplicas: 4, currentReplicas: 3 } },
  'several things wrong': spec({
    minReplicas: -1,
    maxReplicas: 0,
    scaleTargetRef: { kind: '' },
    metrics: [{ type: '' }],
    behavior: { scaleUp: { selectPolicy: 'x' } },
  }),
})

const status = {
  observedGeneration: 1,
  currentReplicas: 2,
  desiredReplicas: 3,
  conditions: [{ type: 'AbleToScale', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z', reason: 'r', message: 'm' }],
  currentMetrics: [
    { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 40, averageValue: '200m' } } },
    { type: 'Pods', pods: { metric: { name: 'm' }, current: { averageValue: '3' } } },
  ],
}
const full = merged(plain, {
  metadata: { annotations: { mine: 'x' } },
  spec: {
    minReplicas: 2,
    metrics: [resource(utilization, 'cpu'), resource(average), pods(average), object(value), external(value), container(utilization)],
    behavior: { scaleUp: { policies: [policy] }, scaleDown: { stabilizationWindowSeconds: 5 } },
  },
})
const oldForm = (change: object) => merged(plain, { spec: change })

const conversions: Case[] = [
  {
    name: 'all of the second version as the first',
    steps: [create(v2, full), read(`${v1}/h`), patch('merge', `${v2}/h/status`, { status }), read(`${v1}/h`)],
  },
  {
    name: 'written back in the first version',
    given: [create(v2, full)],
    steps: [
      patch('merge', `${v1}/h`, { spec: { maxReplicas: 7 } }),
      read(`${v2}/h`),
      patch('merge', `${v1}/h`, { metadata: { annotations: null } }),
      read(`${v2}/h`),
    ],
  },
  {
    name: 'made in the first version',
    steps: [
      create(v1, oldForm({ targetCPUUtilizationPercentage: 70 })),
      read(`${v2}/h`),
      replace(`${v1}/h`, oldForm({ targetCPUUtilizationPercentage: 30, minReplicas: 2 })),
      read(`${v2}/h`),
    ],
  },
  {
    name: 'annotations that are none',
    steps: [
      create(
        v1,
        merged(plain, {
          metadata: {
            annotations: { 'autoscaling.alpha.kubernetes.io/metrics': 'x' },
          },
        }),
      ),
      read(`${v2}/h`),
    ],
  },
  ...titled(
    'first version',
    creations(v1, plain, {
      'the least': {},
      'a percentage of zero': spec({ targetCPUUtilizationPercentage: 0 }),
      'a percentage below zero': spec({ targetCPUUtilizationPercentage: -1 }),
      'no bounds': spec({ maxReplicas: null }),
    }),
  ),
]

export const cases: readonly Case[] = [
  ...created,
  ...titled(
    'changed',
    updates(v2, plain, {
      'other bounds': spec({ maxReplicas: 9 }),
      'to zero': spec({ minReplicas: 0 }),
      'a status': { status: { desiredReplicas: 4 } },
    }),
  ),
  ...titled(
    'status',
    updates(
      v2,
      plain,
      { 'one that is': { status, spec: { maxReplicas: 9 } }, 'below zero': { status: { currentReplicas: -1, desiredReplicas: -1 } } },
      'status',
    ),
  ),
  ...conversions,
]
