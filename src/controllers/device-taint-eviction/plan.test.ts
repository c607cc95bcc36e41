import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { DeviceTaint, DeviceToleration, ResourceClaim, ResourceSlice } from '../../kinds/generated/types/resource-v1.ts'
import { evictionTimeMs } from './plan.ts'

const time = '2026-01-01T00:00:00Z'
const sinceMs = Date.parse(time)
const taint = (key: string, effect = 'NoExecute'): DeviceTaint => ({ key, value: 'v', effect, timeAdded: time }) as DeviceTaint
const bears = (more: object): DeviceToleration => ({ key: 'k', operator: 'Exists', effect: 'NoExecute', ...more }) as DeviceToleration

const pod = (more: Partial<Pod['spec']> = {}): Pod => ({
  metadata: { name: 'p', namespace: 'n', uid: 'u' },
  spec: { containers: [], nodeName: 'a', resourceClaims: [{ name: 'c', resourceClaimName: 'mine' }], ...more },
})
const slice = (generation: number, taints: DeviceTaint[]): ResourceSlice => ({
  metadata: {},
  spec: { driver: 'd', pool: { name: 'pool', generation, resourceSliceCount: 1 }, devices: [{ name: 'x', taints }] },
})
const claim = (tolerations: DeviceToleration[], uid = 'u'): ResourceClaim => ({
  metadata: { name: 'mine', namespace: 'n' },
  spec: {},
  status: {
    allocation: { devices: { results: [{ request: 'r', driver: 'd', pool: 'pool', device: 'x', tolerations }] } },
    reservedFor: [{ resource: 'pods', name: 'p', uid }],
  },
})

type Case = { pod?: Pod; claim?: ResourceClaim; slices?: readonly ResourceSlice[] }
const broken = [slice(1, [taint('k')])]

/** Expected: seconds after the taint. */
const cases: readonly [string, Case, number | 'never'][] = [
  ['at once where nothing is tolerated', { slices: broken }, 0],
  ['never where all is', { slices: broken, claim: claim([bears({})]) }, 'never'],
  [
    'when the shortest toleration ends',
    { slices: broken, claim: claim([bears({ tolerationSeconds: 60 }), bears({ tolerationSeconds: 5 })]) },
    5,
  ],
  ['a negative toleration is none', { slices: broken, claim: claim([bears({ tolerationSeconds: -5 })]) }, 0],
  ['a toleration of any effect does not count', { slices: broken, claim: claim([{ operator: 'Exists' }]) }, 0],
  ['nor one of another value', { slices: broken, claim: claim([bears({ operator: 'Equal', value: 'w' })]) }, 0],
  ['taints of other effects do nothing', { slices: [slice(1, [taint('k', 'NoSchedule')])] }, 'never'],
  ['of two taints the earlier end counts', { slices: [slice(1, [taint('k'), taint('l')])], claim: claim([bears({})]) }, 0],
  ['slices of an earlier generation do not count', { slices: [...broken, slice(2, [])] }, 'never'],
  ['a pod without a node has time', { slices: broken, pod: pod({ nodeName: '' }) }, 'never'],
  ['a claim that is kept for another does not count', { slices: broken, claim: claim([], 'other') }, 'never'],
  ['nor one that was made for another', { slices: broken, claim: owned('other') }, 'never'],
  ['one that was made for it does', { slices: broken, claim: owned('u') }, 0],
  ['a device that is not told of is well', { slices: [] }, 'never'],
  [
    'a pod may name a claim that is not made yet',
    { slices: broken, pod: pod({ resourceClaims: [{ name: 'c', resourceClaimTemplateName: 't' }] }) },
    'never',
  ],
]

function owned(uid: string): ResourceClaim {
  const one = claim([])
  const ownerReferences = [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid, controller: true }]
  return { ...one, metadata: { ...one.metadata, ownerReferences } }
}

for (const [title, given, expected] of cases)
  test(title, () => {
    const view = {
      claim: (key: string) => (key === 'n/mine' ? (given.claim ?? claim([])) : undefined),
      slicesOf: (driver: string, pool: string) => (driver === 'd' && pool === 'pool' ? (given.slices ?? []) : []),
    }
    const actual = evictionTimeMs(given.pod ?? pod(), view)
    assert.equal(actual === 'never' ? actual : (actual - sinceMs) / 1000, expected)
  })
