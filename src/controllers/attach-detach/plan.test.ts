import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Node, PersistentVolume, Pod } from '../../kinds/generated/types/core-v1.ts'
import type { VolumeAttachment } from '../../kinds/generated/types/storage-v1.ts'
import { attachmentName, forceDetachMs, isAttachable, managedAnnotation, planAttachments, uniqueVolumeName } from './plan.ts'

const nowMs = Date.UTC(2026, 0, 2)
type Modes = NonNullable<NonNullable<PersistentVolume['spec']>['accessModes']>
const volumeOf = (accessModes: Modes = ['ReadWriteOnce'], driver = 'd.example.com'): PersistentVolume => ({
  metadata: { name: 'v' },
  spec: { csi: { driver, volumeHandle: 'h' }, accessModes },
})

type NodeState = 'ready' | 'down' | 'off' | 'own'
type Input = {
  readonly modes?: Modes
  /** Node of each pod; with `-` it is ending, with `!` it has ended. */
  readonly pods?: readonly string[]
  /** Node of each attachment; with `*` it is attached, with `-` it is being deleted. */
  readonly attached?: readonly string[]
  readonly mounted?: readonly string[]
  readonly nodes?: Readonly<Record<string, NodeState>>
  readonly unwantedFor?: number
}

function nodeOf(name: string, state: NodeState, isMounted: boolean): Node {
  return {
    metadata: { name, annotations: state === 'own' ? {} : { [managedAnnotation]: 'true' } },
    spec: state === 'off' ? { taints: [{ key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' }] } : {},
    status: {
      conditions: [{ type: 'Ready', status: state === 'ready' || state === 'own' ? 'True' : 'Unknown' }],
      ...(isMounted ? { volumesInUse: [uniqueVolumeName(volumeOf())] } : {}),
    },
  }
}

function podOf(text: string, i: number): Pod {
  const running = { name: 'c', state: { running: {} }, image: '', imageID: '', ready: true, restartCount: 0 }
  return {
    metadata: { name: `p${i}`, ...(text.endsWith('-') ? { deletionTimestamp: 't' } : {}) },
    spec: { containers: [], nodeName: text.replace(/[-!]$/, '') },
    status: { phase: text.endsWith('!') ? 'Succeeded' : 'Running', containerStatuses: [running] },
  }
}

function attachmentOf(text: string): VolumeAttachment {
  const nodeName = text.replace(/[*-]+$/, '')
  return {
    metadata: { name: attachmentName(volumeOf(), nodeName), ...(text.includes('-') ? { deletionTimestamp: 't' } : {}) },
    spec: { attacher: 'd.example.com', nodeName, source: { persistentVolumeName: 'v' } },
    status: { attached: text.includes('*') },
  }
}

const cases: readonly [string, Input, string][] = [
  ['a pod with a node asks for its volume there', { pods: ['a'] }, 'attach a'],
  ['not where the agent of the node attaches by itself', { pods: ['a'], nodes: { a: 'own' } }, ''],
  [
    'what is asked for already is not asked for again, and reported when it is there',
    { pods: ['a', 'b'], modes: ['ReadWriteMany'], attached: ['a', 'b*'] },
    'reported b',
  ],
  ['a volume for one place waits until it has left the other', { pods: ['b'], attached: ['a*'] }, 'detach a; refused b exclusively'],
  ['… and is refused while others use it', { pods: ['a', 'b'], attached: ['a*'] }, 'reported a; refused b p0'],
  ['… and while it is on its way out', { pods: ['b'], attached: ['a*-'] }, 'refused b exclusively'],
  ['of two at once one gets it', { pods: ['b', 'a'] }, 'attach a; refused b p1'],
  ['a volume for many goes to both', { pods: ['a', 'b'], modes: ['ReadOnlyMany'] }, 'attach a,b'],
  ['an ending pod holds it', { pods: ['a-'], attached: ['a*'] }, 'reported a'],
  ['an ended pod does not', { pods: ['a!'], attached: ['a*'] }, 'detach a'],
  ['what is mounted stays until the node has unmounted it', { attached: ['a*'], mounted: ['a'], unwantedFor: forceDetachMs }, 'reported a'],
  [
    'a node that does not answer keeps it for six minutes',
    { attached: ['a*'], mounted: ['a'], nodes: { a: 'down' }, unwantedFor: 60_000 },
    'reported a; again in 300000',
  ],
  ['and then loses it', { attached: ['a*'], mounted: ['a'], nodes: { a: 'down' }, unwantedFor: forceDetachMs }, 'detach a'],
  ['a node that is off for good loses it at once', { attached: ['a*'], mounted: ['a'], nodes: { a: 'off' } }, 'detach a'],
  ['a node that is gone loses it', { attached: ['gone*'], nodes: {} }, 'detach gone'],
  ['nothing goes to a node that is gone', { pods: ['gone'], nodes: {} }, ''],
]
for (const [title, input, expected] of cases)
  test(title, () => {
    const { modes, pods = [], attached = [], mounted = [], nodes = { a: 'ready', b: 'ready' }, unwantedFor } = input
    const plan = planAttachments(
      {
        volume: volumeOf(modes),
        pods: pods.map(podOf),
        attachments: attached.map(attachmentOf),
        node: (name) => (nodes[name] ? nodeOf(name, nodes[name], mounted.includes(name)) : undefined),
        unwantedSinceMs: () => (unwantedFor === undefined ? undefined : nowMs - unwantedFor),
      },
      nowMs,
    )
    const parts = [
      plan.attach.length > 0 ? `attach ${plan.attach.join()}` : '',
      plan.detach.length > 0 ? `detach ${plan.detach.map(({ spec }) => spec.nodeName).join()}` : '',
      plan.reported.size > 0 ? `reported ${[...plan.reported].join()}` : '',
      ...plan.refused.map(
        ({ nodeName, reason }) => `refused ${nodeName} ${/pod\(s\) (.*)|(exclusively)/.exec(reason)?.slice(1).find(Boolean)}`,
      ),
      plan.requeueAfterMs === undefined ? '' : `again in ${plan.requeueAfterMs}`,
    ]
    assert.equal(parts.filter(Boolean).join('; '), expected)
  })

test('drivers may need no attachment, and Keelson’s own needs none', () => {
  const driver = (attachRequired: boolean) => ({ metadata: { name: 'd.example.com' }, spec: { attachRequired } })
  assert.equal(isAttachable(volumeOf(), undefined), true)
  assert.equal(isAttachable(volumeOf(), driver(true)), true)
  assert.equal(isAttachable(volumeOf(), driver(false)), false)
  assert.equal(isAttachable(volumeOf([], 'local.keelson.dev'), undefined), false)
  assert.equal(isAttachable({ metadata: {}, spec: { hostPath: { path: '/' } } }, undefined), false)
})

test('attachments have the names that drivers expect', () =>
  assert.equal(attachmentName(volumeOf(), 'n'), 'csi-6f50f41227a8b176bdb8f16917f5785c6f29d47af0c6e4fb07ef999717e5cb6d'))
