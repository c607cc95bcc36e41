import { fieldErrors } from '../../machinery/field-error.ts'
import { dns1123Label, pathSegmentName } from '../../machinery/names.ts'
import { quantityMilli } from '../../machinery/quantity.ts'
import { unreachable } from '../../base/assert.ts'
import { checkQuantity, checkRequired, checkRequiredName, type Errors } from '../checks.ts'
import { validateContainerResourceName } from '../core/pod-template/validate-resources.ts'
import type { MetricSpec, MetricTarget } from '../generated/types/autoscaling-v2.ts'

const sources = {
  ContainerResource: 'containerResource',
  External: 'external',
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
} as const
type Source = (typeof sources)[keyof typeof sources]

/** In the order in which upstream looks at them: of several the first is judged. */
const order = ['object', 'external', 'pods', 'resource', 'containerResource'] as const

/** One metric: the source that its type names and no other, and a target that this source can be held against. */
export function validateMetric(errors: Errors, metric: MetricSpec, path: string): void {
  const unsupported = () => errors.push(fieldErrors.notSupported(`${path}.type`, metric.type ?? '', Object.keys(sources)))
  checkRequired(errors, `${path}.type`, metric.type, 'must specify a metric source type')
  const expected = sources[metric.type as keyof typeof sources] as Source | undefined
  if (expected === undefined) unsupported()
  const present = order.filter((source) => metric[source] !== undefined)
  if (present[0]) validateSource(errors, metric, present[0], `${path}.${present[0]}`)
  if (expected === undefined) unsupported()
  else if (!metric[expected])
    errors.push(fieldErrors.required(`${path}.${expected}`, 'must populate information for the given metric source'))
  if (present.length === 1) return
  for (const other of present)
    if (other !== expected) errors.push(fieldErrors.forbidden(`${path}.${other}`, 'must populate the given metric source only'))
}

/** The group of an `apiVersion` as upstream's parser takes it apart. */
export function groupOf(apiVersion = ''): { readonly group: string; readonly problem?: string } {
  const parts = apiVersion.split('/')
  if (parts.length > 2) return { group: '', problem: `unexpected GroupVersion string: ${apiVersion}` }
  return { group: parts.length === 2 ? parts[0]! : '' }
}

/** What a target or a described object is referred to by. */
export function checkObjectReference(
  errors: Errors,
  reference: { readonly kind?: string; readonly name?: string } | undefined,
  path: string,
): void {
  checkRequiredName(errors, `${path}.kind`, reference?.kind, pathSegmentName)
  checkRequiredName(errors, `${path}.name`, reference?.name, pathSegmentName)
}

function validateSource(errors: Errors, metric: MetricSpec, source: Source, at: string): void {
  const { object, external, pods, resource, containerResource } = metric
  const named = object ?? external ?? pods
  if (source === 'object') {
    checkObjectReference(errors, object?.describedObject, `${at}.describedObject`)
    const { apiVersion } = object?.describedObject ?? {}
    const { problem } = groupOf(apiVersion)
    if (problem !== undefined) errors.push(fieldErrors.invalid(`${at}.describedObject.apiVersion`, apiVersion, problem))
  }
  if (source === 'resource') checkRequired(errors, `${at}.name`, resource?.name, 'must specify a resource name')
  else if (source === 'containerResource') {
    if (checkRequired(errors, `${at}.name`, containerResource?.name, 'must specify a resource name'))
      validateContainerResourceName(errors, containerResource!.name, `${at}.name`)
    if (checkRequired(errors, `${at}.container`, containerResource?.container, 'must specify a container'))
      checkRequiredName(errors, `${at}.container`, containerResource!.container, dns1123Label)
  } else if (checkRequired(errors, `${at}.metric.name`, named?.metric?.name, 'must specify a metric name'))
    checkRequiredName(errors, `${at}.metric.name`, named!.metric.name, pathSegmentName)
  const target = metric[source]?.target
  validateTarget(errors, target, `${at}.target`)
  validateFit(errors, target ?? {}, source, `${at}.target`)
}

function validateTarget(errors: Errors, target: MetricTarget | undefined, path: string): void {
  const { type, averageUtilization } = target ?? {}
  checkRequired(errors, `${path}.type`, type, 'must specify a metric target type')
  if (type !== 'Utilization' && type !== 'Value' && type !== 'AverageValue')
    errors.push(fieldErrors.invalid(`${path}.type`, type ?? '', 'must be either Utilization, Value, or AverageValue'))
  for (const field of ['value', 'averageValue'] as const) {
    const quantity = target?.[field]
    if (quantity !== undefined && checkQuantity(errors, `${path}.${field}`, quantity) && quantityMilli(quantity) <= 0)
      errors.push(fieldErrors.invalid(`${path}.${field}`, String(quantity), 'must be positive'))
  }
  if (averageUtilization !== undefined && averageUtilization < 1)
    errors.push(fieldErrors.invalid(`${path}.averageUtilization`, averageUtilization, 'must be greater than 0'))
}

/** Which of its numbers a target of this source has. */
function validateFit(errors: Errors, target: Partial<MetricTarget>, source: Source, path: string): void {
  const { value, averageValue, averageUtilization } = target
  const need = (field: string, why: string) => errors.push(fieldErrors.required(`${path}.${field}`, why))
  const refuse = (field: string, why: string) => errors.push(fieldErrors.forbidden(`${path}.${field}`, why))
  switch (source) {
    case 'object':
      if (value === undefined && averageValue === undefined) need('averageValue', 'must set either a target value or averageValue')
      return
    case 'external':
      if (value === undefined && averageValue === undefined)
        need('averageValue', 'must set either a target value for metric or a per-pod target')
      if (value !== undefined && averageValue !== undefined)
        refuse('value', 'may not set both a target value for metric and a per-pod target')
      return
    case 'pods':
      if (averageValue === undefined) need('averageValue', 'must specify a positive target averageValue')
      return
    case 'resource':
    case 'containerResource':
      if (averageUtilization === undefined && averageValue === undefined)
        need('averageUtilization', 'must set either a target raw value or a target utilization')
      if (averageUtilization !== undefined && averageValue !== undefined)
        refuse('averageValue', 'may not set both a target raw value and a target utilization')
      return
    default:
      unreachable(source)
  }
}
