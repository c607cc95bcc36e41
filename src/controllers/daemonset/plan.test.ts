import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toTime } from '../../base/clock.ts'
import type { DaemonSet, DaemonSetSpec } from '../../kinds/generated/types/apps-v1.ts'
import type { Node, Pod, PodSpec, Taint } from '../../kinds/generated/types/core-v1.ts'
import { daemonPod, revisionHashLabel } from './daemon-pod.ts'
import { daemonTolerations, eligibilityOf, targetNodeOf } from './eligibility.ts'
import { FailureBackoff } from './failure-backoff.ts'
import { planDaemonSet, planStatus } from './plan.ts'

const nowMs = Date.UTC(2026, 0, 2)

const daemonSet = (spec: Partial<DaemonSetSpec> = {}, podSpec: Partial<PodSpec> = {}): DaemonSet => ({
  metadata: { name: 'log', namespace: 'd', uid: 'set', generation: 1 },
  spec: {
    selector: { matchLabels: { app: 'log' } },
    template: { metadata: { labels: { app: 'log' } }, spec: { containers: [{ name: 'c', image: 'i' }], ...podSpec } },
    ...spec,
  },
})

/** Nodes by their names; `a(NoSchedule)` has a taint of that effect. */
function nodesOf(text: string): Node[] {
  return text.split(' ').map((word) => {
    const [, name = '', effect] = /^(\w+)(?:\((\w+)\))?$/.exec(word) ?? []
    const taints: Taint[] = effect ? [{ key: 'k', effect: effect as 'NoSchedule' }] : []
    return { metadata: { name, labels: { disk: name === 'a' ? 'ssd' : 'hdd' } }, spec: { taints } }
  })
}

/** `a` an available old pod on node a, `a+` of the new template, `a!` not ready, `a~` being deleted, `aF` failed, `aS` succeeded, `a?` unscheduled. */
function podsOf(set: DaemonSet, text: string): Pod[] {
  return text
    .split(' ')
    .filter(Boolean)
    .map((word, i): Pod => {
      const nodeName = word[0] ?? ''
      const pod = daemonPod(set, word.includes('+') ? 'new' : 'old', nodeName)
      const phase = word.includes('F') ? 'Failed' : word.includes('S') ? 'Succeeded' : 'Running'
      const status = /[!FS?]/.test(word) ? 'False' : 'True'
      return {
        ...pod,
        metadata: {
          ...pod.metadata,
          name: word,
          uid: String(i),
          creationTimestamp: toTime(nowMs - 60_000 + i * 1000),
          ...(word.includes('~') ? { deletionTimestamp: toTime(nowMs) } : {}),
        },
        spec: { ...pod.spec!, ...(word.includes('?') ? {} : { nodeName }) },
        status: { phase, conditions: [{ type: 'Ready', status, lastTransitionTime: toTime(nowMs - 10_000) }] },
      }
    })
}

const surge = (maxSurge: number | string) => ({
  updateStrategy: { type: 'RollingUpdate' as const, rollingUpdate: { maxSurge, maxUnavailable: 0 } },
})
const unavailable = (maxUnavailable: number | string) => ({
  updateStrategy: { type: 'RollingUpdate' as const, rollingUpdate: { maxUnavailable } },
})

const cases: [title: string, spec: Partial<DaemonSetSpec>, nodes: string, pods: string, expected: string][] = [
  ['puts a pod on every node', {}, 'a b c', '', '+a +b +c'],
  ['fills what is missing', {}, 'a b c', 'a+ c+', '+b'],
  ['keeps off tainted nodes', {}, 'a b(NoSchedule)', '', '+a'],
  ['leaves a pod that was there before the taint', {}, 'a b(NoSchedule)', 'a+ b+', ''],
  ['leaves a node that evicts', {}, 'a b(NoExecute)', 'a+ b+', '-b+'],
  ['ignores taints that only prefer', {}, 'a(PreferNoSchedule)', '', '+a'],
  ['waits for the end of the last pod', {}, 'a', 'a+~', ''],
  ['replaces what failed and what ended', {}, 'a b', 'a+F b+S', '-a+F -b+S'],
  ['keeps the oldest of two', {}, 'a', 'a+ a+!', '-a+!'],
  ['takes unscheduled pods of lost nodes away', {}, 'a', 'a+ b+? c+', '-b+?'],
  ['ended pods held by finalizers hold no place', {}, 'a', 'a+F~', '+a'],
  ['updates one at a time', {}, 'a b c', 'a b c', '-a'],
  ['waits for the new pod to be available', {}, 'a b', 'a+! b', ''],
  ['goes on after it is', {}, 'a b', 'a+ b', '-b'],
  ['updates a share of the nodes, rounded up', unavailable('50%'), 'a b c', 'a b c', '-a -b'],
  ['useless old pods go at once', {}, 'a b c', 'a! b! c', '-a! -b!'],
  ['a pod on its way out counts as missing', {}, 'a b', 'a~ b', ''],
  ['first fills, then updates', {}, 'a b', 'b', '+a'],
  ['leaves updates to the user', { updateStrategy: { type: 'OnDelete' } }, 'a b', 'a b', ''],
  ['surges within its limit', surge(1), 'a b', 'a b', '+a'],
  ['surges a share, rounded up', surge('40%'), 'a b c', 'a b c', '+a +b'],
  ['keeps both until the new one is available', surge(1), 'a b', 'a a+! b', ''],
  ['lets the old one go after that', surge(1), 'a b', 'a a+ b', '-a'],
  ['lets an old one go that is not ready', surge(1), 'a', 'a! a+!', '-a!'],
  ['surges at once where the old one is of no use', surge(1), 'a b c', 'a! b! c', '+a +b +c'],
  ['of three on a node two stay', surge(1), 'a', 'a a+! a+!', '-a+!'],
  ['does not wait for an end while it surges', surge(1), 'a', 'a~', '+a'],
]

for (const [title, spec, nodes, pods, expected] of cases)
  test(title, () => {
    const set = daemonSet(spec)
    const observed = { daemonSet: set, nodes: nodesOf(nodes), pods: podsOf(set, pods), revisionHash: 'new', failedWaitMs: () => 0 }
    const { actions } = planDaemonSet(observed, nowMs)
    const shown = actions.map((action) => (action.type === 'create' ? `+${action.nodeName}` : `-${action.pod.metadata.name}`))
    assert.equal(shown.join(' '), expected)
  })

test('a failed pod lies as long as its back-off says; it doubles, and starts over after a long rest', () => {
  const backoff = new FailureBackoff()
  const waits: number[] = []
  let atMs = nowMs
  for (let i = 0; i < 12; i++) {
    backoff.count('n', atMs)
    waits.push(backoff.waitMs('n', atMs) / 1000)
    atMs += backoff.waitMs('n', atMs)
    assert.equal(backoff.waitMs('n', atMs), 0)
  }
  assert.deepEqual(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900])
  backoff.count('n', atMs + 3_600_000)
  assert.equal(backoff.waitMs('n', atMs + 3_600_000), 1000)
  const set = daemonSet()
  const observed = { daemonSet: set, nodes: nodesOf('a'), pods: podsOf(set, 'a+F'), revisionHash: 'new', failedWaitMs: () => 700 }
  assert.deepEqual(planDaemonSet(observed, nowMs), { actions: [], requeueAfterMs: 700 })
})

const placements: [title: string, podSpec: Partial<PodSpec>, node: Node, expected: string][] = [
  ['by node selector', { nodeSelector: { disk: 'ssd' } }, nodesOf('b')[0]!, 'no, no'],
  ['by node name', { nodeName: 'a' }, nodesOf('a')[0]!, 'run, stay'],
  ['by another name', { nodeName: 'a' }, nodesOf('b')[0]!, 'no, no'],
  ['by affinity', { affinity: requires('disk', 'ssd') }, nodesOf('a')[0]!, 'run, stay'],
  ['not ready is tolerated', {}, tainted('node.kubernetes.io/not-ready', 'NoExecute'), 'run, stay'],
  ['cordoned is tolerated', {}, tainted('node.kubernetes.io/unschedulable', 'NoSchedule'), 'run, stay'],
  ['no network is not', {}, tainted('node.kubernetes.io/network-unavailable', 'NoSchedule'), 'no, stay'],
  ['unless the pod needs none', { hostNetwork: true }, tainted('node.kubernetes.io/network-unavailable', 'NoSchedule'), 'run, stay'],
  ['its own toleration', { tolerations: [{ key: 'k', operator: 'Exists' }] }, nodesOf('a(NoExecute)')[0]!, 'run, stay'],
]
for (const [title, podSpec, node, expected] of placements)
  test(`placement ${title}: ${expected}`, () => {
    const { shouldRun, mayStay } = eligibilityOf(daemonSet({}, podSpec), node)
    assert.equal(`${shouldRun ? 'run' : 'no'}, ${mayStay ? 'stay' : 'no'}`, expected)
  })

test('its pod names its node, carries the hash, and keeps what the template prefers', () => {
  const preferred = [{ weight: 1, preference: { matchExpressions: [{ key: 'disk', operator: 'Exists' as const }] } }]
  const affinity = { nodeAffinity: { ...requires('disk', 'ssd').nodeAffinity, preferredDuringSchedulingIgnoredDuringExecution: preferred } }
  const own = [{ key: 'node.kubernetes.io/not-ready', operator: 'Exists' as const, effect: 'NoExecute' as const }]
  const set = daemonSet({}, { affinity, tolerations: own })
  const pod = daemonPod(set, 'h', 'a')
  assert.equal(targetNodeOf(pod), 'a')
  assert.equal(pod.metadata.labels?.[revisionHashLabel], 'h')
  assert.deepEqual(pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution, preferred)
  assert.equal(pod.spec?.tolerations?.length, 6, 'what the template tolerates already is not said twice')
  assert.equal(daemonTolerations({ containers: [], hostNetwork: true }).length, 7)
})

test('counts what is wanted, there, ready, new and astray', () => {
  const set = daemonSet({ minReadySeconds: 20 })
  const observed = { daemonSet: set, nodes: nodesOf('a b c d(NoSchedule)'), pods: podsOf(set, 'a+ b! d'), revisionHash: 'new' }
  const { status, requeueAfterMs } = planStatus(observed, nowMs)
  assert.deepEqual(status, {
    currentNumberScheduled: 2,
    desiredNumberScheduled: 3,
    numberMisscheduled: 1,
    numberReady: 1,
    numberUnavailable: 3,
    updatedNumberScheduled: 1,
    observedGeneration: 1,
  })
  assert.equal(requeueAfterMs, 10_000)
  const later = planStatus({ ...observed, daemonSet: { ...set, ...(status ? { status } : {}) } }, nowMs + 10_000).status
  assert.equal(later?.numberAvailable, 1)
  assert.equal(planStatus({ ...observed, daemonSet: { ...set, ...(later ? { status: later } : {}) } }, nowMs + 10_000).status, undefined)
})

function requires(key: string, value: string) {
  const term = { matchExpressions: [{ key, operator: 'In' as const, values: [value] }] }
  return { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] } } }
}

function tainted(key: string, effect: 'NoExecute' | 'NoSchedule'): Node {
  return { metadata: { name: 'a' }, spec: { taints: [{ key, effect }] } }
}
