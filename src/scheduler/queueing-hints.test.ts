import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type NodeInput, type PodInput, testNode, testPod } from './core/fixtures.ts'
import { Snapshot } from './core/snapshot.ts'
import { allPlugins } from './plugins/all.ts'
import { type ClusterEvent, isElsewhere, mayHelp } from './queueing-hints.ts'

const taint = { key: 'dedicated', effect: 'NoSchedule' } as const
const big: Omit<PodInput, 'name'> = { requests: { cpu: '2' } }
const added = (input: Omit<NodeInput, 'name'>): ClusterEvent => ({ kind: 'NodeAdded', node: testNode({ name: 'n', ...input }) })
const changed = (old: Omit<NodeInput, 'name'>, now: Omit<NodeInput, 'name'>): ClusterEvent => ({
  kind: 'NodeChanged',
  node: testNode({ name: 'n', ...now }),
  old: testNode({ name: 'n', ...old }),
})
const other = new Snapshot().shapeOf(testPod({ name: 'other' }))

const cases: readonly [string, ClusterEvent, Omit<PodInput, 'name'>, string, boolean][] = [
  ['a new node that is large enough', added({ cpu: '2' }), big, 'NodeResourcesFit', true],
  ['a new node that is too small', added({ cpu: '1' }), big, 'NodeResourcesFit', false],
  ['a new node with a taint in the way', added({ taints: [taint] }), big, 'NodeResourcesFit', false],
  ['a new node with another label', added({ labels: { disk: 'hdd' } }), { spec: { nodeSelector: { disk: 'ssd' } } }, 'NodeAffinity', false],
  ['more of what is asked for', changed({ cpu: '1' }, { cpu: '2' }), big, 'NodeResourcesFit', true],
  ['more of something else', changed({ cpu: '2', memory: '1Gi' }, { cpu: '2', memory: '2Gi' }), big, 'NodeResourcesFit', false],
  ['less', changed({ cpu: '4' }, { cpu: '3' }), big, 'NodeResourcesFit', false],
  [
    'an uncordoned node that is too small all the same',
    changed({ unschedulable: true, cpu: '1' }, { cpu: '1' }),
    big,
    'NodeUnschedulable',
    true,
  ],
  [
    'an uncordoned node that is too small all the same',
    changed({ unschedulable: true, cpu: '1' }, { cpu: '1' }),
    big,
    'NodeResourcesFit',
    false,
  ],
  ['one taint of two removed', changed({ taints: [taint, { ...taint, key: 'more' }] }, { taints: [taint] }), big, 'TaintToleration', false],
  ['a label, for affinity that the profile adds', changed({}, { labels: { rack: 'r1' } }), big, 'NodeAffinity', true],
  ['an uncordoned node', changed({ unschedulable: true }, {}), big, 'NodeUnschedulable', true],
  ['a taint removed', changed({ taints: [taint] }, {}), big, 'TaintToleration', true],
  [
    'a label that is asked for',
    changed({}, { labels: { disk: 'ssd' } }),
    { spec: { nodeSelector: { disk: 'ssd' } } },
    'NodeAffinity',
    true,
  ],
  ['a pod that left', { kind: 'PodRemoved', shape: other, nodeName: 'n' }, big, 'NodeResourcesFit', true],
  ['a pod that left', { kind: 'PodRemoved', shape: other, nodeName: 'n' }, big, 'TaintToleration', false],
  ['a pod that came', { kind: 'PodAssigned', shape: other }, big, 'InterPodAffinity', true],
  ['a pod that came', { kind: 'PodAssigned', shape: other }, big, 'NodeResourcesFit', false],
  ['a pod that left, for an expression', { kind: 'PodRemoved', shape: other, nodeName: 'n' }, big, 'CEL', true],
  ['a label that nothing known asks for, for a plugin of the user', changed({}, { labels: { tier: 'db' } }), big, 'Cheapest', true],
  ['a label that nothing known asks for', changed({}, { labels: { tier: 'db' } }), big, 'NodeResourcesFit', false],
  ['a label, for devices that nodes reach by labels', changed({}, { labels: { rack: 'r1' } }), big, 'DynamicResources', true],
  ['a label, for volumes that nodes reach by labels', changed({}, { labels: { rack: 'r1' } }), big, 'VolumeBinding', true],
  ['a label, for volumes of a zone', changed({}, { labels: { rack: 'r1' } }), big, 'VolumeZone', true],
  ['a label, for what a driver can attach', changed({}, { labels: { rack: 'r1' } }), big, 'NodeVolumeLimits', false],
  ['devices given back', { kind: 'DevicesChanged' }, big, 'DynamicResources', true],
  ['devices given back', { kind: 'DevicesChanged' }, big, 'NodeResourcesFit', false],
  ['a claim of another namespace', { kind: 'DevicesChanged', namespace: 'other' }, big, 'DynamicResources', false],
  ['less load', { kind: 'NodeUsageFell' }, big, 'LoadAware', true],
  ['less load', { kind: 'NodeUsageFell' }, big, 'CEL', false],
  ['a node that left', { kind: 'NodeRemoved' }, big, 'PodTopologySpread', true],
  ['a node that left', { kind: 'NodeRemoved' }, big, 'NodeResourcesFit', false],
  ['a namespace with other labels', { kind: 'NamespaceChanged' }, big, 'InterPodAffinity', true],
]
const filters = new Set(allPlugins.map((p) => p.name))

for (const [what, event, pod, rejectedBy, expected] of cases)
  test(`${what} ${expected ? 'wakes' : 'does not wake'} a pod that ${rejectedBy} rejected`, () => {
    const shape = new Snapshot().shapeOf(testPod({ name: 'p', ...pod }))
    assert.equal(mayHelp(event, shape, { filters, rejectedBy: new Set([rejectedBy]) }), expected)
  })

test('a profile that does not ask for taints is woken by a node with one, and one that does not count by a small one', () => {
  const without = (name: string) => new Set([...filters].filter((f) => f !== name))
  const wakes = (event: ClusterEvent, filters: ReadonlySet<string>) =>
    mayHelp(event, new Snapshot().shapeOf(testPod({ name: 'p', ...big })), { filters, rejectedBy: new Set(['NodePorts']) })
  assert.equal(wakes(added({ taints: [taint] }), filters), false)
  assert.equal(wakes(added({ taints: [taint] }), without('TaintToleration')), true)
  assert.equal(wakes(added({ cpu: '1' }), filters), false)
  assert.equal(wakes(added({ cpu: '1' }), without('NodeResourcesFit')), true)
})

for (const [event, rejectedBy, expected] of [
  [added({}), 'NodeResourcesFit', true],
  [changed({ cpu: '1' }, { cpu: '2' }), 'NodeResourcesFit', true],
  [{ kind: 'PodRemoved', shape: other, nodeName: 'n' }, 'NodeResourcesFit', true],
  [{ kind: 'PodRemoved', shape: other, nodeName: 'm' }, 'NodeResourcesFit', false],
  [{ kind: 'PodRemoved', shape: other, nodeName: 'n' }, 'InterPodAffinity', false],
  [added({}), 'CEL', false],
  [{ kind: 'NodeRemoved' }, 'NodeResourcesFit', false],
] as const satisfies readonly (readonly [ClusterEvent, string, boolean])[])
  test(`${event.kind} is ${expected ? 'no' : 'a'} matter of a pod that names node m, rejected by ${rejectedBy}`, () => {
    assert.equal(isElsewhere(event, 'm', new Set([rejectedBy])), expected)
  })
