import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { checkNonNegative, type Errors } from '../checks.ts'
import type { Job, JobStatus } from '../generated/types/batch-v1.ts'
import { overlapOf, readIndexes } from './job-indexes.ts'

const counts = ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const
const terminal = ['Failed', 'Complete', 'FailureTarget'] as const

/**
 * What the status of a job may say, whoever writes it: a job's own controller or another one (`spec.managedBy`). A rule is asked only when
 * something of what it speaks of has changed, so that what was stored under looser rules does not stand in the way.
 */
export function validateJobStatusUpdate(job: Job, oldJob: Job): FieldError[] {
  const errors: FieldError[] = []
  const status = job.status ?? {}
  const old = oldJob.status ?? {}
  for (const field of counts) checkNonNegative(errors, `status.${field}`, status[field])
  validateUncounted(errors, status)
  const is = truths(status)
  const was = truths(old)
  const changed = (...fields: readonly (keyof JobStatus)[]) => fields.some((field) => !deepEqual(status[field], old[field]))
  const turned = (...types: readonly ConditionType[]) => types.some((type) => is(type) !== was(type))
  validateConditions(errors, job, is, turned)
  validateTimes(errors, { job, old }, is, { changed, turned })
  if (turned('Complete', 'Failed') || changed('active', 'terminating', 'uncountedTerminatedPods')) validateFinished(errors, status, is)
  validateIndexes(errors, job, changed)
  if (changed('ready', 'active') && status.ready !== undefined && status.ready > (status.active ?? 0))
    errors.push(fieldErrors.invalid('status.ready', status.ready, 'cannot set more ready pods than active'))
  validateNoWayBack(errors, { job, old }, is, was)
  return errors
}

type ConditionType = 'Complete' | 'Failed' | 'FailureTarget' | 'SuccessCriteriaMet'
type Truth = (type: ConditionType) => boolean
type Changes = {
  readonly changed: (...fields: readonly (keyof JobStatus)[]) => boolean
  readonly turned: (...types: readonly ConditionType[]) => boolean
}

function truths({ conditions }: JobStatus): Truth {
  return (type) => conditions?.some((c) => c.type === type && c.status === 'True') ?? false
}

function validateUncounted(errors: Errors, { uncountedTerminatedPods }: JobStatus): void {
  const seen = new Set<string>()
  for (const list of ['succeeded', 'failed'] as const)
    uncountedTerminatedPods?.[list]?.forEach((uid, i) => {
      const at = `status.uncountedTerminatedPods.${list}[${i}]`
      if (uid === '') errors.push(fieldErrors.invalid(at, uid, 'must not be empty'))
      else if (seen.has(uid)) errors.push(fieldErrors.duplicate(at, uid))
      seen.add(uid)
    })
}

function validateConditions(errors: Errors, { spec }: Job, is: Truth, turned: Changes['turned']): void {
  const refuse = (why: string) => errors.push(fieldErrors.invalidOmitted('status.conditions', why))
  if (turned('Complete', 'Failed') && is('Complete') && is('Failed')) refuse('cannot set Complete=True and Failed=true conditions')
  if (turned('Complete', 'FailureTarget') && is('Complete') && is('FailureTarget'))
    refuse('cannot set Complete=True and FailureTarget=true conditions')
  if (turned('Failed', 'FailureTarget') && is('Failed') && !is('FailureTarget'))
    refuse('cannot set Failed=True condition without the FailureTarget=true condition')
  if (turned('Complete', 'SuccessCriteriaMet') && is('Complete') && !is('SuccessCriteriaMet'))
    refuse('cannot set Complete=True condition without the SuccessCriteriaMet=true condition')
  if (is('SuccessCriteriaMet') && is('Failed')) refuse('cannot set SuccessCriteriaMet=True and Failed=true conditions')
  if (is('SuccessCriteriaMet') && is('FailureTarget')) refuse('cannot set SuccessCriteriaMet=True and FailureTarget=true conditions')
  if (spec?.successPolicy && is('Complete') && !is('SuccessCriteriaMet'))
    refuse('cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True')
}

type Pair = { readonly job: Job; readonly old: JobStatus }

function validateTimes(errors: Errors, { job, old }: Pair, is: Truth, { changed, turned }: Changes): void {
  const { startTime, completionTime } = job.status ?? {}
  const at = 'status.completionTime'
  if (turned('Complete') || changed('completionTime')) {
    if (completionTime && !is('Complete'))
      errors.push(fieldErrors.invalid(at, completionTime, 'cannot set completionTime when there is no Complete=True condition'))
    if (!completionTime && is('Complete')) errors.push(fieldErrors.required(at, 'completionTime is required for Complete jobs'))
  }
  if (changed('startTime', 'completionTime') && startTime && completionTime && Date.parse(completionTime) < Date.parse(startTime))
    errors.push(fieldErrors.invalid(at, completionTime, 'must be equal to or after `startTime`'))
  if (completionTime && old.completionTime && completionTime !== old.completionTime)
    errors.push(fieldErrors.invalid(at, completionTime, 'field is immutable'))
  if ((turned('Complete', 'Failed') || changed('startTime')) && !startTime && (is('Complete') || is('Failed')))
    errors.push(fieldErrors.required('status.startTime', 'startTime is required for finished job'))
  // Who resumes begins anew.
  const wasSuspended = old.conditions?.some((c) => c.type === 'Suspended' && c.status === 'True') ?? false
  if (old.startTime && startTime !== old.startTime && job.spec?.suspend !== true && !wasSuspended)
    errors.push(fieldErrors.invalid('status.startTime', startTime, 'field is immutable for unsuspended job once set'))
}

function validateFinished(errors: Errors, status: JobStatus, is: Truth): void {
  if (!is('Complete') && !is('Failed')) return
  const { active = 0, terminating = 0, uncountedTerminatedPods: uncounted } = status
  if (active > 0) errors.push(fieldErrors.invalid('status.active', active, 'active>0 is invalid for finished job'))
  if (uncounted?.succeeded?.length || uncounted?.failed?.length)
    errors.push(
      fieldErrors.invalid(
        'status.uncountedTerminatedPods',
        { Succeeded: uncounted.succeeded ?? null, Failed: uncounted.failed ?? null },
        'must be empty for finished job',
      ),
    )
  if (terminating > 0) errors.push(fieldErrors.invalid('status.terminating', terminating, 'terminating>0 is invalid for finished job'))
}

function validateIndexes(errors: Errors, { spec, status }: Job, changed: Changes['changed']): void {
  const { completedIndexes = '', failedIndexes } = status ?? {}
  const completions = spec?.completions
  const read = (field: 'completedIndexes' | 'failedIndexes', text: string) => {
    const ranges = completions === undefined ? [] : readIndexes(text, completions)
    if (typeof ranges !== 'string') return ranges
    if (changed(field)) errors.push(fieldErrors.invalid(`status.${field}`, text, `error parsing ${field}: ${ranges}`))
    return []
  }
  const completed = read('completedIndexes', completedIndexes)
  const failed = spec?.backoffLimitPerIndex === undefined ? [] : read('failedIndexes', failedIndexes ?? '')
  if (changed('completedIndexes') && completedIndexes !== '' && spec?.completionMode !== 'Indexed')
    errors.push(
      fieldErrors.invalid(
        'status.completedIndexes',
        completedIndexes,
        'cannot set non-empty completedIndexes when non-indexed completion mode',
      ),
    )
  if (!changed('failedIndexes', 'completedIndexes')) return
  if (failedIndexes !== undefined && spec?.backoffLimitPerIndex === undefined)
    errors.push(
      fieldErrors.invalid('status.failedIndexes', failedIndexes, 'cannot set non-null failedIndexes when backoffLimitPerIndex is null'),
    )
  const both = overlapOf(completed, failed)
  if (both !== undefined)
    errors.push(fieldErrors.invalid('status.failedIndexes', failedIndexes, `failedIndexes and completedIndexes overlap at index: ${both}`))
}

/** Verdicts stand and counters rise; only a job that was made smaller may count fewer successes. */
function validateNoWayBack(errors: Errors, { job, old }: Pair, is: Truth, was: Truth): void {
  const { spec, status } = job
  for (const type of terminal)
    if (was(type) && !is(type))
      errors.push(fieldErrors.invalidOmitted('status.conditions', `cannot disable the terminal ${type}=True condition`))
  if (was('SuccessCriteriaMet') && !is('SuccessCriteriaMet'))
    errors.push(fieldErrors.invalidOmitted('status.conditions', 'cannot disable the SuccessCriteriaMet=True condition'))
  if (was('Complete') && !was('SuccessCriteriaMet') && is('SuccessCriteriaMet'))
    errors.push(
      fieldErrors.invalidOmitted('status.conditions', 'cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions'),
    )
  const isElastic = spec?.completionMode === 'Indexed' && spec.completions === spec.parallelism
  for (const field of ['failed', 'succeeded'] as const)
    if ((status?.[field] ?? 0) < (old[field] ?? 0) && !(field === 'succeeded' && isElastic))
      errors.push(fieldErrors.invalid(`status.${field}`, status?.[field] ?? 0, `cannot decrease the ${field} counter`))
}
