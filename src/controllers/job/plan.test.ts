import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { toTime } from '../../base/clock.ts'
import type { Job, JobSpec, JobStatus } from '../../kinds/generated/types/batch-v1.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { backoffLeftMs, recordAfter } from './failure-backoff.ts'
import { IndexSet } from './index-set.ts'
import { judgeJob } from './judge.ts'
import { planPods } from './plan.ts'
import { failureCountAnnotation, indexAnnotation, trackingFinalizer } from './pod-facts.ts'
import { planCounted, planTracking } from './tracking.ts'

const nowMs = Date.UTC(2026, 0, 2)

const jobOf = (spec: Partial<JobSpec>, status: JobStatus = {}): Job => ({
  metadata: { name: 'sum', namespace: 'd', uid: 'job' },
  spec: { parallelism: 1, backoffLimit: 6, template: { spec: { containers: [{ name: 'c', image: 'i' }] } }, ...spec },
  status,
})

/** `R` runs, `S` succeeded, `F` failed, `~` is being deleted, `.` has no finalizer any more; a number is its index, `x2` two failures before. */
function podsOf(text: string): Pod[] {
  return text
    .split(' ')
    .filter(Boolean)
    .map((word): Pod => {
      const index = /^\d+/.exec(word)?.[0]
      const before = /x(\d+)/.exec(word)?.[1]
      const annotations = { ...(index ? { [indexAnnotation]: index } : {}), ...(before ? { [failureCountAnnotation]: before } : {}) }
      return {
        metadata: {
          name: word,
          uid: word,
          annotations,
          creationTimestamp: toTime(nowMs - 60_000),
          finalizers: word.includes('.') ? [] : [trackingFinalizer],
          ...(word.includes('~') ? { deletionTimestamp: toTime(nowMs) } : {}),
        },
        status: {
          phase: word.includes('S') ? 'Succeeded' : word.includes('F') ? 'Failed' : 'Running',
          conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: toTime(nowMs - 5_000) }],
        },
      }
    })
}

const indexed = { completionMode: 'Indexed' as const }
const perIndex = { ...indexed, completions: 3, parallelism: 3, backoffLimitPerIndex: 2 }
const cases: [title: string, spec: Partial<JobSpec>, status: JobStatus, pods: string, expected: string][] = [
  ['creates what may run', { completions: 5, parallelism: 3 }, {}, '', '+ + +'],
  ['creates no more than are missing', { completions: 5, parallelism: 3 }, { succeeded: 3 }, 'R', '+'],
  ['takes the superfluous away', { completions: 5, parallelism: 1 }, {}, 'R1 R2', '-R1'],
  ['after the first success nothing is created without completions', { parallelism: 3 }, {}, 'S', ''],
  ['suspended runs nothing', { suspend: true, completions: 1 }, {}, 'R', '-R'],
  ['over the limit everything goes', { completions: 3, parallelism: 2, backoffLimit: 0 }, {}, 'F R', '-R'],
  ['replaces what is on its way out', { completions: 1 }, {}, 'R~', '+'],
  ['or waits until it failed', { completions: 1, podReplacementPolicy: 'Failed' }, {}, 'R~', ''],
  ['the lowest indexes first', { ...indexed, completions: 5, parallelism: 3 }, { completedIndexes: '1', succeeded: 1 }, '0R', '+2 +3'],
  ['of an index one is enough', { ...indexed, completions: 2, parallelism: 2 }, {}, '0R 0Ra', '-0R'],
  ['an index beyond the end goes', { ...indexed, completions: 1, parallelism: 1 }, {}, '0R 3R', '-3R'],
  [
    'an index on its way out waits by policy',
    { ...indexed, completions: 2, parallelism: 2, podReplacementPolicy: 'Failed' },
    {},
    '0R~',
    '+1',
  ],
  ['an index waits for itself', perIndex, {}, '0Fx0', '+1 +2'],
  ['an index that failed for good is left', perIndex, {}, '0Fx2', '+1 +2'],
]
for (const [title, spec, status, pods, expected] of cases)
  test(title, () => {
    const job = jobOf(spec, status)
    const verdict = judgeJob(job, podsOf(pods), nowMs)
    const plan = planPods(job, podsOf(pods), verdict, { failures: 0, lastFailureMs: 0 }, nowMs)
    const shown = [...plan.create.map(({ index }) => `+${index ?? ''}`), ...plan.remove.map(({ metadata }) => `-${metadata.name}`)]
    assert.equal(shown.join(' '), expected)
  })

const waits: [failures: number, sinceMs: number, expectedMs: number][] = [
  [0, 0, 0],
  [1, 0, 10_000],
  [1, 4_000, 6_000],
  [2, 0, 20_000],
  [7, 0, 600_000],
  [100, 599_000, 1_000],
]
for (const [failures, sinceMs, expected] of waits)
  test(`after ${failures} failures, ${sinceMs} ms ago, it waits ${expected} ms`, () =>
    assert.equal(backoffLeftMs({ failures, lastFailureMs: nowMs - sinceMs }, nowMs), expected))

test('a success ends the row of failures', () => {
  const [failed, succeeded] = [podsOf('F1 F2'), podsOf('S')]
  const record = recordAfter(undefined, [], failed)
  assert.equal(record.failures, 2)
  assert.equal(recordAfter(record, [], podsOf('F3')).failures, 3)
  assert.equal(recordAfter(record, succeeded, []).failures, 0)
})

test('counts each pod once: named, freed, counted; the end is said when nothing is left', () => {
  const job = jobOf({ completions: 2, backoffLimit: 0 }, { succeeded: 1, uncountedTerminatedPods: { succeeded: ['S.'] } })
  const pods = podsOf('S. F')
  const verdict = judgeJob(job, pods, nowMs)
  assert.equal(verdict.finish?.reason, 'BackoffLimitExceeded')
  const first = planTracking({ job, pods, verdict, finish: verdict.finish, nowMs })
  assert.deepEqual([first.status.succeeded, first.status.failed, first.status.uncountedTerminatedPods], [2, undefined, { failed: ['F'] }])
  assert.deepEqual(
    first.untrack.map(({ metadata }) => metadata.name),
    ['F'],
  )
  const waiting = planCounted(first.status, pods, verdict.finish, nowMs)
  assert.deepEqual([waiting.status.failed, waiting.events], [undefined, []], 'it still has its finalizer')
  const last = planCounted(first.status, [], verdict.finish, nowMs)
  assert.equal(last.status.failed, 1)
  assert.deepEqual(
    last.status.conditions?.map(({ type }) => type),
    ['FailureTarget', 'Failed'],
  )
})

test('one status names at most five hundred pods', () => {
  const job = jobOf({ completions: 1000, parallelism: 1000 })
  const pods = podsOf(Array.from({ length: 700 }, (_, i) => `S${i}`).join(' '))
  const { status, untrack, hasMore } = planTracking({ job, pods, verdict: judgeJob(job, pods, nowMs), finish: undefined, nowMs })
  assert.deepEqual([status.uncountedTerminatedPods?.succeeded?.length, untrack.length, hasMore], [500, 500, true])
})

for (const [text, completions, expected] of [
  ['', 5, ''],
  ['0,1,2', 5, '0-2'],
  ['0-1', 5, '0,1'],
  ['1,3-5,7', 8, '1,3-5,7'],
  ['1,3-7', 5, '1,3,4'],
] as const)
  test(`indexes "${text}" below ${completions} are "${expected}"`, () =>
    assert.equal(IndexSet.parse(text, completions).toString(), expected))

test('index sets behave as sets of numbers', () => {
  const numbers = fc.uniqueArray(fc.nat(40))
  fc.assert(
    fc.property(numbers, numbers, fc.nat(10), (a, b, count) => {
      const [left, right] = [IndexSet.of(a), IndexSet.of(b)]
      const both = new Set([...a, ...b])
      const union = left.union(right)
      assert.equal(union.size, both.size)
      assert.equal(left.commonSize(right), a.filter((index) => b.includes(index)).length)
      assert.deepEqual(
        union.missing(count, 41),
        Array.from({ length: 41 }, (_, i) => i)
          .filter((index) => !both.has(index))
          .slice(0, count),
      )
      assert.equal(IndexSet.parse(union.toString(), 41).toString(), union.toString())
      for (let index = 0; index < 41; index++) assert.equal(union.has(index), both.has(index))
    }),
  )
})
