import type { LabelSelector } from '../generated/types/meta-v1.ts'
import type { HorizontalPodAutoscalerSpec, MetricSpec, MetricStatus } from '../generated/types/autoscaling-v2.ts'

/**
 * Metrics and behavior as the annotations of the first version hold them: metrics in the form of that version's own types, the
 * behavior by the names of upstream's Go fields. What does not parse is not there: annotations can be edited by hand.
 */

type Amount = string | number
type Reference = { readonly kind: string; readonly name: string; readonly apiVersion?: string }

/** One type for all sources of the old form, spec and status alike. */
type OldSource = {
  readonly target?: Reference
  readonly name?: string
  readonly container?: string
  readonly metricName?: string
  readonly selector?: LabelSelector
  readonly metricSelector?: LabelSelector
  readonly averageValue?: Amount
  readonly targetValue?: Amount
  readonly targetAverageValue?: Amount
  readonly targetAverageUtilization?: number
  readonly currentValue?: Amount
  readonly currentAverageValue?: Amount
  readonly currentAverageUtilization?: number
}
type Sources<S> = { readonly object?: S; readonly pods?: S; readonly resource?: S; readonly containerResource?: S; readonly external?: S }
export type OldMetric = { readonly type: string } & Sources<OldSource>

const zero = '0'

/** Fields without a value are not written. */
const written = (value: object) => Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined))
const reference = ({ kind, name, apiVersion }: Reference) => written({ kind, name, apiVersion: apiVersion || undefined })

export function oldMetricSpec({ type, object, pods, resource, containerResource: container, external }: MetricSpec): object {
  return written({
    type,
    object: object && {
      target: reference(object.describedObject),
      metricName: object.metric.name,
      targetValue: object.target.value ?? zero,
      ...written({ selector: object.metric.selector, averageValue: object.target.averageValue }),
    },
    pods: pods && {
      metricName: pods.metric.name,
      targetAverageValue: pods.target.averageValue ?? zero,
      ...written({ selector: pods.metric.selector }),
    },
    resource: resource && oldResourceTarget(resource),
    containerResource: container && { ...oldResourceTarget(container), container: container.container },
    external: external && {
      metricName: external.metric.name,
      ...written({
        metricSelector: external.metric.selector,
        targetValue: external.target.value,
        targetAverageValue: external.target.averageValue,
      }),
    },
  })
}

type ResourceSource = NonNullable<MetricSpec['resource']>

const oldResourceTarget = ({ name, target }: ResourceSource) =>
  written({ name, targetAverageUtilization: target.averageUtilization, targetAverageValue: target.averageValue })

export function metricSpecOfOld({ type, object, pods, resource, containerResource: container, external }: OldMetric): MetricSpec {
  return written({
    type,
    object: object && {
      describedObject: object.target,
      metric: written({ name: object.metricName ?? '', selector: object.selector }),
      target:
        object.averageValue === undefined
          ? { type: 'Value', value: object.targetValue }
          : { type: 'AverageValue', averageValue: object.averageValue },
    },
    pods: pods && {
      metric: written({ name: pods.metricName ?? '', selector: pods.selector }),
      target: { type: 'AverageValue', averageValue: pods.targetAverageValue },
    },
    resource: resource && resourceOfOld(resource),
    containerResource: container && { ...resourceOfOld(container), container: container.container ?? '' },
    external: external && {
      metric: written({ name: external.metricName ?? '', selector: external.metricSelector }),
      target:
        external.targetValue === undefined
          ? written({ type: 'AverageValue', averageValue: external.targetAverageValue })
          : written({ type: 'Value', value: external.targetValue, averageValue: external.targetAverageValue }),
    },
  }) as MetricSpec
}

const resourceOfOld = ({ name, targetAverageUtilization: averageUtilization, targetAverageValue: averageValue }: OldSource) => ({
  name: name ?? '',
  target: written({ type: averageUtilization === undefined ? 'AverageValue' : 'Utilization', averageUtilization, averageValue }),
})

export function oldMetricStatus({ type, object, pods, resource, containerResource: container, external }: MetricStatus): object {
  const current = (of: NonNullable<MetricStatus['resource']>) =>
    written({
      name: of.name,
      currentAverageUtilization: of.current.averageUtilization,
      currentAverageValue: of.current.averageValue ?? zero,
    })
  return written({
    type,
    object: object && {
      target: reference(object.describedObject),
      metricName: object.metric.name,
      currentValue: object.current.value ?? zero,
      ...written({ selector: object.metric.selector, averageValue: object.current.averageValue }),
    },
    pods: pods && {
      metricName: pods.metric.name,
      currentAverageValue: pods.current.averageValue ?? zero,
      ...written({ selector: pods.metric.selector }),
    },
    resource: resource && current(resource),
    containerResource: container && { ...current(container), container: container.container },
    external: external && {
      metricName: external.metric.name,
      ...written({ metricSelector: external.metric.selector }),
      currentValue: external.current.value ?? zero,
      ...written({ currentAverageValue: external.current.averageValue }),
    },
  })
}

export function metricStatusOfOld({ type, object, pods, resource, containerResource: container, external }: OldMetric): MetricStatus {
  const current = (of: OldSource) => ({
    name: of.name ?? '',
    current: written({ averageUtilization: of.currentAverageUtilization, averageValue: of.currentAverageValue }),
  })
  return written({
    type,
    object: object && {
      describedObject: object.target,
      metric: written({ name: object.metricName ?? '', selector: object.selector }),
      current: written({ value: object.currentValue, averageValue: object.averageValue }),
    },
    pods: pods && {
      metric: written({ name: pods.metricName ?? '', selector: pods.selector }),
      current: written({ averageValue: pods.currentAverageValue }),
    },
    resource: resource && current(resource),
    containerResource: container && { ...current(container), container: container.container ?? '' },
    external: external && {
      metric: written({ name: external.metricName ?? '', selector: external.metricSelector }),
      current: written({ value: external.currentValue, averageValue: external.currentAverageValue }),
    },
  }) as MetricStatus
}

type Behavior = NonNullable<HorizontalPodAutoscalerSpec['behavior']>
type Rules = NonNullable<Behavior['scaleUp']>

export const oldBehavior = ({ scaleUp, scaleDown }: Behavior) => ({ ScaleUp: oldRules(scaleUp), ScaleDown: oldRules(scaleDown) })

const oldRules = (rules: Rules | undefined) =>
  rules
    ? {
        StabilizationWindowSeconds: rules.stabilizationWindowSeconds ?? null,
        SelectPolicy: rules.selectPolicy ?? null,
        Policies:
          rules.policies?.map(({ type, value, periodSeconds }) => ({ Type: type, Value: value, PeriodSeconds: periodSeconds })) ?? null,
        Tolerance: rules.tolerance ?? null,
      }
    : null

/** Go reads names of fields in any case. */
export function behaviorOfOld(value: unknown): Behavior | undefined {
  const behavior = lowered(value) as Behavior | undefined
  return behavior?.scaleUp || behavior?.scaleDown ? behavior : undefined
}

function lowered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lowered)
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value).filter(([, item]) => item !== null)
  return Object.fromEntries(fields.map(([name, item]) => [`${name[0]?.toLowerCase() ?? ''}${name.slice(1)}`, lowered(item)]))
}
