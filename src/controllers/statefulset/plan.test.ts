import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toTime } from '../../base/clock.ts'
import type { StatefulSet, StatefulSetSpec } from '../../kinds/generated/types/apps-v1.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { newPod } from './identity.ts'
import { planStatefulSet, planStatus } from './plan.ts'
import { isStaleClaim, planRetention } from './retention.ts'

const nowMs = Date.UTC(2026, 0, 2)
const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
const old = { name: 'db-old', template }
const next = { name: 'db-new', template }

const statefulSet = (spec: Partial<StatefulSetSpec> = {}): StatefulSet => ({
  metadata: { name: 'db', namespace: 'd', uid: 'set', generation: 1 },
  spec: { replicas: 3, serviceName: 'db', selector: { matchLabels: { app: 'a' } }, template, ...spec },
})

/** `0` a healthy old pod, `0n` one of the new revision, `0!` one that is not ready, `0~` one that ends, `0f` one that failed. */
function podsOf(set: StatefulSet, text: string): Pod[] {
  return text
    .split(' ')
    .filter(Boolean)
    .map((word) => {
      const ordinal = Number.parseInt(word, 10)
      const pod = newPod(set, word.includes('n') ? next : old, ordinal)
      const status = word.includes('!') ? 'False' : 'True'
      return {
        ...pod,
        metadata: { ...pod.metadata, uid: `u${ordinal}`, ...(word.includes('~') ? { deletionTimestamp: 't' } : {}) },
        status: {
          phase: word.includes('f') ? ('Failed' as const) : ('Running' as const),
          conditions: [{ type: 'Ready', status, lastTransitionTime: toTime(nowMs - 10_000) }],
        },
      }
    })
}

const rolling = (rollingUpdate: object) => ({ updateStrategy: { type: 'RollingUpdate' as const, rollingUpdate } })
const parallel = { podManagementPolicy: 'Parallel' as const }
const cases: [string, Partial<StatefulSetSpec>, string, string][] = [
  ['begins with the first', {}, '', '+0'],
  ['waits for a predecessor', {}, '0!', ''],
  ['goes on after it is ready', {}, '0', '+1'],
  ['fills a gap first', {}, '0 2', '+1'],
  ['makes all at once when parallel', parallel, '1!', '+0 +2'],
  ['recreates what failed', {}, '0n 1nf 2n', '-1'],
  ['shrinks from the top, one at a time', { replicas: 1 }, '0n 1n 2n', '-2'],
  ['waits for the one that ends', { replicas: 1 }, '0n 1n 2n~', ''],
  ['shrinks all at once when parallel', { ...parallel, replicas: 0 }, '0n 1n 2n', '-2 -1 -0'],
  ['takes the lowest sick one when it shrinks', { replicas: 0 }, '0n!', '-0'],
  ['begins elsewhere when told to', { ordinals: { start: 5 }, replicas: 1 }, '0n', '+5'],
  ['updates from the top', {}, '0 1 2', '-2'],
  ['goes on when the updated one is ready', {}, '0 1 2n', '-1'],
  ['waits for the updated one', parallel, '0 1 2n!', ''],
  ['replaces an old one that is sick', parallel, '0 1 2!', '-2'],
  ['leaves those below the partition', rolling({ partition: 2 }), '0 1 2n', ''],
  ['updates several when it may', rolling({ maxUnavailable: 2 }), '0 1 2', '-2 -1'],
  ['counts who is missing already', { ...parallel, ...rolling({ maxUnavailable: 2 }) }, '0 1 2n!', '-1'],
  ['updates nothing by itself on OnDelete', { updateStrategy: { type: 'OnDelete' } }, '0 1 2', ''],
  ['waits until a ready pod is available', { minReadySeconds: 30 }, '0', ''],
  [
    'counts who becomes available where no step waits for it',
    { ...parallel, minReadySeconds: 30, updateStrategy: { type: 'OnDelete' } },
    '0 1 2',
    '',
  ],
  ['and behind one that is sick', { minReadySeconds: 30 }, '0! 1 2', ''],
]
for (const [title, spec, pods, expected] of cases)
  test(title, () => {
    const set = statefulSet(spec)
    const plan = planStatefulSet({ set, current: old, update: next, pods: podsOf(set, pods) }, nowMs)
    const shown = plan.actions.map(
      (action) => (action.type === 'create' ? '+' : action.type === 'delete' ? '-' : '=') + action.pod.metadata.name?.slice(3),
    )
    assert.equal(shown.join(' '), expected)
    if (spec.minReadySeconds) assert.equal(plan.requeueAfterMs, 20_000)
  })

test('a pod has its name, its host, its labels, its volumes, and below the partition the old template', () => {
  const volumeClaimTemplates = [{ metadata: { name: 'data' }, spec: {} }]
  const set = statefulSet({ volumeClaimTemplates, ...rolling({ partition: 1 }) })
  const [action] = planStatefulSet({ set, current: old, update: next, pods: [] }, nowMs).actions
  const { metadata, spec } = action!.pod
  assert.deepEqual([metadata.name, spec?.hostname, spec?.subdomain], ['db-0', 'db-0', 'db'])
  assert.deepEqual(metadata.labels, {
    app: 'a',
    'controller-revision-hash': 'db-old',
    'statefulset.kubernetes.io/pod-name': 'db-0',
    'apps.kubernetes.io/pod-index': '0',
  })
  assert.deepEqual(spec?.volumes, [{ name: 'data', persistentVolumeClaim: { claimName: 'data-db-0' } }])
})

test('the status counts by revision, and the update becomes current when it is complete', () => {
  const set = statefulSet()
  const status = (pods: string) => planStatus({ set, current: old, update: next, pods: podsOf(set, pods) }, nowMs)!
  const half = status('0 1n! 2n')
  assert.deepEqual(
    [half.replicas, half.readyReplicas, half.currentReplicas, half.updatedReplicas, half.currentRevision],
    [3, 2, 1, 2, 'db-old'],
  )
  const whole = status('0n 1n 2n')
  assert.deepEqual([whole.currentReplicas, whole.updatedReplicas, whole.currentRevision], [3, 3, 'db-new'])
})

const policies: [string | undefined, string | undefined, boolean, string][] = [
  [undefined, undefined, true, ''],
  ['Delete', 'Retain', false, 'StatefulSet'],
  ['Delete', 'Delete', true, 'Pod'],
  ['Retain', 'Delete', false, ''],
  ['Retain', 'Delete', true, 'Pod'],
]
for (const [whenDeleted, whenScaled, isCondemned, expected] of policies)
  test(`claims with whenDeleted ${whenDeleted}, whenScaled ${whenScaled}${isCondemned ? ', beyond the range' : ''} belong to ${expected || 'nobody'}`, () => {
    const policy = { ...(whenDeleted ? { whenDeleted } : {}), ...(whenScaled ? { whenScaled } : {}) }
    const set = statefulSet({ persistentVolumeClaimRetentionPolicy: policy })
    const [pod] = podsOf(set, '2')
    const user = { name: 'db-2', pod, isCondemned }
    const { owners } = planRetention(set, { metadata: { name: 'data-db-2' } }, user)
    assert.equal((owners ?? []).map(({ kind, controller }) => `${kind}${controller ? '' : '?'}`).join(), expected)
    if (owners) assert.equal(planRetention(set, { metadata: { ownerReferences: [...owners] } }, user).owners, undefined)
  })

const claimOwners: [string, object[], { owners: string[] | undefined; isContested: boolean }][] = [
  [
    'one that only names the set becomes its controller',
    [{ kind: 'StatefulSet', name: 'db', uid: 'set' }],
    { owners: ['set!'], isContested: false },
  ],
  ['a claim of an earlier set is left alone', [{ kind: 'StatefulSet', name: 'db', uid: 'old' }], { owners: undefined, isContested: false }],
  ['a claim of an earlier pod is left alone', [{ kind: 'Pod', name: 'db-0', uid: 'old' }], { owners: undefined, isContested: false }],
  [
    "another controller's claim is given up",
    [
      { kind: 'StatefulSet', name: 'db', uid: 'set' },
      { kind: 'Backup', name: 'b', uid: 'other', controller: true },
    ],
    { owners: ['other!'], isContested: true },
  ],
  [
    "another controller's claim is not taken",
    [{ kind: 'Backup', name: 'b', uid: 'other', controller: true }],
    { owners: undefined, isContested: true },
  ],
  ["others' references stay", [{ kind: 'Backup', name: 'b', uid: 'other' }], { owners: ['other', 'set!'], isContested: false }],
]
for (const [title, present, expected] of claimOwners)
  test(`of the owners of a claim: ${title}`, () => {
    const set = statefulSet({ persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Delete' } })
    const [pod] = podsOf(set, '0')
    const ownerReferences = present.map((reference) => ({ apiVersion: 'v1', kind: '', name: '', uid: '', ...reference }))
    const { owners, isContested } = planRetention(set, { metadata: { ownerReferences } }, { name: 'db-0', pod, isCondemned: false })
    assert.deepEqual({ owners: owners?.map(({ uid, controller }) => `${uid}${controller ? '!' : ''}`), isContested }, expected)
  })

test('a pod waits while a claim of its name is about to go with an earlier pod', () => {
  const set = statefulSet({ replicas: 2, persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Delete' } })
  const claim = { metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'db-1', uid: 'old' }] } }
  assert.equal(isStaleClaim(set, claim, 'db-1'), true)
  assert.equal(isStaleClaim(set, claim, 'db-0'), false)
  const observed = { set, current: next, update: next, pods: podsOf(set, '0n') }
  assert.equal(planStatefulSet(observed, nowMs).actions.length, 1)
  assert.equal(planStatefulSet({ ...observed, hasStaleClaim: (ordinal) => ordinal === 1 }, nowMs).actions.length, 0)
})
