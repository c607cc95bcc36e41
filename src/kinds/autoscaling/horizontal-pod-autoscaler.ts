import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'

import { checkNonNegative, checkNonNegativeQuantity, type Errors } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { copyField, defineKind } from '../define-kind.ts'
import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec, HPAScalingRules } from '../generated/types/autoscaling-v2.ts'
import { metricsText } from './metrics-text.ts'
import { checkObjectReference, groupOf, validateMetric } from './metric-validation.ts'

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
  validate: ({ spec }, old) => (spec ? validateAutoscalerSpec(spec, old?.spec) : [fieldErrors.required('spec.maxReplicas')]),
  validateStatusUpdate: ({ status }) => {
    const errors: FieldError[] = []
    for (const field of ['currentReplicas', 'desiredReplicas'] as const) checkNonNegative(errors, `status.${field}`, status?.[field])
    return errors
  },
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

/** A target is named with its group, but for the only kind of the core group that scales. */
function targetProblem({ apiVersion, kind }: { readonly apiVersion?: string; readonly kind?: string } = {}): string | undefined {
  const { group, problem } = groupOf(apiVersion)
  return problem ?? (group === '' && kind !== 'ReplicationController' ? 'apiVersion must specify API group' : undefined)
}

function validateAutoscalerSpec(spec: HorizontalPodAutoscalerSpec, old: HorizontalPodAutoscalerSpec | undefined): FieldError[] {
  const minReplicasMin = old?.minReplicas === 0 ? 0 : 1
  const errors: FieldError[] = []
  const { minReplicas } = spec
  const maxReplicas = spec.maxReplicas ?? 0
  if (minReplicas !== undefined && minReplicas < minReplicasMin)
    errors.push(fieldErrors.invalid('spec.minReplicas', minReplicas, `must be greater than or equal to ${minReplicasMin}`))
  if (maxReplicas === 0) errors.push(fieldErrors.required('spec.maxReplicas', 'must be set and greater than 0'))
  else if (maxReplicas < 0) errors.push(fieldErrors.invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to 1'))
  if (minReplicas !== undefined && maxReplicas < minReplicas)
    errors.push(fieldErrors.invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`'))
  checkObjectReference(errors, spec.scaleTargetRef, 'spec.scaleTargetRef')
  // What stood before does not hinder a change.
  const isTolerated = old?.scaleTargetRef !== undefined && targetProblem(old.scaleTargetRef) !== undefined
  const problem = isTolerated ? undefined : targetProblem(spec.scaleTargetRef)
  if (problem !== undefined)
    errors.push(fieldErrors.invalid('spec.scaleTargetRef.apiVersion', spec.scaleTargetRef?.apiVersion ?? '', problem))
  spec.metrics?.forEach((metric, i) => validateMetric(errors, metric, `spec.metrics[${i}]`))
  if (minReplicas === 0 && !spec.metrics?.some(({ type }) => type === 'Object' || type === 'External'))
    errors.push(
      fieldErrors.forbidden('spec.metrics', 'must specify at least one Object or External metric to support scaling to zero replicas'),
    )
  validateRules(errors, spec.behavior?.scaleUp, 'spec.behavior.scaleUp')
  validateRules(errors, spec.behavior?.scaleDown, 'spec.behavior.scaleDown')
  return errors
}

const windowSecondsMax = 3600
const periodSecondsMax = 1800

function validateRules(errors: Errors, rules: HPAScalingRules | undefined, path: string): void {
  if (!rules) return
  const seconds = rules.stabilizationWindowSeconds ?? 0
  if (seconds < 0) errors.push(fieldErrors.invalid(`${path}.stabilizationWindowSeconds`, seconds, 'must be greater than or equal to zero'))
  if (seconds > windowSecondsMax)
    errors.push(fieldErrors.invalid(`${path}.stabilizationWindowSeconds`, seconds, `must be less than or equal to ${windowSecondsMax}`))
  if (rules.selectPolicy !== undefined && !['Max', 'Min', 'Disabled'].includes(rules.selectPolicy))
    errors.push(fieldErrors.notSupported(`${path}.selectPolicy`, rules.selectPolicy, ['Disabled', 'Max', 'Min']))
  if (!rules.policies?.length) errors.push(fieldErrors.required(`${path}.policies`, 'must specify at least one Policy'))
  rules.policies?.forEach((policy, i) => {
    const at = `${path}.policies[${i}]`
    if (policy.type !== 'Pods' && policy.type !== 'Percent')
      errors.push(fieldErrors.notSupported(`${at}.type`, policy.type ?? '', ['Percent', 'Pods']))
    if (!(policy.value > 0)) errors.push(fieldErrors.invalid(`${at}.value`, policy.value ?? 0, 'must be greater than zero'))
    if (!(policy.periodSeconds > 0))
      errors.push(fieldErrors.invalid(`${at}.periodSeconds`, policy.periodSeconds ?? 0, 'must be greater than zero'))
    if (policy.periodSeconds > periodSecondsMax)
      errors.push(fieldErrors.invalid(`${at}.periodSeconds`, policy.periodSeconds, `must be less than or equal to ${periodSecondsMax}`))
  })
  if (rules.tolerance !== undefined) checkNonNegativeQuantity(errors, `${path}.tolerance`, rules.tolerance)
}
