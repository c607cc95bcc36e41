import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { planPodGc } from './plan.ts'

const pod = (name: string, node: string, phase = 'Running', deleting = false): Pod => ({
  metadata: { name, creationTimestamp: `2026-01-01T00:00:0${name.slice(1)}Z`, ...(deleting ? { deletionTimestamp: 't' } : {}) },
  spec: { containers: [], ...(node ? { nodeName: node } : {}) },
  status: { phase: phase as 'Running' },
})
const names = (pods: readonly Pod[]) => pods.map((p) => p.metadata.name).join()

test('takes orphans after the quarantine, what was deleted unscheduled, and the oldest ended ones beyond the limit', () => {
  const pods = [
    pod('p1', 'here'),
    pod('p2', 'gone'),
    pod('p3', 'lost'),
    pod('p4', '', 'Pending', true),
    pod('p5', '', 'Pending'),
    pod('p8', 'here', 'Failed'),
    pod('p6', 'here', 'Succeeded'),
    pod('p7', 'here', 'Succeeded', true),
    pod('p9', 'off', 'Running', true),
    pod('p0', 'off'),
  ]
  const missing: Record<string, number> = { gone: 0, lost: 15_000 }
  const plan = planPodGc(
    { pods, missingSinceMs: (node) => missing[node], isOutOfService: (node) => node === 'off', terminatedMax: 1 },
    40_000,
  )
  assert.deepEqual([plan.orphans, plan.unscheduled, plan.outOfService, plan.terminated].map(names), ['p2', 'p4', 'p9', 'p6'])
  assert.equal(plan.requeueAfterMs, 15_000)
})

test('a limit of zero keeps every ended pod', () => {
  const plan = planPodGc(
    { pods: [pod('p1', 'here', 'Failed')], missingSinceMs: () => undefined, isOutOfService: () => false, terminatedMax: 0 },
    0,
  )
  assert.equal(plan.terminated.length, 0)
})

test('of too many ended pods the evicted ones go first, of one age by name', () => {
  const ended = (name: string, second: number, reason?: string): Pod => ({
    metadata: { name, creationTimestamp: `2026-01-01T00:00:0${second}Z` },
    spec: { containers: [], nodeName: 'here' },
    status: { phase: 'Failed', ...(reason ? { reason } : {}) },
  })
  const pods = [ended('d', 1), ended('c', 1), ended('b', 2), ended('a', 3, 'Evicted')]
  const { terminated } = planPodGc({ pods, missingSinceMs: () => undefined, isOutOfService: () => false, terminatedMax: 2 }, 0)
  assert.equal(names(terminated), 'a,c')
})
