import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { matches, selectorFrom, validateLabelSelector } from '../../machinery/label-selector.ts'
import { qualifiedName } from '../../machinery/names.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { checkNonNegative, checkOptionalEnum, checkOptionalName, type Errors } from '../checks.ts'
import { templateWarnings } from '../core/pod-template/pod-warnings.ts'
import { mismatch } from '../core/pod-template/workload-template.ts'
import { validatePodTemplate } from '../core/pod-template/validate-pod-spec.ts'
import type { Job, JobSpec, PodFailurePolicyRule } from '../generated/types/batch-v1.ts'

const indexedParallelismMax = 100_000
const rulesMax = 20
const exitCodesMax = 255

/** What holds of a job's spec on its own and inside a CronJob; `path` leads to it. */
export function validateJobSpec(errors: Errors, spec: JobSpec, path: string): void {
  const counts = [
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
    'backoffLimitPerIndex',
    'maxFailedIndexes',
  ] as const
  for (const field of counts) checkNonNegative(errors, `${path}.${field}`, spec[field])
  checkOptionalEnum(errors, `${path}.completionMode`, spec.completionMode, ['NonIndexed', 'Indexed'])
  checkOptionalEnum(errors, `${path}.podReplacementPolicy`, spec.podReplacementPolicy, ['TerminatingOrFailed', 'Failed'])
  if (spec.completionMode === 'Indexed') validateIndexed(errors, spec, path)
  if (spec.backoffLimitPerIndex !== undefined && spec.completionMode !== 'Indexed')
    errors.push(fieldErrors.invalid(`${path}.backoffLimitPerIndex`, spec.backoffLimitPerIndex, 'requires indexed completion mode'))
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined)
    errors.push(fieldErrors.required(`${path}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified'))
  if (spec.managedBy !== undefined) checkOptionalName(errors, `${path}.managedBy`, spec.managedBy, qualifiedName)
  validateFailurePolicy(errors, spec, path)
  validateSuccessPolicy(errors, spec, path)
  errors.push(...validatePodTemplate(spec.template, `${path}.template`))
  const policy = spec.template?.spec?.restartPolicy
  // `Always` may be nobody's choice but the default.
  if (policy === undefined || policy === 'Always')
    errors.push(fieldErrors.required(`${path}.template.spec.restartPolicy`, 'valid values: "OnFailure", "Never"'))
  else if (policy !== 'OnFailure' && policy !== 'Never')
    errors.push(fieldErrors.notSupported(`${path}.template.spec.restartPolicy`, policy, ['OnFailure', 'Never']))
  if (spec.podFailurePolicy && policy === 'OnFailure')
    errors.push(
      fieldErrors.invalid(`${path}.template.spec.restartPolicy`, policy, 'only "Never" is supported when podFailurePolicy is specified'),
    )
}

const trackedCompletionsMax = 100_000
const trackedParallelismMax = 10_000

/** Advice about a job's spec, on its own and inside a CronJob. */
export function jobSpecWarnings(spec: JobSpec, path: string): string[] {
  const { completionMode, completions = 0, parallelism = 0, template } = spec
  const isUntrackable = completionMode === 'Indexed' && completions > trackedCompletionsMax && parallelism > trackedParallelismMax
  const untrackable =
    'In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able ' +
    'to track completedIndexes when a big number of indexes fail'
  return [...(isUntrackable ? [`${path}: ${untrackable}`] : []), ...templateWarnings(template, `${path}.template`)]
}

/** The selector of a job of its own: generated, or manual and matching. */
export function validateJobSelector({ spec }: Job): FieldError[] {
  if (!spec?.selector) return [fieldErrors.required('spec.selector')]
  const errors = validateLabelSelector(spec.selector, 'spec.selector')
  if (errors.length > 0) return errors
  if (!spec.template || matches(selectorFrom(spec.selector), spec.template.metadata?.labels)) return []
  return [mismatch(spec.template)]
}

/** Most of a job is fixed; a suspended one that has not run yet may still be given other nodes to run on. */
export function validateJobUpdate({ spec }: Job, { spec: old, status }: Job): FieldError[] {
  if (!spec || !old) return []
  const errors: FieldError[] = []
  const isElastic = spec.completionMode === 'Indexed' && spec.completions === spec.parallelism
  if (!isElastic || spec.completions === undefined) errors.push(...immutableField(spec.completions, old.completions, 'spec.completions'))
  errors.push(...immutableField(spec.selector, old.selector, 'spec.selector'))
  const isUnstarted = old.suspend === true && status?.startTime === undefined
  const template = isUnstarted && spec.template && old.template ? withSchedulingOf(spec.template, old.template) : spec.template
  if (!deepEqual(template, old.template)) errors.push(...immutableField(spec.template, old.template, 'spec.template'))
  for (const field of ['completionMode', 'podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy'] as const)
    errors.push(...immutableField(spec[field], old[field], `spec.${field}`))
  return errors
}

type Template = JobSpec['template']

function withSchedulingOf(template: Template, old: Template): Template {
  const spec = { ...template.spec } as Record<string, unknown>
  for (const field of ['nodeSelector', 'tolerations', 'affinity', 'schedulingGates'] as const) spec[field] = old.spec?.[field]
  const metadata = { ...template.metadata } as Record<string, unknown>
  for (const field of ['labels', 'annotations'] as const) metadata[field] = old.metadata?.[field]
  return { ...template, metadata, spec } as Template
}

function validateIndexed(errors: Errors, spec: JobSpec, path: string): void {
  if (spec.completions === undefined) errors.push(fieldErrors.required(`${path}.completions`, 'when completion mode is Indexed'))
  if ((spec.parallelism ?? 0) > indexedParallelismMax)
    errors.push(
      fieldErrors.invalid(
        `${path}.parallelism`,
        spec.parallelism,
        `must be less than or equal to ${indexedParallelismMax} when completion mode is Indexed`,
      ),
    )
  if (spec.maxFailedIndexes !== undefined && spec.completions !== undefined && spec.maxFailedIndexes > spec.completions)
    errors.push(fieldErrors.invalid(`${path}.maxFailedIndexes`, spec.maxFailedIndexes, 'must be less than or equal to completions'))
}

function validateFailurePolicy(errors: Errors, spec: JobSpec, path: string): void {
  const rules = spec.podFailurePolicy?.rules
  if (!rules) return
  const names = new Set([...(spec.template?.spec?.containers ?? []), ...(spec.template?.spec?.initContainers ?? [])].map((c) => c.name))
  if (rules.length > rulesMax) errors.push(fieldErrors.tooMany(`${path}.podFailurePolicy.rules`, rules.length, rulesMax))
  rules.forEach((rule, i) => validateFailureRule(errors, rule, spec, names, `${path}.podFailurePolicy.rules[${i}]`))
}

function validateFailureRule(errors: Errors, rule: PodFailurePolicyRule, spec: JobSpec, names: ReadonlySet<string>, at: string): void {
  const actions = spec.backoffLimitPerIndex === undefined ? ['Count', 'FailJob', 'Ignore'] : ['Count', 'FailIndex', 'FailJob', 'Ignore']
  if (!rule.action) errors.push(fieldErrors.required(`${at}.action`, `valid values: ${actions.map((a) => JSON.stringify(a)).join(', ')}`))
  else if (rule.action === 'FailIndex' && spec.backoffLimitPerIndex === undefined)
    errors.push(fieldErrors.invalid(`${at}.action`, rule.action, 'requires the backoffLimitPerIndex to be set'))
  else if (!actions.includes(rule.action)) errors.push(fieldErrors.notSupported(`${at}.action`, rule.action, actions))
  const { onExitCodes, onPodConditions } = rule
  if (onExitCodes && onPodConditions?.length)
    errors.push(fieldErrors.invalid(at, rule, 'specifying both OnExitCodes and OnPodConditions is not supported'))
  if (!onExitCodes && !onPodConditions?.length)
    errors.push(fieldErrors.invalid(at, rule, 'specifying one of OnExitCodes and OnPodConditions is required'))
  if (!onExitCodes) return
  const { operator, containerName } = onExitCodes
  const values = onExitCodes.values ?? []
  if (operator !== 'In' && operator !== 'NotIn')
    errors.push(fieldErrors.notSupported(`${at}.onExitCodes.operator`, operator ?? '', ['In', 'NotIn']))
  if (containerName !== undefined && !names.has(containerName))
    errors.push(
      fieldErrors.invalid(
        `${at}.onExitCodes.containerName`,
        containerName,
        'must be one of the container or initContainer names in the pod template',
      ),
    )
  if (values.length === 0) errors.push(fieldErrors.invalid(`${at}.onExitCodes.values`, values, 'at least one value is required'))
  if (values.length > exitCodesMax) errors.push(fieldErrors.tooMany(`${at}.onExitCodes.values`, values.length, exitCodesMax))
  values.forEach((value, i) => {
    if (operator === 'In' && value === 0)
      errors.push(fieldErrors.invalid(`${at}.onExitCodes.values[${i}]`, value, 'must not be 0 for the In operator'))
    if (values.indexOf(value) < i) errors.push(fieldErrors.duplicate(`${at}.onExitCodes.values[${i}]`, value))
  })
}

function validateSuccessPolicy(errors: Errors, spec: JobSpec, path: string): void {
  const policy = spec.successPolicy
  if (!policy) return
  const at = `${path}.successPolicy`
  if (spec.completionMode !== 'Indexed') errors.push(fieldErrors.invalid(at, policy, 'requires indexed completion mode'))
  if (!policy.rules?.length) errors.push(fieldErrors.required(`${at}.rules`, 'at least one rules must be specified'))
  else if (policy.rules.length > rulesMax) errors.push(fieldErrors.tooMany(`${at}.rules`, policy.rules.length, rulesMax))
  policy.rules?.forEach((rule, i) => {
    if (rule.succeededCount === undefined && rule.succeededIndexes === undefined)
      errors.push(fieldErrors.required(`${at}.rules[${i}]`, 'at least one of succeededCount or succeededIndexes must be specified'))
    checkNonNegative(errors, `${at}.rules[${i}].succeededCount`, rule.succeededCount)
    if (rule.succeededCount !== undefined && rule.succeededCount > (spec.completions ?? 0))
      errors.push(
        fieldErrors.invalid(
          `${at}.rules[${i}].succeededCount`,
          rule.succeededCount,
          `must be less than or equal to ${spec.completions ?? 0} (the number of specified completions)`,
        ),
      )
  })
}
