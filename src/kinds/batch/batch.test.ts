import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deepClone } from '../../machinery/deep-clone.ts'
import type { CronJob, CronJobSpec, Job, JobSpec } from '../generated/types/batch-v1.ts'
import { ago, created, createErrors, defaulted, frozen, header, row, updated } from '../kind-test-support.ts'
import { cronJobs } from './cron-job.ts'
import { CronError, parseCronSchedule } from './cron-schedule.ts'
import { jobs } from './job.ts'

const template = { spec: { restartPolicy: 'Never' as const, containers: [{ name: 'c', image: 'x:1' }] } }
const job = (spec: Partial<JobSpec> = {}): Job =>
  deepClone({ metadata: { name: 'j', namespace: 'd', uid: 'u-1', creationTimestamp: ago(60) }, spec: { template, ...spec } })

test('a job runs once, with its own selector', () => {
  const { spec, metadata } = created(jobs, job())
  const { template: full, ...rest } = spec!
  assert.deepEqual(rest, {
    completions: 1,
    parallelism: 1,
    backoffLimit: 6,
    completionMode: 'NonIndexed',
    suspend: false,
    manualSelector: false,
    podReplacementPolicy: 'TerminatingOrFailed',
    selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': 'u-1' } },
  })
  assert.deepEqual(full.metadata!.labels, {
    'job-name': 'j',
    'controller-uid': 'u-1',
    'batch.kubernetes.io/job-name': 'j',
    'batch.kubernetes.io/controller-uid': 'u-1',
  })
  assert.equal(metadata.generation, 1)
})

test('a job with parallelism only has no completions', () => {
  assert.equal(defaulted(jobs, job({ parallelism: 3 })).spec!.completions, undefined)
})

function check(title: string, spec: Partial<JobSpec>, ...expected: string[]): void {
  test(`job: ${title}`, () => assert.deepEqual(createErrors(jobs, job(spec)), expected))
}
check('the least is fine', {})
check(
  'pods end',
  { template: { spec: { ...template.spec, restartPolicy: 'Always' } } },
  'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
)
check('counts are not negative', { parallelism: -1 }, 'spec.parallelism: Invalid value: -1: must be greater than or equal to 0')
check(
  'indexes have an end',
  { completionMode: 'Indexed', parallelism: 2 },
  'spec.completions: Required value: when completion mode is Indexed',
)
check(
  'a manual selector is given',
  { manualSelector: true },
  'spec.selector: Required value',
  'spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`',
)
check(
  'a limit per index needs indexes',
  { backoffLimitPerIndex: 1 },
  'spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode',
)
check(
  'a failure rule says what it looks at',
  { podFailurePolicy: { rules: [{ action: 'Ignore' }] } },
  'spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required',
)
check(
  'exit codes rise',
  { podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [3, 1] } }] } },
  'spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [3,1]: must be ordered',
)
check(
  'conditions have a type and a status that is one',
  { podFailurePolicy: { rules: [{ action: 'Ignore', onPodConditions: [{ type: '', status: 'Maybe' }] }] } },
  'spec.podFailurePolicy.rules[0].onPodConditions[0].type: Invalid value: "": name part must be non-empty',
  `spec.podFailurePolicy.rules[0].onPodConditions[0].type: Invalid value: "": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
  'spec.podFailurePolicy.rules[0].onPodConditions[0].status: Unsupported value: "Maybe": supported values: "False", "True", "Unknown"',
)
check(
  'a job of another controller names it by its domain',
  { managedBy: 'me' },
  'spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")',
)
check(
  'indexes of success are read',
  {
    completionMode: 'Indexed',
    completions: 5,
    successPolicy: { rules: [{ succeededIndexes: '1-2', succeededCount: 3 }, { succeededIndexes: '3,2' }, { succeededIndexes: '9' }] },
  },
  'spec.successPolicy.rules[0].succeededCount: Invalid value: 3: must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)',
  'spec.successPolicy.rules[1].succeededIndexes: Invalid value: "3,2": error parsing succeededIndexes: non-increasing order, previous: 3, current: 2',
  'spec.successPolicy.rules[2].succeededIndexes: Invalid value: "9": error parsing succeededIndexes: too large index: "9"',
)
check(
  'a great many indexes are bounded',
  { completionMode: 'Indexed', completions: 100_001, parallelism: 10_001, backoffLimitPerIndex: 1 },
  'spec.maxFailedIndexes: Required value: must be specified when completions is above 100000',
  'spec.parallelism: Invalid value: 10001: must be less than or equal to 10000 when completions are above 100000 and used with backoff limit per index',
)
check(
  'labels that were given do not hide those that are generated',
  { template: { ...template, metadata: { labels: { 'job-name': 'other' } } } },
  `spec.template.metadata.labels[job-name]: Invalid value: {"batch.kubernetes.io/controller-uid":"u-1","batch.kubernetes.io/job-name":"j","controller-uid":"u-1","job-name":"other"}: must be 'j'`,
)
check(
  'a selector that is none does not throw',
  { manualSelector: true, selector: { matchExpressions: [{ key: 'a', operator: 'is' }] } },
  'spec.selector.matchExpressions[0].operator: Invalid value: "is": not a valid selector operator',
)

test('a job is fixed, but for its parallelism, and its nodes while it has not begun', () => {
  const fields = (old: Job, change: (spec: JobSpec) => void) => {
    const before = frozen(created(jobs, old))
    const next = deepClone(before)
    change(next.spec!)
    const after = updated(jobs, before, next)
    return jobs.validateUpdate!(after, before).map((e) => e.field)
  }
  assert.deepEqual(
    fields(job(), (s) => (s.parallelism = 2)),
    [],
  )
  assert.deepEqual(
    fields(job(), (s) => (s.completions = 2)),
    ['spec.completions'],
  )
  assert.deepEqual(
    fields(job(), (s) => (s.template.spec!.nodeSelector = { a: 'b' })),
    ['spec.template'],
  )
  assert.deepEqual(
    fields(job({ suspend: true }), (s) => (s.template.spec!.nodeSelector = { a: 'b' })),
    [],
  )
  assert.deepEqual(
    fields(job({ suspend: true }), (s) => (s.template.spec!.containers[0]!.image = 'y')),
    ['spec.template.spec'],
  )
  const podAntiAffinity = { preferredDuringSchedulingIgnoredDuringExecution: [] }
  assert.deepEqual(
    fields(job({ suspend: true }), (s) => (s.template.spec!.affinity = { podAntiAffinity })),
    ['spec.template.spec'],
  )
  const resources = { requests: { cpu: '1' } }
  const idle = { ...job({ suspend: true }), status: { conditions: [{ type: 'Suspended', status: 'True' as const }] } }
  assert.deepEqual(
    fields(job({ suspend: true }), (s) => (s.template.spec!.containers[0]!.resources = resources)),
    [],
  )
  const before = { ...created(jobs, job({ suspend: true })), status: idle.status }
  const next = deepClone(before)
  next.spec!.template.spec!.containers[0]!.resources = resources
  assert.deepEqual(jobs.validateUpdate!(next, frozen(before)), [])
  assert.deepEqual(
    fields(job({ completionMode: 'Indexed', completions: 2, parallelism: 2 }), (s) => (s.completions = 3)),
    ['spec.completions'],
  )
})

test('columns of jobs', () => {
  assert.equal(header(jobs), 'NAME ; STATUS ; COMPLETIONS ; DURATION ; AGE | CONTAINERS ; IMAGES ; SELECTOR')
  const done = {
    ...job({ completions: 3 }),
    status: { succeeded: 3, startTime: ago(50), completionTime: ago(10), conditions: [{ type: 'Complete', status: 'True' }] },
  }
  assert.equal(row(jobs, done), 'j ; Complete ; 3/3 ; 40s ; 60s | c ; x:1 ; <none>')
  assert.equal(
    row(jobs, { ...job({ parallelism: 2 }), status: { startTime: ago(50) } }),
    'j ; Running ; 0/1 of 2 ; 50s ; 60s | c ; x:1 ; <none>',
  )
  assert.equal(
    row(jobs, { ...job(), status: { conditions: [{ type: 'Suspended', status: 'True' }] } }),
    'j ; Suspended ; 0/1 ;  ; 60s | c ; x:1 ; <none>',
  )
})

const cronJob = (spec: Partial<CronJobSpec> = {}, name = 'c'): CronJob =>
  deepClone({
    metadata: { name, namespace: 'd', creationTimestamp: ago(60) },
    spec: { schedule: '*/5 * * * *', jobTemplate: { spec: { template } }, ...spec },
  })

test('a cron job gets its limits', () => {
  const { jobTemplate: _, ...spec } = defaulted(cronJobs, cronJob()).spec
  assert.deepEqual(spec, {
    schedule: '*/5 * * * *',
    concurrencyPolicy: 'Allow',
    suspend: false,
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 1,
  })
})

function checkCron(title: string, given: CronJob, ...expected: string[]): void {
  test(`cron job: ${title}`, () => assert.deepEqual(createErrors(cronJobs, given), expected))
}
checkCron('the least is fine', cronJob())
checkCron(
  'jobs need room for their names',
  cronJob({}, 'c'.repeat(53)),
  `metadata.name: Invalid value: "${'c'.repeat(53)}": must be no more than 52 characters`,
)
checkCron('a schedule is there', cronJob({ schedule: '' }), 'spec.schedule: Required value')
checkCron(
  'of five fields',
  cronJob({ schedule: '* * * *' }),
  'spec.schedule: Invalid value: "* * * *": expected exactly 5 fields, found 4: [* * * *]',
)
checkCron(
  'without a zone inside',
  cronJob({ schedule: 'TZ=UTC * * * * *' }),
  'spec.schedule: Invalid value: "TZ=UTC * * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
)
checkCron(
  'a zone is one',
  cronJob({ timeZone: 'Atlantis/Poseidonis' }),
  'spec.timeZone: Invalid value: "Atlantis/Poseidonis": unknown time zone Atlantis/Poseidonis',
)
checkCron('a zone that is', cronJob({ timeZone: 'Europe/Berlin' }))
checkCron(
  'the policy is known',
  cronJob({ concurrencyPolicy: 'Maybe' as never }),
  'spec.concurrencyPolicy: Unsupported value: "Maybe": supported values: "Allow", "Forbid", "Replace"',
)

test('columns of cron jobs', () => {
  assert.equal(header(cronJobs), 'NAME ; SCHEDULE ; TIMEZONE ; SUSPEND ; ACTIVE ; LAST SCHEDULE ; AGE | CONTAINERS ; IMAGES ; SELECTOR')
  assert.equal(
    row(cronJobs, { ...defaulted(cronJobs, cronJob()), status: { lastScheduleTime: ago(30), active: [{}] } }),
    'c ; */5 * * * * ; <none> ; False ; 1 ; 30s ; 60s | c ; x:1 ; <none>',
  )
})

const schedules: readonly (readonly [string, string])[] = [
  ['0 0 1 1 *', 'minutes 0 hours 0 daysOfMonth 1 months 1 daysOfWeek 0,1,2,3,4,5,6'],
  ['@weekly', 'minutes 0 hours 0 daysOfMonth 1..31 months 1..12 daysOfWeek 0'],
  ['*/20 8-10 * jan,DEC mon-fri/2', 'minutes 0,20,40 hours 8,9,10 daysOfMonth 1..31 months 1,12 daysOfWeek 1,3,5'],
  ['@every 1h30m', 'every 5400000'],
  ['', 'empty spec string'],
  ['@never', 'unrecognized descriptor: @never'],
  ['60 * * * *', 'end of range (60) above maximum (59): 60'],
  ['5-2 * * * *', 'beginning of range (5) beyond end of range (2): 5-2'],
  ['*/0 * * * *', 'step of range should be a positive number: */0'],
  ['x * * * *', 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'],
  ['1/2/3 * * * *', 'too many slashes: 1/2/3'],
]
for (const [text, expected] of schedules) test(`schedule "${text}"`, () => assert.equal(describe(text), expected))

function describe(text: string): string {
  try {
    const schedule = parseCronSchedule(text)
    if (schedule.type === 'every') return `every ${schedule.intervalMs}`
    return (['minutes', 'hours', 'daysOfMonth', 'months', 'daysOfWeek'] as const)
      .map((field) => `${field} ${range([...schedule[field]])}`)
      .join(' ')
  } catch (error) {
    assert.ok(error instanceof CronError)
    return error.message
  }
}

function range(values: readonly number[]): string {
  return values.length > 7 ? `${values[0]}..${values.at(-1)}` : values.join(',')
}
