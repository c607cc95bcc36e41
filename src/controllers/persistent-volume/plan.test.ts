import assert from 'node:assert/strict'
import { test } from 'node:test'
import type {
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
  PersistentVolumeSpec,
  Pod,
} from '../../kinds/generated/types/core-v1.ts'
import type { StorageClass } from '../../kinds/generated/types/storage-v1.ts'
import { type ClaimObserved, planClaim, planVolume, type Step } from './plan.ts'

type Modes = NonNullable<PersistentVolumeSpec['accessModes']>
const nowMs = Date.UTC(2026, 0, 1)
const claim = (spec: PersistentVolumeClaimSpec = {}, annotations: Record<string, string> = {}): PersistentVolumeClaim => ({
  metadata: { name: 'c', namespace: 'ns', uid: 'u1', annotations },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '5Gi' } }, storageClassName: '', ...spec },
  status: { phase: 'Pending' },
})
const volume = (
  name: string,
  spec: PersistentVolumeSpec = {},
  more: { phase?: 'Available' | 'Released' | 'Bound' | 'Failed'; annotations?: Record<string, string> } = {},
): PersistentVolume => ({
  metadata: { name, ...(more.annotations ? { annotations: more.annotations } : {}) },
  spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '5Gi' }, hostPath: { path: '/x' }, ...spec },
  status: { phase: more.phase ?? 'Available' },
})
const storageClass = (volumeBindingMode: 'Immediate' | 'WaitForFirstConsumer', provisioner = 'x.example.com'): StorageClass => ({
  metadata: { name: 'fast' },
  provisioner,
  volumeBindingMode,
})
const reference = (uid: string | undefined, name = 'c') => ({ claimRef: { namespace: 'ns', name, ...(uid ? { uid } : {}) } })

function plan(observed: Partial<ClaimObserved> & { claim: PersistentVolumeClaim }): Step {
  const all = { named: undefined, volumes: [], storageClass: undefined, defaultClass: undefined, consumers: [], nodeOf: () => undefined }
  return planClaim({ ...all, ...observed }, nowMs)
}

/** `reserve v`, `class fast`, `Pending FailedBinding`, … */
function told({ write, event }: Step): string {
  const what = () => {
    switch (write?.type) {
      case 'volume':
        return `${write.volume.spec?.claimRef?.uid ? 'reserve' : 'free'} ${write.volume.metadata.name}`
      case 'volumeStatus':
        return `${write.volume.metadata.name} ${write.volume.status?.phase}`
      case 'claim':
        return write.claim.spec?.volumeName ? `bind to ${write.claim.spec.volumeName}` : `class ${write.claim.spec?.storageClassName}`
      case 'claimStatus':
        return `claim ${write.claim.status?.phase}`
      default:
        return ''
    }
  }
  return [what(), event?.reason].filter(Boolean).join(' ')
}

const free: [string, PersistentVolumeClaim, PersistentVolume[], string][] = [
  [
    'the smallest that is large enough',
    claim(),
    [volume('a', { capacity: { storage: '9Gi' } }), volume('b', { capacity: { storage: '6Gi' } })],
    'reserve b',
  ],
  ['none that is too small', claim(), [volume('a', { capacity: { storage: '4Gi' } })], 'FailedBinding'],
  ['none of another class', claim(), [volume('a', { storageClassName: 'fast' })], 'FailedBinding'],
  ['none of another mode', claim(), [volume('a', { volumeMode: 'Block' })], 'FailedBinding'],
  ['none without the access mode', claim({ accessModes: ['ReadWriteMany'] }), [volume('a')], 'FailedBinding'],
  [
    'the one with the fewest modes',
    claim(),
    [volume('a', { accessModes: ['ReadWriteOnce', 'ReadWriteMany'] as Modes }), volume('b')],
    'reserve b',
  ],
  ['none that is released', claim(), [volume('a', {}, { phase: 'Released' })], 'FailedBinding'],
  ['none that is another claim’s', claim(), [volume('a', reference(undefined, 'other'))], 'FailedBinding'],
  [
    'the one that waits for it, though others fit better',
    claim(),
    [volume('a'), volume('b', { capacity: { storage: '99Gi' }, ...reference(undefined) })],
    'reserve b',
  ],
  ['none that its selector does not select', claim({ selector: { matchLabels: { a: 'b' } } }), [volume('a')], 'FailedBinding'],
]
for (const [title, subject, volumes, expected] of free)
  test(`a free claim takes ${title}`, () => assert.equal(told(plan({ claim: subject, volumes })), expected))

const named: [string, PersistentVolume | undefined, string][] = [
  ['is not there', undefined, ''],
  ['is free', volume('v'), 'reserve v'],
  ['is too small', volume('v', { capacity: { storage: '1Gi' } }), 'VolumeMismatch'],
  ['is another’s', volume('v', reference('u2', 'other')), 'FailedBinding'],
  ['is its own', volume('v', reference('u1')), 'v Bound'],
]
for (const [title, found, expected] of named)
  test(`a claim of a volume that ${title}: ${expected || 'waits'}`, () =>
    assert.equal(told(plan({ claim: claim({ volumeName: 'v' }), named: found })), expected))

test('a class is asked for a volume, once, and a claim of no class gets the default one', () => {
  const fast = storageClass('Immediate')
  const first = plan({ claim: claim({ storageClassName: 'fast' }), storageClass: fast })
  assert.ok(first.write?.type === 'claim')
  assert.equal(first.write.claim.metadata.annotations?.['volume.kubernetes.io/storage-provisioner'], 'x.example.com')
  assert.equal(told(plan({ claim: first.write.claim, storageClass: fast })), 'ExternalProvisioning')
  assert.equal(told(plan({ claim: claim({ storageClassName: 'fast' }) })), 'ProvisioningFailed')
  const { storageClassName: _, ...spec } = claim().spec!
  assert.equal(told(plan({ claim: { ...claim(), spec }, defaultClass: fast })), 'class fast')
})

test('a claim that waits for its first consumer waits for it, then for its node', () => {
  const observed = {
    claim: claim({ storageClassName: 'fast' }),
    storageClass: storageClass('WaitForFirstConsumer'),
    volumes: [volume('a', { storageClassName: 'fast' })],
  }
  assert.equal(told(plan(observed)), 'WaitForFirstConsumer')
  const pod: Pod = { metadata: { name: 'p' }, spec: { containers: [] } }
  assert.equal(told(plan({ ...observed, consumers: [pod] })), 'WaitForFirstConsumer', 'the scheduler has not looked at it yet')
  const unplaced: Pod = { ...pod, status: { conditions: [{ type: 'PodScheduled', status: 'False' }] } }
  assert.equal(told(plan({ ...observed, consumers: [unplaced] })), 'WaitForPodScheduled')
  const node: Node = { metadata: { name: 'n1', labels: { 'kubernetes.io/hostname': 'n1' } } }
  const placed = { ...observed, consumers: [{ ...pod, spec: { containers: [], nodeName: 'n1' } }], nodeOf: () => node }
  assert.equal(told(plan(placed)), 'reserve a')
  const elsewhere = {
    required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In' as const, values: ['n2'] }] }] },
  }
  const unreachable = plan({ ...placed, volumes: [volume('a', { storageClassName: 'fast', nodeAffinity: elsewhere })] })
  assert.ok(unreachable.write?.type === 'claim', 'asks the provisioner')
})

test('a binding takes four writes, each only once, and ends', () => {
  let one = claim()
  let other = volume('v')
  const steps: string[] = []
  for (let i = 0; i < 10; i++) {
    const isNamed = Boolean(one.spec?.volumeName)
    const { write } = plan({ claim: one, named: isNamed ? other : undefined, volumes: isNamed ? [] : [other] })
    if (!write) break
    if ('volume' in write) other = write.volume
    else one = write.claim
    steps.push(write.type)
    // A volume's own plan agrees with every state on the way.
    assert.equal(
      told(planVolume(other, one, nowMs)),
      other.spec?.claimRef?.uid && one.spec?.volumeName && other.status?.phase !== 'Bound' ? 'v Bound' : '',
    )
  }
  assert.deepEqual(steps, ['volume', 'volumeStatus', 'claim', 'claimStatus'])
  assert.deepEqual([one.status?.phase, one.status?.capacity, other.status?.phase], ['Bound', { storage: '5Gi' }, 'Bound'])
})

test('a bound claim whose volume is gone, or another’s, is Lost, once', () => {
  const bound = claim({ volumeName: 'v' }, { 'pv.kubernetes.io/bind-completed': 'yes' })
  assert.equal(told(plan({ claim: bound })), 'claim Lost ClaimLost')
  assert.equal(told(plan({ claim: bound, named: volume('v', reference('u2')) })), 'claim Lost ClaimMisbound')
  assert.equal(told(plan({ claim: { ...bound, status: { phase: 'Lost' } } })), '')
})

const condition = { type: 'StatusPatched', status: 'True' as const, reason: 'Test', message: 'by somebody else' }
test('what others say in a status stays theirs: only the phase is the controller’s, and what a lost volume offered', () => {
  const told = { ...claim(), status: { phase: 'Pending' as const, conditions: [condition] } }
  assert.equal(plan({ claim: told }).write, undefined)
  const lost = { ...claim({ volumeName: 'v' }, { 'pv.kubernetes.io/bind-completed': 'yes' }) }
  const { write } = plan({ claim: { ...lost, status: { phase: 'Bound', capacity: { storage: '5Gi' }, conditions: [condition] } } })
  assert.deepEqual(write?.type === 'claimStatus' && write.claim.status, { phase: 'Lost', conditions: [condition] })
  const free = { ...volume('v'), status: { phase: 'Available' as const, message: 'patched', reason: 'Test' } }
  assert.equal(planVolume(free, undefined, nowMs).write, undefined)
  const taken = planVolume({ ...free, spec: { ...free.spec, ...reference('u1') } }, undefined, nowMs).write
  const lastPhaseTransitionTime = '2026-01-01T00:00:00Z'
  assert.deepEqual(taken?.type === 'volumeStatus' && taken.volume.status, { phase: 'Released', reason: 'Test', lastPhaseTransitionTime })
})

const made = { 'pv.kubernetes.io/provisioned-by': 'x' }
const ours = { 'pv.kubernetes.io/bound-by-controller': 'yes' }
const elsewhere = claim({ volumeName: 'w' })
const volumes: [string, PersistentVolume, PersistentVolumeClaim | undefined, string][] = [
  ['nobody’s', volume('v', {}, { phase: 'Bound' }), undefined, 'v Available'],
  ['reserved by name', volume('v', reference(undefined), { phase: 'Bound' }), undefined, 'v Available'],
  ['of a claim that is gone', volume('v', reference('u1'), { phase: 'Bound' }), undefined, 'v Released'],
  [
    'released, retained',
    volume('v', { ...reference('u1'), persistentVolumeReclaimPolicy: 'Retain' }, { phase: 'Released' }),
    undefined,
    '',
  ],
  [
    'released, to be deleted by nobody',
    volume('v', { ...reference('u1'), persistentVolumeReclaimPolicy: 'Delete' }, { phase: 'Released' }),
    undefined,
    'v Failed VolumeFailedDelete',
  ],
  [
    'released, to be deleted by its provisioner',
    volume('v', { ...reference('u1'), persistentVolumeReclaimPolicy: 'Delete' }, { phase: 'Released', annotations: made }),
    undefined,
    '',
  ],
  [
    'released, to be deleted by its driver',
    volume(
      'v',
      { ...reference('u1'), persistentVolumeReclaimPolicy: 'Delete', csi: { driver: 'd.io', volumeHandle: 'h' } },
      { phase: 'Released' },
    ),
    undefined,
    '',
  ],
  [
    'released, to be recycled',
    volume('v', { ...reference('u1'), persistentVolumeReclaimPolicy: 'Recycle' }, { phase: 'Released' }),
    undefined,
    'v Failed VolumeFailedRecycle',
  ],
  ['reserved by us for a claim that went elsewhere', volume('v', reference('u1'), { annotations: ours }), elsewhere, 'free v'],
  [
    'made for a claim that went elsewhere',
    volume('v', { ...reference('u1'), persistentVolumeReclaimPolicy: 'Delete' }, { annotations: made }),
    elsewhere,
    'v Released',
  ],
]
for (const [title, subject, of, expected] of volumes)
  test(`a volume that is ${title}: ${expected || 'stays'}`, () => assert.equal(told(planVolume(subject, of, nowMs)), expected))
