import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod } from '../kinds/generated/types/core-v1.ts'
import { triggerTimeAnnotation, TriggerTimes, withTriggerTime } from './trigger-times.ts'

const service = (creationTimestamp = '2026-01-01T00:00:00Z') => ({ metadata: { name: 's', creationTimestamp } })
const pod = (name: string, second: number): Pod => ({
  metadata: { name },
  status: { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: `2026-01-01T00:00:0${second}Z` }] },
})
const at = (second: number) => `2026-01-01T00:00:0${second}Z`

test('the first time counts from the service, later ones from the earliest pod that changed', () => {
  const times = new TriggerTimes()
  assert.equal(times.next('d/s', service(), [pod('a', 5)]), at(0))
  assert.equal(times.next('d/s', service(), [pod('a', 5)]), undefined)
  assert.equal(times.next('d/s', service(), [pod('a', 7), pod('b', 6)]), at(6))
  assert.equal(times.next('d/s', service(), [pod('b', 6)]), undefined, 'a pod that goes has no time')
  assert.equal(times.next('d/s', service(at(9)), [pod('b', 6)]), at(9), 'another service of the name')
  times.forget('d/s')
  assert.equal(times.next('d/s', service(), []), at(0))
})

test('the annotation is put beside the others, or taken away', () => {
  assert.deepEqual(withTriggerTime({ a: 'b' }, at(1)), { annotations: { a: 'b', [triggerTimeAnnotation]: at(1) } })
  assert.deepEqual(withTriggerTime({ a: 'b', [triggerTimeAnnotation]: at(1) }, undefined), { annotations: { a: 'b' } })
  assert.deepEqual(withTriggerTime({ [triggerTimeAnnotation]: at(1) }, undefined), {})
})
