import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Event } from '../generated/types/events-v1.ts'
import { ago, createErrors, updateErrors } from '../kind-test-support.ts'
import { events } from './event.ts'

const event = (extra: Partial<Event> = {}): Event => ({
  metadata: { name: 'x', namespace: 'd' },
  eventTime: `${ago(5).slice(0, -1)}.000000Z`,
  regarding: { kind: 'Pod', namespace: 'd', name: 'p' },
  type: 'Normal',
  reason: 'Done',
  action: 'Do',
  note: 'all of it',
  reportingController: 'example.com/doer',
  reportingInstance: 'doer-1',
  ...extra,
})

function check(title: string, extra: Partial<Event>, ...expected: string[]): void {
  test(`event: ${title}`, () => assert.deepEqual(createErrors(events, event(extra)), expected))
}
check('one that says all', {})
check('one of an object without a namespace may be with the control plane', {
  metadata: { name: 'x', namespace: 'kube-system' },
  regarding: { kind: 'Node', name: 'n' },
})
check(
  'the old fields stay empty',
  { deprecatedCount: 2, deprecatedSource: { component: 'c' }, deprecatedFirstTimestamp: ago(1) },
  'firstTimestamp: Invalid value: "": needs to be unset',
  'count: Invalid value: "": needs to be unset',
  'source: Invalid value: "": needs to be unset',
)
check(
  'a series is more than one, and seen',
  { series: { count: 1 } as never },
  'series.count: Invalid value: "": should be at least 2',
  'series.lastObservedTime: Required value',
)

test('event: only its series moves', () => {
  assert.deepEqual(updateErrors(events, event(), event({ series: { count: 2, lastObservedTime: ago(1) } })), [])
  assert.deepEqual(updateErrors(events, event(), event({ note: 'more', deprecatedCount: 3 })), [
    'message: Invalid value: "more": field is immutable',
    'count: Invalid value: 3: field is immutable',
  ])
})
