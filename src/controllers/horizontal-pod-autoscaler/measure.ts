import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type {
  HorizontalPodAutoscaler,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
} from '../../kinds/generated/types/autoscaling-v2.ts'
import type { LabelSelector } from '../../kinds/generated/types/meta-v1.ts'
import { formatSelector, selectorFrom } from '../../machinery/label-selector.ts'
import { formatQuantity, type QuantityFormat, quantityMilli, quantityOfMilli } from '../../machinery/quantity.ts'
import type { MetricsApi } from './metrics-api.ts'
import {
  averageReplicas,
  type Failure,
  perReplicaReplicas,
  type Proposal,
  type Starting,
  type Tolerance,
  utilizationReplicas,
  valueReplicas,
} from './replica-count.ts'

export type Target = {
  readonly pods: readonly Pod[]
  /** As the scale tells it. */
  readonly selector: string
  readonly currentReplicas: number
  readonly statusReplicas: number
  readonly tolerance: Tolerance
  readonly starting?: Starting
}

/** What one metric asks for. */
export type Measured =
  | { readonly replicas: number; readonly name: string; readonly status: MetricStatus }
  | { readonly reason: string; readonly error: string; readonly summary: string }

const defaultTolerance = 0.1

export function toleranceOf({ spec }: HorizontalPodAutoscaler, byDefault = defaultTolerance): Tolerance {
  const { scaleUp, scaleDown } = spec.behavior ?? {}
  const read = (quantity: string | number | undefined) => (quantity === undefined ? byDefault : quantityMilli(quantity) / 1000)
  return { up: read(scaleUp?.tolerance), down: read(scaleDown?.tolerance) }
}

/** Asks the metrics API for one metric of an autoscaler, and works out the replicas. Never throws. */
export async function measure(api: MetricsApi, metric: MetricSpec, target: Target, nowMs: number): Promise<Measured> {
  switch (metric.type) {
    case 'Resource':
      return measureResource(api, metric, target, nowMs)
    case 'ContainerResource':
      return measureResource(api, metric, target, nowMs)
    case 'Pods':
      return measurePods(api, metric, target, nowMs)
    case 'Object':
      return measureObject(api, metric, target)
    case 'External':
      return measureExternal(api, metric, target)
    default: {
      const error = `unknown metric source type ${JSON.stringify(metric.type)}`
      return { reason: 'InvalidMetricSourceType', error, summary: error }
    }
  }
}

async function attempt(work: () => Promise<Proposal | Failure>, wrap: (error: string) => string): Promise<Proposal | Failure> {
  try {
    const result = await work()
    return 'error' in result ? { error: wrap(result.error) } : result
  } catch (error) {
    return { error: wrap((error as Error).message) }
  }
}

async function measureResource(api: MetricsApi, metric: MetricSpec, target: Target, nowMs: number): Promise<Measured> {
  const { containerResource } = metric
  const source = containerResource ?? metric.resource!
  const { name: resource, target: wanted } = source
  const reason = containerResource ? 'FailedGetContainerResourceMetric' : 'FailedGetResourceMetric'
  const failed = (error: string): Measured => ({
    reason,
    error,
    summary: `failed to get ${containerResource ? `${containerResource.container} container` : `${resource} resource`} metric value: ${error}`,
  })
  const { averageValue, averageUtilization } = wanted
  if (averageValue === undefined && averageUtilization === undefined)
    return failed('invalid resource metric source: neither an average utilization target nor an average value (usage) target was set')
  const found = await attempt(
    async () => {
      const metrics = await api.resource(resource, target.selector, containerResource?.container).catch((error: Error) => {
        throw new Error(`unable to get metrics for resource ${resource}: ${error.message}`, { cause: error })
      })
      const observed = { ...target, metrics, resource }
      return averageValue === undefined
        ? utilizationReplicas({ ...observed, targetPercent: averageUtilization ?? 0, container: containerResource?.container }, nowMs)
        : averageReplicas({ ...observed, targetMilli: quantityMilli(averageValue) }, nowMs)
    },
    (error) => `failed to get ${resource} ${averageValue === undefined ? 'utilization' : 'usage'}: ${error}`,
  )
  if ('error' in found) return failed(found.error)
  // As a metrics server writes memory.
  const current = currentOf(found, wanted, resource === 'memory' ? 'BinarySI' : 'DecimalSI')
  const words = averageValue === undefined ? ' utilization (percentage of request)' : ''
  const kind = containerResource && averageValue === undefined ? 'container resource' : 'resource'
  return {
    replicas: found.replicas,
    name: `${resource} ${kind}${words}`,
    status: containerResource
      ? { type: 'ContainerResource', containerResource: { container: containerResource.container, name: resource, current } }
      : { type: 'Resource', resource: { name: resource, current } },
  }
}

async function measurePods(api: MetricsApi, { pods }: MetricSpec, target: Target, nowMs: number): Promise<Measured> {
  const { metric, target: wanted } = pods!
  const found = await attempt(
    async () => {
      const metrics = await api.pods(metric.name, target.selector, selectorText(metric.selector)).catch((error: Error) => {
        throw new Error(`unable to get metric ${metric.name}: ${error.message}`, { cause: error })
      })
      return averageReplicas({ ...target, metrics, resource: '', targetMilli: quantityMilli(wanted.averageValue ?? 0) }, nowMs)
    },
    (error) => error,
  )
  if ('error' in found)
    return { reason: 'FailedGetPodsMetric', error: found.error, summary: `failed to get pods metric value: ${found.error}` }
  const current = currentOf(found, { type: 'AverageValue' })
  return { replicas: found.replicas, name: `pods metric ${metric.name}`, status: { type: 'Pods', pods: { metric, current } } }
}

async function measureObject(api: MetricsApi, { object }: MetricSpec, target: Target): Promise<Measured> {
  const { metric, describedObject, target: wanted } = object!
  const failed = (error: string): Measured => ({
    reason: 'FailedGetObjectMetric',
    error,
    summary: `failed to get object metric value: ${error}`,
  })
  if (wanted.type !== 'Value' && wanted.type !== 'AverageValue')
    return failed('invalid object metric source: neither a value target nor an average value target was set')
  const isAverage = wanted.type === 'AverageValue'
  const found = await attempt(
    async () => {
      const valueMilli = await api.object(metric.name, describedObject, selectorText(metric.selector)).catch((error: Error) => {
        // Upstream's own order of words.
        const about = `${describedObject.kind} on ${api.namespace} ${describedObject.name}/${error.message}`
        throw new Error(`unable to get metric ${metric.name}: ${about}`, { cause: error })
      })
      return singleValue(wanted, target, valueMilli)
    },
    (error) => (isAverage ? `failed to get ${metric.name} object metric: ${error}` : error),
  )
  if ('error' in found) return failed(found.error)
  return {
    replicas: found.replicas,
    name: isAverage ? `external metric ${metric.name}(${selectorWords(metric.selector)})` : `${describedObject.kind} metric ${metric.name}`,
    status: { type: 'Object', object: { metric, describedObject, current: currentOf(found, wanted) } },
  }
}

async function measureExternal(api: MetricsApi, { external }: MetricSpec, target: Target): Promise<Measured> {
  const { metric, target: wanted } = external!
  const failed = (error: string, told = error): Measured => ({
    reason: 'FailedGetExternalMetric',
    error,
    summary: `failed to get ${metric.name} external metric value: ${told}`,
  })
  const isAverage = wanted.averageValue !== undefined
  if (!isAverage && wanted.value === undefined)
    return failed('invalid external metric source: neither a value target nor an average value target was set')
  const found = await attempt(
    async () =>
      singleValue(
        isAverage ? { ...wanted, type: 'AverageValue' } : wanted,
        target,
        await api.external(metric.name, selectorText(metric.selector)).catch((error: Error) => {
          const about = `${api.namespace}/${metric.name}/${selectorWords(metric.selector)}`
          throw new Error(`unable to get external metric ${about}: ${error.message}`, { cause: error })
        }),
      ),
    (error) => error,
  )
  if ('error' in found) {
    const words = isAverage ? `failed to get ${metric.name} external metric` : `failed to get external metric ${metric.name}`
    return failed(found.error, `${words}: ${found.error}`)
  }
  return {
    replicas: found.replicas,
    name: `external metric ${metric.name}(${selectorWords(metric.selector)})`,
    status: { type: 'External', external: { metric, current: currentOf(found, isAverage ? { type: 'AverageValue' } : { type: 'Value' }) } },
  }
}

function singleValue(wanted: MetricTarget, target: Target, valueMilli: number): Proposal | Failure {
  return wanted.type === 'AverageValue'
    ? perReplicaReplicas({ ...target, valueMilli, targetMilli: quantityMilli(wanted.averageValue ?? 0) })
    : valueReplicas({ ...target, valueMilli, targetMilli: quantityMilli(wanted.value ?? 0) })
}

function currentOf(
  { averageMilli, utilizationPercent }: Proposal,
  wanted: MetricTarget,
  format: QuantityFormat = 'DecimalSI',
): MetricValueStatus {
  const amount = formatQuantity(quantityOfMilli(averageMilli, format))
  if (wanted.type === 'Value') return { value: amount }
  return { averageValue: amount, ...(utilizationPercent === undefined ? {} : { averageUtilization: utilizationPercent }) }
}

const selectorText = (selector: LabelSelector | undefined) => (selector ? formatSelector(selectorFrom(selector)) : '')

/** Go's form of a label selector in a sentence. */
function selectorWords(selector: LabelSelector | undefined): string {
  if (!selector) return 'nil'
  const labels = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => `${key}:${value},`)
  return `&LabelSelector{MatchLabels:map[string]string{${labels.map((l) => l.replace(':', ': ')).join('')}},MatchExpressions:[]LabelSelectorRequirement{},}`
}
