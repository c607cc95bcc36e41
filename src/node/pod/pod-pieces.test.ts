import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Node, Pod, PodStatus } from '../../kinds/generated/types/core-v1.ts'
import { crashWait, formatDuration, nextCrashBackoff } from './crash-backoff.ts'
import { noPressure, type Pressure } from '../eviction/pressure.ts'
import { type AdmissionNode, admitPod, admitResize, planAdmission } from './pod-admission.ts'
import type { ContainerRecord } from './pod-records.ts'
import { statusPatch } from './status-writer.ts'

test('the crash back-off doubles to five minutes and is forgotten after ten quiet ones', () => {
  const record: ContainerRecord = {}
  const delays: string[] = []
  let nowMs = 0
  for (let i = 0; i < 8; i++) {
    const wait = crashWait(record, 'h', nowMs, nowMs)
    delays.push(wait ? formatDuration(wait.delayMs) : 'none')
    nowMs = wait?.untilMs ?? nowMs
    record.backoff = nextCrashBackoff(record, 'h', nowMs, nowMs)!
  }
  assert.deepEqual(delays, ['none', '10s', '20s', '40s', '1m20s', '2m40s', '5m0s', '5m0s'])
  const lateMs = nowMs + 600_001
  assert.equal(crashWait(record, 'h', lateMs, lateMs), undefined)
  assert.equal(nextCrashBackoff(record, 'h', lateMs, lateMs)?.delayMs, 10_000)
})

test('another definition of the container has a clean record', () => {
  const record: ContainerRecord = { backoff: { specHash: 'old', delayMs: 300_000, updatedMs: 0 } }
  assert.equal(crashWait(record, 'new', 0, 0), undefined)
})

const node: Node = {
  metadata: { name: 'n', labels: { zone: 'a' } },
  status: { allocatable: { cpu: '1', memory: '1Gi', pods: '2' } },
}
const podOf = (name: string, spec: Partial<NonNullable<Pod['spec']>>): Pod => ({
  metadata: { name, uid: name },
  spec: { containers: [{ name: 'c' }], ...spec },
})
const asking = (cpu: string) => ({ containers: [{ name: 'c', resources: { requests: { cpu } } }] })
const withSysctl = (name: string) => ({ securityContext: { sysctls: [{ name, value: '1' }] } })
const opening = (port: { hostPort: number; hostIP?: string }) => ({ containers: [{ name: 'c', ports: [{ containerPort: 80, ...port }] }] })

const calm: Omit<AdmissionNode, 'node'> = {
  machine: { appArmor: false, operatingSystem: 'linux', strictSupplementalGroups: false },
  pressure: noPressure,
  isShuttingDown: false,
}

const admissions: readonly { title: string; pod: Pod; others?: readonly Pod[]; reason: string | undefined; message?: string }[] = [
  { title: 'a pod that fits is taken', pod: podOf('p', asking('600m')), reason: undefined },
  {
    title: 'a pod beyond the free cpu is refused with the numbers',
    pod: podOf('p', asking('600m')),
    others: [podOf('o', asking('500m'))],
    reason: 'OutOfcpu',
    message: "Node didn't have enough resource: cpu, requested: 600, used: 500, capacity: 1000",
  },
  {
    title: 'finished pods free what they held',
    pod: podOf('p', asking('600m')),
    others: [{ ...podOf('o', asking('500m')), status: { phase: 'Succeeded' } }],
    reason: undefined,
  },
  {
    title: 'a port of the node that another pod has is refused',
    pod: podOf('p', opening({ hostPort: 80 })),
    others: [podOf('o', opening({ hostPort: 80, hostIP: '127.0.0.1' }))],
    reason: 'NodePorts',
    message: "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
  },
  {
    title: 'the same port of another address or protocol is taken',
    pod: podOf('p', opening({ hostPort: 80, hostIP: '127.0.0.2' })),
    others: [podOf('o', opening({ hostPort: 80, hostIP: '127.0.0.1' }))],
    reason: undefined,
  },
  { title: 'a full node refuses', pod: podOf('p', {}), others: [podOf('o', {}), podOf('q', {})], reason: 'OutOfpods' },
  { title: 'a selector that does not match is refused', pod: podOf('p', { nodeSelector: { zone: 'b' } }), reason: 'NodeAffinity' },
  { title: 'a sysctl of the pod alone is taken', pod: podOf('p', withSysctl('net.ipv4.tcp_syncookies')), reason: undefined },
  { title: 'so it is with slashes', pod: podOf('p', withSysctl('net/ipv4/tcp_syncookies')), reason: undefined },
  {
    title: 'a sysctl that others would feel is refused',
    pod: podOf('p', withSysctl('kernel.msgmax')),
    reason: 'SysctlForbidden',
    message: 'forbidden sysctl: "kernel.msgmax" not allowlisted',
  },
  {
    title: "a sysctl of the host's network is refused",
    pod: podOf('p', { ...withSysctl('net.ipv4.tcp_syncookies'), hostNetwork: true }),
    reason: 'SysctlForbidden',
    message: 'forbidden sysctl: "net.ipv4.tcp_syncookies" not allowed with host net enabled',
  },
  {
    title: "a sysctl of the host's IPC is refused",
    pod: podOf('p', { ...withSysctl('kernel.shm_rmid_forced'), hostIPC: true }),
    reason: 'SysctlForbidden',
    message: 'forbidden sysctl: "kernel.shm_rmid_forced" not allowed with host ipc enabled',
  },
  {
    title: 'a profile that nothing enforces is refused',
    pod: podOf('p', { securityContext: { appArmorProfile: { type: 'RuntimeDefault' } } }),
    reason: 'AppArmor',
    message: 'Cannot enforce AppArmor: AppArmor is not enabled on the host',
  },
  {
    title: 'no profile is none to enforce',
    pod: podOf('p', { securityContext: { appArmorProfile: { type: 'Unconfined' } } }),
    reason: undefined,
  },
  { title: 'a selector that matches is taken', pod: podOf('p', { nodeSelector: { zone: 'a' } }), reason: undefined },
  {
    title: 'of what is missing the room is told first',
    pod: podOf('p', { ...asking('2'), nodeSelector: { zone: 'b' } }),
    reason: 'OutOfcpu',
  },
  {
    title: 'a pod that must not have the groups of its image is refused where it would have them',
    pod: podOf('p', { securityContext: { supplementalGroupsPolicy: 'Strict' } }),
    reason: 'SupplementalGroupsPolicyNotSupported',
    message: 'SupplementalGroupsPolicy=Strict is not supported in this node',
  },
  {
    title: 'so that it may have them is no reason',
    pod: podOf('p', { securityContext: { supplementalGroupsPolicy: 'Merge' } }),
    reason: undefined,
  },
  {
    title: 'a pod for another system is refused',
    pod: podOf('p', { os: { name: 'windows' } }),
    reason: 'PodOSNotSupported',
    message: "Failed to admit pod as the OS field doesn't match node OS",
  },
]
for (const { title, pod, others = [], reason, message } of admissions) {
  test(title, () => {
    const refusal = admitPod(pod, others, { ...calm, node })
    assert.equal(refusal?.reason, reason)
    if (message) assert.equal(refusal?.message, message)
  })
}

const asks = podOf('p', asking('100m'))
const tolerant = podOf('p', { tolerations: [{ key: 'node.kubernetes.io/memory-pressure', operator: 'Exists' }] })
const critical = podOf('p', { priority: 2_000_000_000 })
const short = (...names: (keyof Pressure)[]): Pressure => ({ ...noPressure, ...Object.fromEntries(names.map((name) => [name, true])) })
const pressures: readonly { title: string; pod: Pod; pressure: Pressure; message: string | undefined }[] = [
  {
    title: 'short of memory, one that asked for none is refused',
    pod: podOf('p', {}),
    pressure: short('memory'),
    message: '[MemoryPressure]',
  },
  { title: 'short of memory, one that asked for some is taken', pod: asks, pressure: short('memory'), message: undefined },
  { title: 'short of memory, one that tolerates it is taken', pod: tolerant, pressure: short('memory'), message: undefined },
  { title: 'short of disk, one that asked for some is refused', pod: asks, pressure: short('disk'), message: '[DiskPressure]' },
  {
    title: 'short of both, one that tolerates one is refused',
    pod: tolerant,
    pressure: short('memory', 'disk'),
    message: '[MemoryPressure DiskPressure]',
  },
  { title: 'short of process ids, all are refused', pod: asks, pressure: short('processes'), message: '[PIDPressure]' },
  { title: 'what a cluster cannot do without is taken', pod: critical, pressure: short('memory', 'disk', 'processes'), message: undefined },
]
for (const { title, pod, pressure, message } of pressures) {
  test(title, () => {
    const refusal = message && { reason: 'Evicted', message: `The node had condition: ${message}. `, hasStarted: false }
    assert.deepEqual(admitPod(pod, [], { ...calm, node, pressure }), refusal)
  })
}

test('a node that shuts down takes none', () => {
  const message = 'Pod was rejected as the node is shutting down.'
  assert.deepEqual(admitPod(asks, [], { ...calm, node, isShuttingDown: true }), { reason: 'NodeShutdown', message, hasStarted: false })
})

const limited = (cpu: string) => ({
  containers: [{ name: 'c', resources: { requests: { cpu, memory: '1Mi' }, limits: { cpu, memory: '1Mi' } } }],
})
const preemptions: readonly { title: string; others: readonly Pod[]; spec?: Partial<NonNullable<Pod['spec']>>; expected: unknown }[] = [
  { title: 'a critical pod that fits ends nobody', others: [podOf('o', asking('300m'))], expected: [] },
  {
    title: 'for a critical pod the one ends that leaves just the room',
    others: [podOf('small', asking('100m')), podOf('mid', asking('200m')), podOf('large', asking('400m')), podOf('none', {})],
    expected: ['large'],
  },
  {
    title: 'those that were promised most end last',
    others: [podOf('promised', limited('300m')), podOf('asked', asking('700m'))],
    expected: ['asked'],
  },
  {
    title: 'several end where one is not enough',
    others: [podOf('large', asking('500m')), podOf('small', asking('200m')), podOf('mid', asking('300m'))],
    expected: ['large', 'small'],
  },
  {
    title: 'where pods are too many, one that asks for nothing ends',
    others: [podOf('nothing', {}), podOf('o', asking('100m'))],
    expected: ['nothing'],
  },
  {
    title: 'no critical pod ends for another',
    others: [podOf('o', { ...asking('700m'), priority: 2_000_000_000 })],
    expected:
      'UnexpectedAdmissionError: Unexpected error while attempting to recover from admission failure: preemption: error finding a set of pods ' +
      'to preempt: no set of running pods found to reclaim resources: [(res: cpu, q: 300), ]',
  },
  {
    title: 'one that may not be here for other reasons ends nobody',
    others: [podOf('o', asking('700m'))],
    spec: { nodeSelector: { zone: 'b' } },
    expected: "NodeAffinity: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
  },
]
for (const { title, others, spec = {}, expected } of preemptions) {
  test(title, () => {
    const pods = title.includes('too many') ? '2' : '110'
    const roomy = { ...node, status: { allocatable: { ...node.status?.allocatable, pods } } }
    const admission = planAdmission(podOf('p', { ...asking('600m'), priority: 2_000_000_000, ...spec }), others, { ...calm, node: roomy })
    const told =
      'victims' in admission
        ? admission.victims.map((pod) => pod.metadata.name)
        : `${admission.refusal.reason}: ${admission.refusal.message}`
    assert.deepEqual(told, expected)
  })
}

const twoCores: Node = { ...node, status: { allocatable: { cpu: '2', pods: '110' } } }
const resizes: { readonly title: string; readonly cpu: string; readonly expected: ReturnType<typeof admitResize> }[] = [
  { title: 'a resize that fits is taken', cpu: '1', expected: undefined },
  {
    title: 'a resize beyond what is free waits',
    cpu: '1500m',
    expected: { reason: 'Deferred', message: "Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000" },
  },
  {
    title: 'a resize beyond the node never fits',
    cpu: '3',
    expected: { reason: 'Infeasible', message: "Node didn't have enough capacity: cpu, requested: 3000, capacity: 2000" },
  },
]
for (const { title, cpu, expected } of resizes) {
  test(title, () =>
    assert.deepEqual(admitResize(podOf('p', asking(cpu)), [podOf('p', asking('500m')), podOf('o', asking('1'))], twoCores), expected),
  )
}

test('a bound that is no whole number matches nothing, as the scheduler reads it', () => {
  const requirement = { key: 'generation', operator: 'Lt' as const, values: ['1.5'] }
  const affinity = {
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [requirement] }] } },
  }
  const labelled: Node = { ...node, metadata: { ...node.metadata, labels: { ...node.metadata.labels, generation: '1' } } }
  assert.equal(
    admitPod({ metadata: { name: 'p' }, spec: { containers: [], affinity } }, [], { ...calm, node: labelled })?.reason,
    'NodeAffinity',
  )
})

const ready = { type: 'Ready', status: 'False', reason: 'ContainersNotReady', lastTransitionTime: 't0' }
const patches: readonly { title: string; current: PodStatus | undefined; wanted: PodStatus; patch: unknown }[] = [
  {
    title: 'nothing to say is no patch',
    current: { phase: 'Running', conditions: [ready] },
    wanted: { phase: 'Running', conditions: [ready] },
    patch: undefined,
  },
  {
    title: 'only what changed is sent',
    current: { phase: 'Pending', qosClass: 'BestEffort' },
    wanted: { phase: 'Running', qosClass: 'BestEffort' },
    patch: { phase: 'Running' },
  },
  {
    title: 'amounts are sent whole, so that none of before stays',
    current: { resources: { requests: { cpu: '1', 'ephemeral-storage': '1Gi' } }, allocatedResources: { cpu: '1' } },
    wanted: { resources: { requests: { cpu: '2' } }, allocatedResources: { cpu: '2' } },
    patch: { resources: { $patch: 'replace', requests: { cpu: '2' } }, allocatedResources: { $patch: 'replace', cpu: '2' } },
  },
  {
    title: 'a reason that no longer holds is taken away',
    current: { conditions: [ready] },
    wanted: { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: 't1' }] },
    patch: { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: 't1', reason: null }] },
  },
  {
    title: "others' conditions are left alone",
    current: { conditions: [{ type: 'x/y', status: 'True' }] },
    wanted: { conditions: [] },
    patch: undefined,
  },
  {
    title: 'a condition that only lacks a probe time is the same',
    current: { conditions: [{ ...ready, lastProbeTime: null as unknown as string }] },
    wanted: { conditions: [ready] },
    patch: undefined,
  },
  {
    title: 'a replaced address names the old one as gone',
    current: { podIPs: [{ ip: '1' }] },
    wanted: { podIPs: [{ ip: '2' }] },
    patch: { podIPs: [{ $patch: 'delete', ip: '1' }, { ip: '2' }] },
  },
  { title: 'a field that is no more is taken away', current: { message: 'm' }, wanted: {}, patch: { message: null } },
]
for (const { title, current, wanted, patch } of patches) test(title, () => assert.deepEqual(statusPatch(current, wanted), patch))
