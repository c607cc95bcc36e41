import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec, MetricSpec } from '../generated/types/autoscaling-v2.ts'
import { ago, createErrors, row, updateErrors } from '../kind-test-support.ts'
import { horizontalPodAutoscalersV1 } from './horizontal-pod-autoscaler-v1.ts'
import { horizontalPodAutoscalers } from './horizontal-pod-autoscaler.ts'

const autoscaler = (spec: Partial<HorizontalPodAutoscalerSpec>): HorizontalPodAutoscaler => ({
  metadata: { name: 'x', namespace: 'd', creationTimestamp: ago(60) },
  spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, maxReplicas: 3, ...spec },
})

function check(title: string, metric: object, ...expected: string[]): void {
  test(`metric: ${title}`, () =>
    assert.deepEqual(createErrors(horizontalPodAutoscalers, autoscaler({ metrics: [metric as MetricSpec] })), expected))
}
const average = { type: 'AverageValue', averageValue: '10' }
const cpu = { type: 'Utilization', averageUtilization: 50 }
const at = 'spec.metrics[0]'
check('of a resource', { type: 'Resource', resource: { name: 'cpu', target: cpu } })
check('of pods', { type: 'Pods', pods: { metric: { name: 'rate' }, target: average } })
check(
  'it has a source that is known',
  { type: 'Other' },
  `${at}.type: Unsupported value: "Other": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"`,
  `${at}.type: Unsupported value: "Other": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"`,
)
check(
  'it has the source that it names',
  { type: 'Pods', resource: { name: 'cpu', target: cpu } },
  `${at}.pods: Required value: must populate information for the given metric source`,
)
check(
  'one target of two',
  { type: 'Resource', resource: { name: 'cpu', target: { ...cpu, averageValue: '1' } } },
  `${at}.resource.target.averageValue: Forbidden: may not set both a target raw value and a target utilization`,
)
check(
  'pods have an average',
  { type: 'Pods', pods: { metric: { name: 'rate' }, target: { type: 'Value', value: '0' } } },
  `${at}.pods.target.value: Invalid value: "0": must be positive`,
  `${at}.pods.target.averageValue: Required value: must specify a positive target averageValue`,
)
check(
  'an object is there, and a name',
  { type: 'Object', object: { describedObject: { kind: 'Ingress' }, target: {} } },
  `${at}.object.describedObject.name: Required value`,
  `${at}.object.metric.name: Required value: must specify a metric name`,
  `${at}.object.target.type: Required value: must specify a metric target type`,
  `${at}.object.target.type: Invalid value: "": must be either Utilization, Value, or AverageValue`,
  `${at}.object.target.averageValue: Required value: must set either a target value or averageValue`,
)
check(
  'a container is one',
  { type: 'ContainerResource', containerResource: { name: 'gpu', container: '', target: cpu } },
  `${at}.containerResource.name: Invalid value: "gpu": must be a standard resource type or fully qualified`,
  `${at}.containerResource.name: Invalid value: "gpu": must be a standard resource for containers`,
  `${at}.containerResource.container: Required value: must specify a container`,
)
check(
  'outside ones have one target',
  { type: 'External', external: { metric: { name: 'queue' }, target: { ...average, value: '1' } } },
  `${at}.external.target.value: Forbidden: may not set both a target value for metric and a per-pod target`,
)

test('an autoscaler without replicas may stay so', () => {
  const external = { type: 'External', external: { metric: { name: 'queue' }, target: average } } as MetricSpec
  const zero = autoscaler({ minReplicas: 0, metrics: [external] })
  assert.deepEqual(createErrors(horizontalPodAutoscalers, zero), ['spec.minReplicas: Invalid value: 0: must be greater than or equal to 1'])
  assert.deepEqual(updateErrors(horizontalPodAutoscalers, zero, { ...zero, spec: { ...zero.spec, maxReplicas: 4 } }), [])
  assert.deepEqual(updateErrors(horizontalPodAutoscalers, zero, autoscaler({ minReplicas: 0 })), [
    'spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas',
  ])
})

test('windows are bounded', () => {
  assert.deepEqual(createErrors(horizontalPodAutoscalers, autoscaler({ behavior: { scaleUp: { stabilizationWindowSeconds: 3601 } } })), [
    'spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600',
  ])
})

test('the first version shows every metric', () => {
  const given = {
    metadata: {
      name: 'x',
      creationTimestamp: ago(60),
      annotations: {
        'autoscaling.alpha.kubernetes.io/metrics': JSON.stringify([
          { type: 'Pods', pods: { metricName: 'rate', targetAverageValue: '10' } },
        ]),
      },
    },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      minReplicas: 1,
      maxReplicas: 3,
      targetCPUUtilizationPercentage: 50,
    },
    status: { currentReplicas: 1, desiredReplicas: 1 },
  }
  assert.equal(row(horizontalPodAutoscalersV1, given), 'x ; Deployment/web ; <unknown>/10, cpu: <unknown>/50% ; 1 ; 3 ; 1 ; 60s')
})
