import type {
  HorizontalPodAutoscaler,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
} from '../generated/types/autoscaling-v2.ts'

const shownMax = 2
const fields = ['containerResource', 'external', 'object', 'pods', 'resource'] as const

/** `cpu: 20%/80%, 10/20 + 1 more...`: what is measured against what is aimed at. */
export function metricsText({ spec, status }: HorizontalPodAutoscaler): string {
  const metrics = spec?.metrics ?? []
  if (metrics.length === 0) return '<none>'
  const texts = metrics.map((metric, i) => metricText(metric, status?.currentMetrics?.[i]))
  const shown = texts.slice(0, shownMax).join(', ')
  return texts.length > shownMax ? `${shown} + ${texts.length - shownMax} more...` : shown
}

function metricText(metric: MetricSpec, status: MetricStatus | undefined): string {
  const field = fields.find((f) => metric[f] !== undefined)
  const source = field && metric[field]
  if (!source) return '<unknown type>'
  const label = 'name' in source ? `${source.name}: ` : ''
  const target = source.target ?? {}
  const average = (field === 'external' || field === 'object') && target.averageValue !== undefined ? ' (avg)' : ''
  return `${label}${currentText(target, status?.[field]?.current)}/${targetText(target)}${average}`
}

function targetText({ averageUtilization, averageValue, value }: Partial<MetricTarget>): string {
  if (averageValue !== undefined) return String(averageValue)
  if (averageUtilization !== undefined) return `${averageUtilization}%`
  return value === undefined ? '<auto>' : String(value)
}

function currentText({ averageUtilization, averageValue }: Partial<MetricTarget>, current: MetricValueStatus | undefined): string {
  if (averageValue !== undefined) return String(current?.averageValue ?? '<unknown>')
  if (averageUtilization !== undefined) return current?.averageUtilization === undefined ? '<unknown>' : `${current.averageUtilization}%`
  return String(current?.value ?? '<unknown>')
}
