import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Job, JobCondition, JobSpec, JobStatus } from '../generated/types/batch-v1.ts'
import { ago, frozen } from '../kind-test-support.ts'
import { validateJobStatusUpdate } from './job-status-validation.ts'

const job = (status: JobStatus, spec: Partial<JobSpec> = {}): Job =>
  frozen({ metadata: { name: 'j' }, spec: { template: {}, ...spec } as JobSpec, status })
const conditions = (...types: string[]): JobCondition[] => types.map((type) => ({ type, status: 'True' }))

type Given = { readonly old?: JobStatus; readonly next: JobStatus; readonly spec?: Partial<JobSpec> }
function check(title: string, { old = {}, next, spec }: Given, ...expected: string[]): void {
  test(`job status: ${title}`, () =>
    assert.deepEqual(
      validateJobStatusUpdate(job(next, spec), job(old, spec)).map((e) => `${e.field}: ${e.message}`),
      expected,
    ))
}

const complete = { conditions: conditions('SuccessCriteriaMet', 'Complete'), startTime: ago(9), completionTime: ago(1), succeeded: 1 }
const failed = { conditions: conditions('FailureTarget', 'Failed'), startTime: ago(9) }
const indexed = { completionMode: 'Indexed', completions: 5, parallelism: 2, backoffLimitPerIndex: 1 } as const

check('it may begin, count and end', { old: { active: 1, startTime: ago(9) }, next: complete })
check('it may fail', { next: failed })
check('counts are not negative', { next: { active: -1 } }, 'status.active: Invalid value: -1: must be greater than or equal to 0')
check(
  'a failure is aimed at first',
  { next: { ...failed, conditions: conditions('Failed') } },
  'status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition',
)
check(
  'a success meets its criteria first, at a time, after a start',
  { next: { conditions: conditions('Complete') } },
  'status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition',
  'status.completionTime: Required value: completionTime is required for Complete jobs',
  'status.startTime: Required value: startTime is required for finished job',
)
check('what is stored is let stand', {
  old: { conditions: conditions('Complete') },
  next: { conditions: conditions('Complete'), ready: 0 },
})
check(
  'a verdict is not taken back',
  { old: failed, next: { startTime: failed.startTime } },
  'status.conditions: Invalid value: cannot disable the terminal Failed=True condition',
  'status.conditions: Invalid value: cannot disable the terminal FailureTarget=True condition',
)
check(
  'nothing runs when it is over',
  { next: { ...complete, active: 1, terminating: 1, uncountedTerminatedPods: { succeeded: ['u'] } } },
  'status.active: Invalid value: 1: active>0 is invalid for finished job',
  'status.uncountedTerminatedPods: Invalid value: {"Succeeded":["u"],"Failed":null}: must be empty for finished job',
  'status.terminating: Invalid value: 1: terminating>0 is invalid for finished job',
)
check(
  'the end comes after the start and stays',
  { old: complete, next: { ...complete, completionTime: ago(20) } },
  `status.completionTime: Invalid value: "${ago(20)}": must be equal to or after \`startTime\``,
  `status.completionTime: Invalid value: "${ago(20)}": field is immutable`,
)
check(
  'the start stays while it is not suspended',
  { old: { startTime: ago(9) }, next: {} },
  'status.startTime: Invalid value: null: field is immutable for unsuspended job once set',
)
check('the start of a suspended one may go', { old: { startTime: ago(9) }, next: {}, spec: { suspend: true } })
check('a resumed one begins anew', { old: { startTime: ago(9), conditions: conditions('Suspended') }, next: { startTime: ago(1) } })
check(
  'counters rise',
  { old: { failed: 2, succeeded: 2 }, next: { failed: 1, succeeded: 1 } },
  'status.failed: Invalid value: 1: cannot decrease the failed counter',
  'status.succeeded: Invalid value: 1: cannot decrease the succeeded counter',
)
check('a job made smaller counts fewer', { old: { succeeded: 3 }, next: { succeeded: 2 }, spec: { ...indexed, completions: 2 } })
check('indexes are read', { next: { completedIndexes: '0,2-3', failedIndexes: '1,4' }, spec: indexed })
check(
  'indexes are of indexed jobs',
  { next: { completedIndexes: '0', failedIndexes: '' } },
  'status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed completion mode',
  'status.failedIndexes: Invalid value: "": cannot set non-null failedIndexes when backoffLimitPerIndex is null',
)
check(
  'no index is both',
  { next: { completedIndexes: '0-2', failedIndexes: '2' }, spec: indexed },
  'status.failedIndexes: Invalid value: "2": failedIndexes and completedIndexes overlap at index: 2',
)
check(
  'a range is one',
  { next: { completedIndexes: '1-2-3', failedIndexes: 'x' }, spec: indexed },
  `status.completedIndexes: Invalid value: "1-2-3": error parsing completedIndexes: the fragment "1-2-3" violates the requirement that an index interval can have at most two parts separated by '-'`,
  'status.failedIndexes: Invalid value: "x": error parsing failedIndexes: cannot convert string to integer for index: "x"',
)
check(
  'fewer are ready than are active',
  { next: { active: 1, ready: 2 } },
  'status.ready: Invalid value: 2: cannot set more ready pods than active',
)
