import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PodSpec } from '../../kinds/generated/types/core-v1.ts'
import { testPod } from '../core/fixtures.ts'
import { ownerOf, shardKeyOf } from './shard-of.ts'

const members = ['server-1', 'server-2', 'server-3', 'server-4']
const keys = Array.from({ length: 4_000 }, (_, i) => `7c0f9d2e-0000-4000-8000-${String(i).padStart(12, '0')}`)

test('shares are about equal', () => {
  const counts = new Map<string, number>()
  for (const key of keys) counts.set(ownerOf(key, members)!, (counts.get(ownerOf(key, members)!) ?? 0) + 1)
  for (const member of members) assert.ok(Math.abs(counts.get(member)! - 1_000) < 120, `${member}: ${counts.get(member)}`)
})

test('when one goes only its keys move, when it comes back all is as it was, in whatever order they are named', () => {
  const without = members.slice(1)
  for (const key of keys) {
    const owner = ownerOf(key, members)
    assert.equal(ownerOf(key, [...members].reverse()), owner)
    if (owner !== 'server-1') assert.equal(ownerOf(key, without), owner)
  }
  assert.equal(ownerOf('k', []), undefined)
})

test('pods that must be judged together have one key', () => {
  const check = (spec: Partial<PodSpec>, expected: string) =>
    assert.equal(shardKeyOf(testPod({ name: 'p', namespace: 'shop', uid: 'u', spec })), expected)
  check({ resourceClaims: [{ name: 'gpu', resourceClaimName: 'gpu' }] }, 'devices')
  const term = { topologyKey: 'kubernetes.io/hostname', labelSelector: {} }
  check({}, 'u')
  check({ schedulingGroup: { podGroupName: 'g' } }, 'group/shop/g')
  check({ affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } }, 'namespace/shop')
  check({ affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } }, 'namespace/shop')
  const spread = (whenUnsatisfiable: 'DoNotSchedule' | 'ScheduleAnyway') => ({
    topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable }],
  })
  check(spread('DoNotSchedule'), 'namespace/shop')
  check(spread('ScheduleAnyway'), 'u')
})
