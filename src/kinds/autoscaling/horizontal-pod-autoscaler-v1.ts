import { ageColumn, column, nameColumn } from '../columns.ts'
import { defineKind } from '../define-kind.ts'
import type { HorizontalPodAutoscaler as AutoscalerV1 } from '../generated/types/autoscaling-v1.ts'
import type { HorizontalPodAutoscaler, MetricSpec, MetricStatus } from '../generated/types/autoscaling-v2.ts'
import { horizontalPodAutoscalers } from './horizontal-pod-autoscaler.ts'
import { metricsText } from './metrics-text.ts'
import {
  behaviorOfOld,
  metricSpecOfOld,
  metricStatusOfOld,
  type OldMetric,
  oldBehavior,
  oldMetricSpec,
  oldMetricStatus,
} from './old-metrics.ts'

/** What v1 cannot say travels in these annotations, as JSON. */
const annotations = {
  metrics: 'autoscaling.alpha.kubernetes.io/metrics',
  currentMetrics: 'autoscaling.alpha.kubernetes.io/current-metrics',
  conditions: 'autoscaling.alpha.kubernetes.io/conditions',
  behavior: 'autoscaling.alpha.kubernetes.io/behavior',
} as const

/** The first version, which knows one metric: the share of the requested CPU. Stored as v2. */
export const horizontalPodAutoscalersV1 = defineKind<AutoscalerV1>({
  group: 'autoscaling',
  version: 'v1',
  kind: 'HorizontalPodAutoscaler',
  shortNames: ['hpa'],
  categories: ['all'],
  storedAs: { version: 'v2', toStored, fromStored: (object) => fromStored(object as HorizontalPodAutoscaler) },
  applyDefaults: ({ spec }) => {
    if (spec) spec.minReplicas ??= 1
  },
  prepareForCreate: (autoscaler) => {
    autoscaler.status = { currentReplicas: 0, desiredReplicas: 0 }
  },
  prepareForUpdate: (autoscaler, old) => {
    if (old.status) autoscaler.status = old.status
    else delete autoscaler.status
  },
  validate: (autoscaler, old) => {
    return horizontalPodAutoscalers.validate?.(toStored(autoscaler), old && toStored(old)) ?? []
  },
  validateStatusUpdate: (autoscaler, old) => horizontalPodAutoscalers.validateStatusUpdate?.(toStored(autoscaler), toStored(old)) ?? [],
  columns: [
    nameColumn,
    column.string('Reference', ({ spec }) => `${spec?.scaleTargetRef?.kind ?? ''}/${spec?.scaleTargetRef?.name ?? ''}`),
    column.string('Targets', (autoscaler) => metricsText(toStored({ ...autoscaler, metadata: autoscaler.metadata ?? {} }))),
    column.string('MinPods', ({ spec }) => (spec?.minReplicas === undefined ? '<unset>' : String(spec.minReplicas))),
    column.string('MaxPods', ({ spec }) => spec?.maxReplicas ?? 0),
    column.string('Replicas', ({ status }) => status?.currentReplicas ?? 0),
    ageColumn,
  ],
})

function toStored({ metadata, spec, status }: AutoscalerV1): HorizontalPodAutoscaler {
  const { targetCPUUtilizationPercentage: utilization, ...rest } = spec ?? ({} as AutoscalerV1['spec'])
  const kept = metadata.annotations ?? {}
  const cpu: MetricSpec[] =
    utilization === undefined
      ? []
      : [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: utilization } } }]
  const behavior = behaviorOfOld(parsed(kept[annotations.behavior]))
  const metrics = [...(parsed<OldMetric[]>(kept[annotations.metrics]) ?? []).map(metricSpecOfOld), ...cpu]
  const stored: HorizontalPodAutoscaler = {
    kind: 'HorizontalPodAutoscaler',
    apiVersion: 'autoscaling/v2',
    metadata: withoutConversionAnnotations(metadata),
    spec: { ...rest, ...(metrics.length ? { metrics } : {}), ...(behavior ? { behavior } : {}) },
  }
  horizontalPodAutoscalers.applyDefaults?.(stored)
  if (!status) return stored
  const { currentCPUUtilizationPercentage: current, currentReplicas, ...others } = status
  const counts = { ...(currentReplicas ? { currentReplicas } : {}), ...others }
  const currentCpu: MetricStatus[] =
    current === undefined ? [] : [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: current } } }]
  // What the annotation holds says more than the share that the first version knows.
  const currentMetrics = parsed<OldMetric[]>(kept[annotations.currentMetrics])?.map(metricStatusOfOld) ?? currentCpu
  const conditions = parsed<NonNullable<HorizontalPodAutoscaler['status']>['conditions']>(kept[annotations.conditions])
  stored.status = { ...counts, ...(currentMetrics.length ? { currentMetrics } : {}), ...(conditions ? { conditions } : {}) }
  return stored
}

function fromStored({ metadata, spec, status }: HorizontalPodAutoscaler): AutoscalerV1 {
  const { metrics = [], behavior, ...rest } = spec ?? ({} as HorizontalPodAutoscaler['spec'])
  const cpu = metrics.find((m) => m.resource?.name === 'cpu' && m.resource.target.averageUtilization !== undefined)
  const others = metrics.filter((m) => m !== cpu)
  const { currentMetrics: shown, conditions, ...counts } = status ?? { desiredReplicas: 0 }
  const currentMetrics = shown ?? []
  const currentCpu = currentMetrics.find((m) => m.resource?.name === 'cpu' && m.resource.current.averageUtilization !== undefined)
  const extra: Record<string, string> = {}
  if (others.length) extra[annotations.metrics] = JSON.stringify(others.map(oldMetricSpec))
  if (currentMetrics.length) extra[annotations.currentMetrics] = JSON.stringify(currentMetrics.map(oldMetricStatus))
  if (conditions?.length) extra[annotations.conditions] = JSON.stringify(conditions)
  if (behavior) extra[annotations.behavior] = JSON.stringify(oldBehavior(behavior))
  const utilization = cpu?.resource?.target.averageUtilization
  const current = currentCpu?.resource?.current.averageUtilization
  return {
    kind: 'HorizontalPodAutoscaler',
    apiVersion: 'autoscaling/v1',
    metadata: Object.keys(extra).length ? { ...metadata, annotations: { ...metadata.annotations, ...extra } } : metadata,
    spec: { ...rest, ...(utilization === undefined ? {} : { targetCPUUtilizationPercentage: utilization }) },
    status: { currentReplicas: 0, ...counts, ...(current === undefined ? {} : { currentCPUUtilizationPercentage: current }) },
  }
}

function withoutConversionAnnotations(metadata: AutoscalerV1['metadata']): AutoscalerV1['metadata'] {
  const names: readonly string[] = Object.values(annotations)
  if (!metadata.annotations || !names.some((n) => n in metadata.annotations!)) return metadata
  const kept = Object.fromEntries(Object.entries(metadata.annotations).filter(([key]) => !names.includes(key)))
  const { annotations: _, ...rest } = metadata
  return Object.keys(kept).length ? { ...rest, annotations: kept } : rest
}

/** Annotations can be edited by hand: what does not parse is not there. */
function parsed<V>(text: string | undefined): V | undefined {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text) as V
  } catch {
    return undefined
  }
}
