import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod } from './generated/types/core-v1.ts'
import { isPodActive, isPodAvailable, isPodReady, isPodScheduled, isPodTerminal, podAvailableInMs, podRunState } from './pod-status.ts'

const start = Date.parse('2026-01-01T00:00:00Z')
const pod = (status: Pod['status'] = {}, metadata: Pod['metadata'] = {}): Pod => ({ metadata, status })
const ready = pod({ phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }] })

function check(title: string, actual: unknown, expected: unknown): void {
  test(title, () => assert.deepEqual(actual, expected))
}

check('a pod without conditions is not ready', isPodReady(pod()), false)
check('a pod whose Ready is True is ready', isPodReady(ready), true)
check('a ready pod is available at once without a minimum', isPodAvailable(ready, 0, start), true)
check('a ready pod waits its minimum', isPodAvailable(ready, 10, start + 9_999), false)
check('and is available when it is over', isPodAvailable(ready, 10, start + 10_000), true)
check('an unready pod is never available', isPodAvailable(pod(), 0, start), false)
check('the wait is known in advance', podAvailableInMs(ready, 10, start + 4_000), 6_000)
check('the wait of an unready pod is unknown', podAvailableInMs(pod(), 10, start), undefined)
check('Succeeded is terminal', isPodTerminal(pod({ phase: 'Succeeded' })), true)
check('Failed is not active', isPodActive(pod({ phase: 'Failed' })), false)
check('a pod being deleted is not active', isPodActive(pod({ phase: 'Running' }, { deletionTimestamp: '2026-01-01T00:00:00Z' })), false)
check('a running pod is active', isPodActive(ready), true)
check('a pod without a node is not scheduled', isPodScheduled({ metadata: {}, spec: { containers: [] } }), false)
check('no annotation means running', podRunState(pod()), 'running')
check('the annotation stops a pod', podRunState(pod({}, { annotations: { 'keelson.dev/run-state': 'stopped' } })), 'stopped')
check('an unknown word means running', podRunState(pod({}, { annotations: { 'keelson.dev/run-state': 'on' } })), 'running')
