import { mapValue, selectorValue } from '../go-value.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { matches, selectorFrom, validateLabelSelector } from '../../machinery/label-selector.ts'
import { domainPrefixedPathErrors } from '../../machinery/domain-prefixed-path.ts'
import { dns1123Label } from '../../machinery/names.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { checkNonNegative, checkOptionalEnum, checkQualifiedName, type Errors } from '../checks.ts'
import { templateWarnings } from '../core/pod-template/pod-warnings.ts'
import { mismatch } from '../core/pod-template/workload-template.ts'
import { validatePodTemplate } from '../core/pod-template/validate-pod-spec.ts'
import type { Job, JobSpec, PodFailurePolicyRule } from '../generated/types/batch-v1.ts'
import { readIndexes } from './job-indexes.ts'
import { semanticEqual } from '../semantic-equal.ts'

const indexedParallelismMax = 100_000
const failedIndexesMax = 100_000
const managedByBytesMax = 63
const rulesMax = 20
const indexesBytesMax = 64 * 1024
const exitCodesMax = 255
const patternsMax = 20

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
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined)
    errors.push(fieldErrors.required(`${path}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified'))
  if (spec.managedBy !== undefined) validateManagedBy(errors, spec.managedBy, `${path}.managedBy`)
  checkOptionalEnum(errors, `${path}.completionMode`, spec.completionMode, ['NonIndexed', 'Indexed'])
  if (spec.completionMode === 'Indexed') validateIndexed(errors, spec, path)
  else if (spec.completionMode === undefined || spec.completionMode === 'NonIndexed')
    for (const field of ['backoffLimitPerIndex', 'maxFailedIndexes'] as const)
      if (spec[field] !== undefined) errors.push(fieldErrors.invalid(`${path}.${field}`, spec[field], 'requires indexed completion mode'))
  validateFailurePolicy(errors, spec, path)
  validateSuccessPolicy(errors, spec, path)
  const replacements = spec.podFailurePolicy ? ['Failed'] : ['Failed', 'TerminatingOrFailed']
  checkOptionalEnum(errors, `${path}.podReplacementPolicy`, spec.podReplacementPolicy, replacements)
  errors.push(...validatePodTemplate(spec.template, `${path}.template`))
  const policy = spec.template?.spec?.restartPolicy
  // `Always` may be nobody's choice but the default.
  if (policy === undefined || policy === 'Always')
    errors.push(fieldErrors.required(`${path}.template.spec.restartPolicy`, 'valid values: "OnFailure", "Never"'))
  else if (policy !== 'OnFailure' && policy !== 'Never')
    errors.push(fieldErrors.notSupported(`${path}.template.spec.restartPolicy`, policy, ['OnFailure', 'Never']))
  else if (spec.podFailurePolicy && policy === 'OnFailure')
    errors.push(
      fieldErrors.invalid(`${path}.template.spec.restartPolicy`, policy, 'only "Never" is supported when podFailurePolicy is specified'),
    )
}

function validateManagedBy(errors: Errors, managedBy: string, path: string): void {
  errors.push(...domainPrefixedPathErrors(managedBy, path))
  if (managedBy.length > managedByBytesMax) errors.push(fieldErrors.tooLong(path, '', managedByBytesMax))
}

/** Beyond both the indexes that failed cannot be told one by one any more. */
const trackedCompletionsMax = 100_000
const trackedParallelismMax = 10_000
const trackedFailuresMax = 10_000

/** Advice about a job's spec, on its own and inside a CronJob. */
export function jobSpecWarnings(spec: JobSpec, path: string): string[] {
  const { completionMode, completions = 0, parallelism = 0, template } = spec
  const isUntrackable = completionMode === 'Indexed' && completions > trackedCompletionsMax && parallelism > trackedParallelismMax
  const untrackable =
    'In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able ' +
    'to track completedIndexes when a big number of indexes fail'
  return [...(isUntrackable ? [`${path}: ${untrackable}`] : []), ...templateWarnings(template, `${path}.template`)]
}

/** A job as upstream judges it: the selector that was generated, the spec, the host names that indexed pods will get. */
export function validateJob(job: Job, old?: Job): FieldError[] {
  return [...validateGeneratedSelector(job, old), ...validateJobWithSelector(job), ...validateHostNames(job)]
}

/** The spec, and the selector of a job of its own: generated, or manual and matching. */
export function validateJobWithSelector({ spec }: Job): FieldError[] {
  const errors: FieldError[] = []
  if (!spec) return [fieldErrors.required('spec')]
  validateJobSpec(errors, spec, 'spec')
  const { selector, template } = spec
  const wrong = selector ? validateLabelSelector(selector, 'spec.selector') : [fieldErrors.required('spec.selector')]
  errors.push(...wrong)
  const isMatching = selector !== undefined && (wrong.length > 0 || matches(selectorFrom(selector), template?.metadata?.labels))
  if (!isMatching) errors.push(mismatch(template ?? {}))
  return errors
}

const generatedLabels = (uid: string, name: string): Readonly<Record<string, string>> => ({
  'controller-uid': uid,
  'job-name': name,
  'batch.kubernetes.io/controller-uid': uid,
  'batch.kubernetes.io/job-name': name,
})

/** The labels and the selector that were generated, unless the client gave others. */
function validateGeneratedSelector({ metadata, spec }: Job, old: Job | undefined): FieldError[] {
  if (spec?.manualSelector === true || !spec?.selector) return []
  const errors: FieldError[] = []
  const { uid = '', name = '' } = metadata
  const before = old?.spec?.template?.metadata?.labels
  const isOfOldKind = old !== undefined && !(before && nameLabel in before && uidLabel in before)
  const expected = generatedLabels(uid, name)
  const labels = spec.template?.metadata?.labels
  for (const key in expected) {
    if (isOfOldKind && key.includes('/')) continue
    const path = `spec.template.metadata.labels[${key}]`
    if (labels?.[key] === undefined) errors.push(fieldErrors.required(path, `must be '${expected[key]}'`))
    else if (labels[key] !== expected[key]) errors.push(fieldErrors.invalid(path, mapValue(labels), `must be '${expected[key]}'`))
  }
  if (validateLabelSelector(spec.selector, '').length === 0 && !matches(selectorFrom(spec.selector), expected))
    errors.push(fieldErrors.invalid('spec.selector', selectorValue(spec.selector), '`selector` not auto-generated'))
  return errors
}

const nameLabel = 'batch.kubernetes.io/job-name'
const uidLabel = 'batch.kubernetes.io/controller-uid'

function validateHostNames({ metadata: { name = '' }, spec }: Job): FieldError[] {
  if (spec?.completionMode !== 'Indexed' || !(spec.completions !== undefined && spec.completions > 0)) return []
  const longest = `${name}-${spec.completions - 1}`
  if (dns1123Label(longest).length === 0) return []
  return [fieldErrors.invalid('metadata.name', name, `will not able to create pod with invalid DNS label: ${longest}`)]
}

/** Most of a job is fixed; a suspended one that has not run yet may still be given other nodes to run on. */
export function validateJobUpdate({ spec }: Job, { spec: old, status }: Job): FieldError[] {
  if (!spec || !old) return []
  const errors: FieldError[] = []
  if (spec.completionMode !== 'Indexed') errors.push(...immutableField(spec.completions, old.completions, 'spec.completions'))
  else if (spec.completions !== undefined && spec.completions !== old.completions && spec.completions !== spec.parallelism)
    errors.push(fieldErrors.invalid('spec.completions', spec.completions, 'can only be modified in tandem with spec.parallelism'))
  errors.push(...immutableField(selectorValue(spec.selector), selectorValue(old.selector), 'spec.selector'))
  errors.push(...validateTemplateUpdate(spec.template, old, status))
  const values = (of: JobSpec) => ({
    completionMode: of.completionMode,
    podFailurePolicy: failurePolicyValue(of.podFailurePolicy),
    backoffLimitPerIndex: of.backoffLimitPerIndex,
    managedBy: of.managedBy,
    successPolicy: successPolicyValue(of.successPolicy),
  })
  const before = values(old)
  for (const [field, value] of Object.entries(values(spec)))
    errors.push(...immutableField(value, before[field as keyof typeof before], `spec.${field}`))
  return errors
}

type Template = JobSpec['template']

/** While a job is suspended and none of its pods is left, its pods may be given other places and other resources. */
function validateTemplateUpdate(template: Template, { suspend, template: old }: JobSpec, status: Job['status']): FieldError[] {
  if (semanticEqual(template, old)) return []
  if (suspend !== true || !template || !old) return immutableField(template, old, 'spec.template')
  const isSuspended = status?.conditions?.some((c) => c.type === 'Suspended' && c.status === 'True') ?? false
  const isIdle = (status?.startTime === undefined || isSuspended) && !status?.active
  if (!isIdle) return immutableField(template, old, 'spec.template')
  const placed = withSchedulingOf(template, old)
  return semanticEqual(withResourcesOf(placed, old).spec, old.spec) ? [] : immutableField(template.spec, old.spec, 'spec.template.spec')
}

function withResourcesOf(template: Template, old: Template): Template {
  const spec: Record<string, unknown> = { ...template.spec }
  for (const list of ['containers', 'initContainers'] as const) {
    const containers = template.spec?.[list]
    if (!containers || containers.length !== old.spec?.[list]?.length) continue
    spec[list] = containers.map((container, i) => {
      const before = old.spec![list]![i]!
      return before.name === container.name ? { ...container, resources: before.resources } : container
    })
  }
  return { ...template, spec } as Template
}

/** Of the affinity only that to nodes is a matter of scheduling alone. */
function withSchedulingOf(template: Template, old: Template): Template {
  const spec = { ...template.spec } as Record<string, unknown>
  for (const field of ['nodeSelector', 'tolerations', 'schedulingGates'] as const) spec[field] = old.spec?.[field]
  const { nodeAffinity: _, ...others } = template.spec?.affinity ?? {}
  const before = old.spec?.affinity
  const affinity = { ...others, ...(before?.nodeAffinity ? { nodeAffinity: before.nodeAffinity } : {}) }
  spec.affinity = Object.keys(affinity).length > 0 ? affinity : before && Object.keys(before).length === 0 ? before : undefined
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
  checkAtMost(errors, `${path}.maxFailedIndexes`, spec.maxFailedIndexes, failedIndexesMax)
  if ((spec.completions ?? 0) <= trackedCompletionsMax || spec.backoffLimitPerIndex === undefined) return
  if (spec.maxFailedIndexes === undefined)
    errors.push(fieldErrors.required(`${path}.maxFailedIndexes`, `must be specified when completions is above ${trackedCompletionsMax}`))
  const why = ` when completions are above ${trackedCompletionsMax} and used with backoff limit per index`
  checkAtMost(errors, `${path}.parallelism`, spec.parallelism, trackedParallelismMax, why)
  checkAtMost(errors, `${path}.maxFailedIndexes`, spec.maxFailedIndexes, trackedFailuresMax, why)
}

function checkAtMost(errors: Errors, field: string, value: number | undefined, max: number, why = ''): void {
  if (value !== undefined && value > max) errors.push(fieldErrors.invalid(field, value, `must be less than or equal to ${max}${why}`))
}

function validateFailurePolicy(errors: Errors, spec: JobSpec, path: string): void {
  const rules = spec.podFailurePolicy?.rules
  if (!rules) return
  const names = new Set([...(spec.template?.spec?.containers ?? []), ...(spec.template?.spec?.initContainers ?? [])].map((c) => c.name))
  if (rules.length > rulesMax) errors.push(fieldErrors.tooMany(`${path}.podFailurePolicy.rules`, rules.length, rulesMax))
  rules.forEach((rule, i) => validateFailureRule(errors, rule, spec, names, `${path}.podFailurePolicy.rules[${i}]`))
}

function validateFailureRule(errors: Errors, rule: PodFailurePolicyRule, spec: JobSpec, names: ReadonlySet<string>, at: string): void {
  const actions = ['Count', 'FailIndex', 'FailJob', 'Ignore']
  if (!rule.action) errors.push(fieldErrors.required(`${at}.action`, validValues(actions)))
  else if (rule.action === 'FailIndex' && spec.backoffLimitPerIndex === undefined)
    errors.push(fieldErrors.invalid(`${at}.action`, rule.action, 'requires the backoffLimitPerIndex to be set'))
  else if (!actions.includes(rule.action)) errors.push(fieldErrors.notSupported(`${at}.action`, rule.action, actions))
  const { onExitCodes, onPodConditions } = rule
  if (onExitCodes) validateOnExitCodes(errors, onExitCodes, names, `${at}.onExitCodes`)
  if (onPodConditions) validateOnPodConditions(errors, onPodConditions, `${at}.onPodConditions`)
  if (onExitCodes && onPodConditions?.length)
    errors.push(fieldErrors.invalidOmitted(at, 'specifying both OnExitCodes and OnPodConditions is not supported'))
  if (!onExitCodes && !onPodConditions?.length)
    errors.push(fieldErrors.invalidOmitted(at, 'specifying one of OnExitCodes and OnPodConditions is required'))
}

const validValues = (values: readonly string[]) => `valid values: [${values.map((value) => JSON.stringify(value)).join(' ')}]`

function validateOnPodConditions(errors: Errors, patterns: NonNullable<PodFailurePolicyRule['onPodConditions']>, path: string): void {
  if (patterns.length > patternsMax) errors.push(fieldErrors.tooMany(path, patterns.length, patternsMax))
  const statuses = ['False', 'True', 'Unknown']
  patterns.forEach(({ type, status }, i) => {
    checkQualifiedName(errors, `${path}[${i}].type`, type)
    if (!status) errors.push(fieldErrors.required(`${path}[${i}].status`, validValues(statuses)))
    else checkOptionalEnum(errors, `${path}[${i}].status`, status, statuses)
  })
}

function validateOnExitCodes(
  errors: Errors,
  onExitCodes: NonNullable<PodFailurePolicyRule['onExitCodes']>,
  names: ReadonlySet<string>,
  path: string,
): void {
  const { operator, containerName } = onExitCodes
  const values = onExitCodes.values ?? []
  const operators = ['In', 'NotIn']
  if (!operator) errors.push(fieldErrors.required(`${path}.operator`, validValues(operators)))
  else checkOptionalEnum(errors, `${path}.operator`, operator, operators)
  if (containerName !== undefined && !names.has(containerName))
    errors.push(
      fieldErrors.invalid(
        `${path}.containerName`,
        containerName,
        'must be one of the container or initContainer names in the pod template',
      ),
    )
  if (values.length === 0) errors.push(fieldErrors.invalid(`${path}.values`, null, 'at least one value is required'))
  if (values.length > exitCodesMax) errors.push(fieldErrors.tooMany(`${path}.values`, values.length, exitCodesMax))
  values.forEach((value, i) => {
    if (operator === 'In' && value === 0)
      errors.push(fieldErrors.invalid(`${path}.values[${i}]`, value, 'must not be 0 for the In operator'))
    if (values.indexOf(value) < i) errors.push(fieldErrors.duplicate(`${path}.values[${i}]`, value))
  })
  if (values.some((value, i) => i > 0 && values[i - 1]! > value))
    errors.push(fieldErrors.invalid(`${path}.values`, values, 'must be ordered'))
}

function validateSuccessPolicy(errors: Errors, spec: JobSpec, path: string): void {
  const policy = spec.successPolicy
  if (!policy) return
  const at = `${path}.successPolicy`
  if (spec.completionMode !== 'Indexed') {
    errors.push(fieldErrors.invalid(at, successPolicyValue(policy), 'requires indexed completion mode'))
    return
  }
  if (!policy.rules?.length)
    errors.push(fieldErrors.required(`${at}.rules`, 'at least one rules must be specified when the successPolicy is specified'))
  else if (policy.rules.length > rulesMax) errors.push(fieldErrors.tooMany(`${at}.rules`, policy.rules.length, rulesMax))
  policy.rules?.forEach((rule, i) => validateSuccessRule(errors, rule, spec.completions ?? 0, `${at}.rules[${i}]`))
}

function validateSuccessRule(
  errors: Errors,
  { succeededCount, succeededIndexes }: { readonly succeededCount?: number; readonly succeededIndexes?: string },
  completions: number,
  path: string,
): void {
  if (succeededCount === undefined && succeededIndexes === undefined)
    errors.push(fieldErrors.required(path, 'at least one of succeededCount or succeededIndexes must be specified'))
  let indexes = 0
  if (succeededIndexes !== undefined) {
    if (succeededIndexes.length > indexesBytesMax) errors.push(fieldErrors.tooLong(`${path}.succeededIndexes`, '', indexesBytesMax))
    const read = readIndexes(succeededIndexes, completions)
    if (typeof read === 'string')
      errors.push(fieldErrors.invalid(`${path}.succeededIndexes`, succeededIndexes, `error parsing succeededIndexes: ${read}`))
    else indexes = read.reduce((sum, [first, last]) => sum + last - first + 1, 0)
  }
  if (succeededCount === undefined) return
  const at = `${path}.succeededCount`
  checkNonNegative(errors, at, succeededCount)
  checkAtMost(errors, at, succeededCount, completions, ' (the number of specified completions)')
  if (succeededIndexes !== undefined)
    checkAtMost(errors, at, succeededCount, indexes, ' (the number of indexes in the specified succeededIndexes field)')
}

/** Policies as upstream writes them into messages, by the names of their Go fields. */
const successPolicyValue = (policy: JobSpec['successPolicy']) =>
  policy && {
    Rules: policy.rules?.map(({ succeededIndexes, succeededCount }) => ({
      SucceededIndexes: succeededIndexes ?? null,
      SucceededCount: succeededCount ?? null,
    })),
  }

const failurePolicyValue = (policy: JobSpec['podFailurePolicy']) =>
  policy && {
    Rules: policy.rules?.map(({ action, onExitCodes, onPodConditions }) => ({
      Action: action,
      OnExitCodes: onExitCodes
        ? { ContainerName: onExitCodes.containerName ?? null, Operator: onExitCodes.operator, Values: onExitCodes.values }
        : null,
      OnPodConditions: onPodConditions?.map(({ type, status }) => ({ Type: type, Status: status })) ?? null,
    })),
  }
