import { selectorValue } from '../go-value.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { checkEnum, checkNonNegative, type Errors } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { applyTemplateDefaults, madeSpec } from '../core/pod-template/defaults.ts'
import { workloadNameWarnings } from '../core/pod-template/pod-warnings.ts'
import { containerImages, containerNames, selectorText } from '../core/pod-template/workload-template.ts'
import { defineKind } from '../define-kind.ts'
import type { CronJob, CronJobSpec } from '../generated/types/batch-v1.ts'
import { age } from '../human-duration.ts'
import { CronError, parseCronSchedule } from './cron-schedule.ts'
import { jobSpecWarnings, validateJobSpec } from './job-validation.ts'

/** A job's name is the CronJob's and eleven characters of time. */
const nameLengthMax = 52

export const cronJobs = defineKind<CronJob>({
  group: 'batch',
  version: 'v1',
  kind: 'CronJob',
  shortNames: ['cj'],
  categories: ['all'],
  applyDefaults: (cronJob) => {
    const spec = madeSpec(cronJob)
    spec.concurrencyPolicy ||= 'Allow'
    spec.suspend ??= false
    spec.successfulJobsHistoryLimit ??= 3
    spec.failedJobsHistoryLimit ??= 1
    spec.jobTemplate ??= {}
    applyTemplateDefaults(madeSpec(spec.jobTemplate))
  },
  validate: ({ spec }, old) => {
    const errors: FieldError[] = []
    if (!spec) return [fieldErrors.required('spec')]
    validateSchedule(errors, spec)
    if (!old || old.spec?.timeZone !== spec.timeZone) validateTimeZone(errors, spec.timeZone)
    checkNonNegative(errors, 'spec.startingDeadlineSeconds', spec.startingDeadlineSeconds)
    checkEnum(errors, 'spec.concurrencyPolicy', spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace'])
    const job = spec.jobTemplate?.spec
    if (!job) errors.push(fieldErrors.required('spec.jobTemplate.spec.template'))
    else {
      validateJobSpec(errors, job, 'spec.jobTemplate.spec')
      if (job.selector)
        errors.push(fieldErrors.invalid('spec.jobTemplate.spec.selector', selectorValue(job.selector), '`selector` will be auto-generated'))
      if (job.manualSelector === true) errors.push(fieldErrors.notSupported('spec.jobTemplate.spec.manualSelector', true, ['nil', 'false']))
    }
    checkNonNegative(errors, 'spec.successfulJobsHistoryLimit', spec.successfulJobsHistoryLimit)
    checkNonNegative(errors, 'spec.failedJobsHistoryLimit', spec.failedJobsHistoryLimit)
    return errors
  },
  validateCreate: ({ metadata: { name = '' } }) =>
    name.length > nameLengthMax ? [fieldErrors.invalid('metadata.name', name, `must be no more than ${nameLengthMax} characters`)] : [],
  warnings: ({ metadata, spec }, old) => [
    ...(old ? [] : workloadNameWarnings(metadata)),
    ...(spec?.jobTemplate?.spec ? jobSpecWarnings(spec.jobTemplate.spec, 'spec.jobTemplate.spec') : []),
  ],
  columns: [
    nameColumn,
    column.string('Schedule', ({ spec }) => spec?.schedule ?? ''),
    column.string('Timezone', ({ spec }) => spec?.timeZone ?? '<none>'),
    column.boolean('Suspend', ({ spec }) => (spec?.suspend === undefined ? '<unset>' : spec.suspend ? 'True' : 'False')),
    column.integer('Active', ({ status }) => status?.active?.length ?? 0),
    column.string('Last Schedule', ({ status }, nowMs) => (status?.lastScheduleTime ? age(status.lastScheduleTime, nowMs) : '<none>')),
    ageColumn,
    column.wide('Containers', ({ spec }) => containerNames(spec?.jobTemplate?.spec?.template)),
    column.wide('Images', ({ spec }) => containerImages(spec?.jobTemplate?.spec?.template)),
    column.wide('Selector', ({ spec }) => selectorText(spec?.jobTemplate?.spec?.selector)),
  ],
})

function validateSchedule(errors: Errors, { schedule }: CronJobSpec): void {
  if (!schedule) {
    errors.push(fieldErrors.required('spec.schedule'))
    return
  }
  const wrong = scheduleProblem(schedule)
  if (wrong !== undefined) errors.push(fieldErrors.invalid('spec.schedule', schedule, wrong))
  if (schedule.includes('TZ'))
    errors.push(fieldErrors.invalid('spec.schedule', schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'))
}

/** What upstream's parser says, which knows a zone before the fields; undefined: nothing. */
function scheduleProblem(schedule: string): string | undefined {
  let fields = schedule
  if (/^(CRON_)?TZ=/.test(schedule)) {
    const end = schedule.indexOf(' ')
    if (end < 0) return 'invalid schedule format: runtime error: slice bounds out of range [:-1]'
    const zone = schedule.slice(schedule.indexOf('=') + 1, end)
    if (!isTimeZone(zone)) return `provided bad location ${zone}: unknown time zone ${zone}`
    fields = schedule.slice(end).trim()
  }
  try {
    parseCronSchedule(fields)
    return undefined
  } catch (error) {
    if (error instanceof CronError) return error.message
    throw error
  }
}

function validateTimeZone(errors: Errors, zone: string | undefined): void {
  const path = 'spec.timeZone'
  if (zone === undefined) return
  if (zone === '') errors.push(fieldErrors.invalid(path, zone, 'timeZone must be nil or non-empty string'))
  else if (!zone.split('/').every(isZonePart)) errors.push(fieldErrors.invalid(path, zone, `unknown time zone ${zone}`))
  else {
    if (zone.toLowerCase() === 'local')
      errors.push(fieldErrors.invalid(path, zone, 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones'))
    if (zone !== 'Local' && !isTimeZone(zone)) errors.push(fieldErrors.invalid(path, zone, `unknown time zone ${zone}`))
  }
}

const isZonePart = (part: string) => /^[A-Za-z._0-9+][A-Za-z.\-_0-9+]{0,13}$/.test(part) && part !== '.' && part !== '..'

function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: zone })
    return zone.split('/').every((part) => /^[A-Z]/.test(part)) && !isMiswritten(zone)
  } catch {
    return false // RangeError: the runtime knows no such zone.
  }
}

/** The runtime takes names of zones in any case, upstream as they are written. */
const isMiswritten = (zone: string) =>
  Intl.supportedValuesOf('timeZone').some((known) => known !== zone && known.toLowerCase() === zone.toLowerCase())
