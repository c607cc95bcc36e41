import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { shutdownGrace, shutdownGroups, shutdownPeriods } from './plan-shutdown.ts'

const podOf = (name: string, priority?: number, grace?: number): Pod => ({
  metadata: { name },
  spec: {
    containers: [],
    ...(priority === undefined ? {} : { priority }),
    ...(grace === undefined ? {} : { terminationGracePeriodSeconds: grace }),
  },
})

test('the whole time without what is kept for the critical ones is the others’', () => {
  assert.deepEqual(shutdownPeriods(30, 10), [
    { priority: 0, seconds: 20 },
    { priority: 2_000_000_000, seconds: 10 },
  ])
  assert.deepEqual([shutdownPeriods(0, 0), shutdownPeriods(10, 20)], [[], []])
})

test('the least important end first; a priority between two belongs to the lower one', () => {
  const periods = [
    { priority: 100, seconds: 20 },
    { priority: 0, seconds: 10 },
    { priority: 1000, seconds: 30 },
    { priority: 500, seconds: 5 },
  ]
  const pods = [podOf('a'), podOf('b', 99), podOf('c', 100), podOf('d', 1_000_000), podOf('e', -5), podOf('f', 1000)]
  const groups = shutdownGroups(periods, pods).map(({ seconds, pods: members }) => [seconds, members.map((p) => p.metadata.name).join('')])
  assert.deepEqual(groups, [
    [10, 'abe'],
    [20, 'c'],
    [30, 'df'],
  ])
})

test('a pod gets no more than its own grace, and no more than its group’s time', () => {
  const period = { priority: 0, seconds: 10 }
  assert.deepEqual(
    [podOf('a', 0, 3), podOf('b', 0, 60), podOf('c')].map((pod) => shutdownGrace(period, pod)),
    [3, 10, 10],
  )
})
