import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { pathSegmentName } from '../../machinery/names.ts'
import { quantityMilli } from '../../machinery/quantity.ts'
import { checkNonNegativeQuantity, checkRange, checkRequired, checkRequiredName, type Errors } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { copyField, defineKind } from '../define-kind.ts'
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerSpec,
  HPAScalingRules,
  MetricSpec,
  MetricTarget,
} from '../generated/types/autoscaling-v2.ts'
import { metricsText } from './metrics-text.ts'

const utilizationDefault = 80

export const horizontalPodAutoscalers = defineKind<HorizontalPodAutoscaler>({
  group: 'autoscaling',
  version: 'v2',
  kind: 'HorizontalPodAutoscaler',
  shortNames: ['hpa'],
  categories: ['all'],
  applyDefaults: ({ spec }) => {
    if (!spec) return
    spec.minReplicas ??= 1
    if (!spec.metrics?.length)
      spec.metrics = [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: utilizationDefault } } },
      ]
    if (spec.behavior) {
      spec.behavior.scaleUp = withRuleDefaults(spec.behavior.scaleUp, scaleUpDefaults)
      spec.behavior.scaleDown = withRuleDefaults(spec.behavior.scaleDown, scaleDownDefaults)
    }
  },
  prepareForCreate: (autoscaler) => {
    autoscaler.status = { desiredReplicas: 0 }
  },
  prepareForUpdate: (autoscaler, old) => copyField(autoscaler, old, 'status'),
  validate: ({ spec }) => (spec ? validateAutoscalerSpec(spec) : [fieldErrors.required('spec.maxReplicas')]),
  columns: [
    nameColumn,
    column.string('Reference', ({ spec }) => `${spec?.scaleTargetRef?.kind ?? ''}/${spec?.scaleTargetRef?.name ?? ''}`),
    column.string('Targets', metricsText),
    column.string('MinPods', ({ spec }) => (spec?.minReplicas === undefined ? '<unset>' : String(spec.minReplicas))),
    column.string('MaxPods', ({ spec }) => spec?.maxReplicas ?? 0),
    column.string('Replicas', ({ status }) => status?.currentReplicas ?? 0),
    ageColumn,
  ],
})

const scaleUpDefaults: HPAScalingRules = {
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ],
}
const scaleDownDefaults: HPAScalingRules = { selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] }

function withRuleDefaults(rules: HPAScalingRules | undefined, defaults: HPAScalingRules): HPAScalingRules {
  const merged: HPAScalingRules = { ...defaults }
  for (const [field, value] of Object.entries(rules ?? {})) if (value !== undefined) Object.assign(merged, { [field]: value })
  return { ...merged, policies: merged.policies!.map((p) => ({ ...p })) }
}

function validateAutoscalerSpec(spec: HorizontalPodAutoscalerSpec): FieldError[] {
  const errors: FieldError[] = []
  const { minReplicas } = spec
  const maxReplicas = spec.maxReplicas ?? 0
  if (minReplicas !== undefined && minReplicas < 1)
    errors.push(fieldErrors.invalid('spec.minReplicas', minReplicas, 'must be greater than or equal to 1'))
  if (maxReplicas < 1) errors.push(fieldErrors.invalid('spec.maxReplicas', maxReplicas, 'must be greater than 0'))
  if (minReplicas !== undefined && maxReplicas < minReplicas)
    errors.push(fieldErrors.invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`'))
  checkRequiredName(errors, 'spec.scaleTargetRef.kind', spec.scaleTargetRef?.kind, pathSegmentName)
  checkRequiredName(errors, 'spec.scaleTargetRef.name', spec.scaleTargetRef?.name, pathSegmentName)
  spec.metrics?.forEach((metric, i) => validateMetric(errors, metric, `spec.metrics[${i}]`))
  validateRules(errors, spec.behavior?.scaleUp, 'spec.behavior.scaleUp')
  validateRules(errors, spec.behavior?.scaleDown, 'spec.behavior.scaleDown')
  return errors
}

const metricFields = {
  ContainerResource: 'containerResource',
  External: 'external',
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
} as const

function validateMetric(errors: Errors, metric: MetricSpec, path: string): void {
  if (!checkRequired(errors, `${path}.type`, metric.type, 'must specify a metric source type')) return
  const field = metricFields[metric.type as keyof typeof metricFields]
  if (field === undefined) {
    errors.push(fieldErrors.notSupported(`${path}.type`, metric.type, Object.keys(metricFields)))
    return
  }
  for (const other of Object.values(metricFields))
    if (other !== field && metric[other] !== undefined)
      errors.push(fieldErrors.forbidden(`${path}.${other}`, 'must populate the given metric source only'))
  const source = metric[field]
  if (!source) {
    errors.push(fieldErrors.required(`${path}.${field}`, 'must populate information for the given metric source'))
    return
  }
  const at = `${path}.${field}`
  if ('name' in source) checkRequired(errors, `${at}.name`, source.name, 'must specify a resource name')
  if ('metric' in source) checkRequiredName(errors, `${at}.metric.name`, source.metric?.name, pathSegmentName)
  if ('container' in source) checkRequired(errors, `${at}.container`, source.container, 'must specify a container')
  if ('describedObject' in source) checkRequired(errors, `${at}.describedObject.name`, source.describedObject?.name)
  validateTarget(errors, source.target, `${at}.target`)
}

function validateTarget(errors: Errors, target: MetricTarget | undefined, path: string): void {
  const { type, value, averageValue, averageUtilization } = target ?? {}
  if (!checkRequired(errors, `${path}.type`, type, 'must specify a metric target type')) return
  if (type !== 'Utilization' && type !== 'Value' && type !== 'AverageValue')
    errors.push(fieldErrors.invalid(`${path}.type`, type, 'must be either Utilization, Value, or AverageValue'))
  for (const [field, quantity] of [
    ['value', value],
    ['averageValue', averageValue],
  ] as const)
    if (quantity !== undefined && checkNonNegativeQuantity(errors, `${path}.${field}`, quantity) && quantityMilli(quantity) === 0)
      errors.push(fieldErrors.invalid(`${path}.${field}`, quantity, 'must be positive'))
  if (averageUtilization !== undefined && averageUtilization < 1)
    errors.push(fieldErrors.invalid(`${path}.averageUtilization`, averageUtilization, 'must be greater than 0'))
  if (averageUtilization === undefined && averageValue === undefined && value === undefined)
    errors.push(fieldErrors.required(`${path}.averageUtilization`, 'must set either a target raw value or a target utilization'))
}

const windowSecondsMax = 3600
const periodSecondsMax = 1800

function validateRules(errors: Errors, rules: HPAScalingRules | undefined, path: string): void {
  if (!rules) return
  checkRange(errors, `${path}.stabilizationWindowSeconds`, rules.stabilizationWindowSeconds, 0, windowSecondsMax)
  if (rules.selectPolicy !== undefined && !['Max', 'Min', 'Disabled'].includes(rules.selectPolicy))
    errors.push(fieldErrors.notSupported(`${path}.selectPolicy`, rules.selectPolicy, ['Disabled', 'Max', 'Min']))
  if (rules.policies?.length === 0) errors.push(fieldErrors.required(`${path}.policies`, 'must specify at least one Policy'))
  rules.policies?.forEach((policy, i) => {
    const at = `${path}.policies[${i}]`
    if (policy.type !== 'Pods' && policy.type !== 'Percent')
      errors.push(fieldErrors.notSupported(`${at}.type`, policy.type ?? '', ['Percent', 'Pods']))
    if (!(policy.value > 0)) errors.push(fieldErrors.invalid(`${at}.value`, policy.value ?? 0, 'must be greater than zero'))
    if (!(policy.periodSeconds > 0))
      errors.push(fieldErrors.invalid(`${at}.periodSeconds`, policy.periodSeconds ?? 0, 'must be greater than zero'))
    else if (policy.periodSeconds > periodSecondsMax)
      errors.push(fieldErrors.invalid(`${at}.periodSeconds`, policy.periodSeconds, `must be less than or equal to ${periodSecondsMax}`))
  })
}
