import { taintKeys, tolerates } from '../../control/taints.ts'
import type { Node, Pod, Taint } from '../../kinds/generated/types/core-v1.ts'
import { type HostPort, hostPortsCollide, hostPortsOf } from '../../kinds/host-ports.ts'
import { matchesNodeSelection } from '../../kinds/node-selection.ts'
import { podRequests, type ResourceAmounts, resourceAmounts } from '../../kinds/pod-requests.ts'
import { isPodTerminal } from '../../kinds/pod-status.ts'
import { qosClass } from '../../kinds/qos.ts'
import { isCriticalPod, isStaticPod } from '../../kinds/static-pod.ts'
import type { Pressure } from '../eviction/pressure.ts'
import type { MachineFacts } from '../node-status/machine.ts'
import { planPreemption } from './plan-preemption.ts'
import type { ResizeRefusal, TerminalReason } from './pod-records.ts'
import { podContainers } from './pod-view.ts'

export type AdmissionNode = {
  readonly node: Node | undefined
  readonly machine: Pick<MachineFacts, 'appArmor' | 'operatingSystem' | 'strictSupplementalGroups'>
  /** What the node tells that runs short. */
  readonly pressure: Pressure
  readonly isShuttingDown: boolean
}

/**
 * Whether a pod that the scheduler (or a user, by nodeName) sent here can be taken in beside `others`. Undefined: yes.
 * Reasons, texts and their order are upstream's (Evicted, OutOfcpu, NodeAffinity, …). Pure.
 */
export function admitPod(pod: Pod, others: readonly Pod[], at: AdmissionNode): TerminalReason | undefined {
  const { node, machine, pressure, isShuttingDown } = at
  return (
    refuseByPressure(pod, pressure) ??
    refuseBySysctl(pod) ??
    refuseByPlatform(pod, at) ??
    (node && refuseByRoom(pod, others, node)) ??
    (machine.appArmor ? undefined : refuseByAppArmor(pod)) ??
    (isShuttingDown ? refusal('NodeShutdown', 'Pod was rejected as the node is shutting down.') : undefined)
  )
}

function refuseByRoom(pod: Pod, others: readonly Pod[], node: Node): TerminalReason | undefined {
  return refuseByResources(pod, others, node) ?? refuseByPlace(pod, others, node)
}

function refuseByPlace(pod: Pod, others: readonly Pod[], node: Node): TerminalReason | undefined {
  return refuseBySelector(pod, node) ?? refuseByPorts(pod, others) ?? (isStaticPod(pod) ? undefined : refuseByTaint(pod, node))
}

/** `victims` end so that the pod has room, first of all of `resource`. */
export type Admission = { readonly refusal: TerminalReason } | { readonly victims: readonly Pod[]; readonly resource?: string }

/** As `admitPod`; but a critical pod that only wants room gets it, at the cost of others. Pure. */
export function planAdmission(pod: Pod, others: readonly Pod[], at: AdmissionNode): Admission {
  const refusal = admitPod(pod, others, at)
  if (!refusal) return { victims: [] }
  if (!at.node || !isCriticalPod(pod) || !refusal.reason.startsWith(outOfPrefix)) return { refusal }
  const missing = shortages(pod, others, at.node)
  const besides =
    refuseByPlace(pod, others, at.node) ??
    admitPod(
      pod,
      others.filter((other) => other.metadata.uid === pod.metadata.uid),
      { ...at, node: undefined },
    )
  if (besides) return { refusal: besides }
  const plan = planPreemption(
    pod,
    others.filter((other) => other.metadata.uid !== pod.metadata.uid && !isPodTerminal(other)),
    missing.map(({ resource, requested, used, capacity }) => ({ resource, amount: requested + used - capacity })),
  )
  if (!('error' in plan)) return { ...plan, resource: missing[0]!.resource }
  const cause = `preemption: error finding a set of pods to preempt: ${plan.error}`
  const message = `Unexpected error while attempting to recover from admission failure: ${cause}`
  return { refusal: { reason: 'UnexpectedAdmissionError', message, hasStarted: false } }
}

/** A node that is short of memory takes who asked for some; one that is short of more takes only what it cannot do without. */
function refuseByPressure(pod: Pod, { memory, disk, processes }: Pressure): TerminalReason | undefined {
  const conditions = [...(memory ? ['MemoryPressure'] : []), ...(disk ? ['DiskPressure'] : []), ...(processes ? ['PIDPressure'] : [])]
  if (conditions.length === 0 || isCriticalPod(pod)) return undefined
  if (memory && conditions.length === 1) {
    const taint: Taint = { key: taintKeys.memoryPressure, effect: 'NoSchedule' }
    if (qosClass(pod.spec!) !== 'BestEffort' || pod.spec?.tolerations?.some((t) => tolerates(t, taint))) return undefined
  }
  return refusal('Evicted', `The node had condition: [${conditions.join(' ')}]. `)
}

const osLabel = 'kubernetes.io/os'

function refuseByPlatform({ metadata, spec }: Pod, { machine }: AdmissionNode): TerminalReason | undefined {
  const { operatingSystem } = machine
  const label = metadata.labels?.[osLabel]
  if (label !== undefined && label !== operatingSystem) {
    const message = "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label"
    return refusal('PodOSSelectorNodeLabelDoesNotMatch', message)
  }
  if (spec?.os && spec.os.name !== operatingSystem)
    return refusal('PodOSNotSupported', "Failed to admit pod as the OS field doesn't match node OS")
  if (spec?.securityContext?.supplementalGroupsPolicy === 'Strict' && !machine.strictSupplementalGroups)
    return refusal('SupplementalGroupsPolicyNotSupported', 'SupplementalGroupsPolicy=Strict is not supported in this node')
  return undefined
}

/** Whether a resize of `pod` fits beside `others`. Undefined: yes. Reasons and texts are upstream's. Pure. */
export function admitResize(pod: Pod, others: readonly Pod[], node: Node | undefined): ResizeRefusal | undefined {
  if (!node) return { reason: 'Deferred', message: 'the node has not registered yet' }
  const allocatable = resourceAmounts(node.status?.allocatable)
  const wanted = podRequests(pod)
  for (const name of ['cpu', 'memory'] as const) {
    const capacity = allocatable[name]
    if (capacity === undefined || (wanted[name] ?? 0) <= capacity) continue
    const message = `Node didn't have enough capacity: ${name}, requested: ${wanted[name]}, capacity: ${capacity}`
    return { reason: 'Infeasible', message }
  }
  const refused = refuseByResources(pod, others, node)
  return refused && { reason: 'Deferred', message: refused.message }
}

/**
 * What is of the pod's own namespaces and touches no other pod. Source:
 * https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/#safe-and-unsafe-sysctls
 */
const safeSysctls = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ping_group_range',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.tcp_wmem',
])

function refuseBySysctl({ spec }: Pod): TerminalReason | undefined {
  for (const { name } of spec?.securityContext?.sysctls ?? []) {
    const sysctl = normalSysctl(name)
    const isOfNetwork = sysctl.startsWith('net.')
    const why = !safeSysctls.has(sysctl)
      ? `"${sysctl}" not allowlisted`
      : isOfNetwork && spec?.hostNetwork
        ? `"${sysctl}" not allowed with host net enabled`
        : !isOfNetwork && spec?.hostIPC
          ? `"${sysctl}" not allowed with host ipc enabled`
          : undefined
    if (why) return refusal('SysctlForbidden', `forbidden sysctl: ${why}`)
  }
  return undefined
}

/** `net/ipv4/conf/eth0.1/x` and `net.ipv4.conf.eth0/1.x` are one: with slashes as separators a dot belongs to a name. */
function normalSysctl(name: string): string {
  if (!/[./]/.test(name) || /^[^/]*\./.test(name)) return name
  return name.replace(/[./]/g, (c) => (c === '/' ? '.' : '/'))
}

/** A profile that nothing enforces would be a promise broken. */
function refuseByAppArmor({ spec }: Pod): TerminalReason | undefined {
  const profiles = podContainers(spec).map(
    ({ container }) => container.securityContext?.appArmorProfile ?? spec?.securityContext?.appArmorProfile,
  )
  return profiles.some((profile) => profile && profile.type !== 'Unconfined')
    ? refusal('AppArmor', 'Cannot enforce AppArmor: AppArmor is not enabled on the host')
    : undefined
}

function refuseBySelector(pod: Pod, node: Node): TerminalReason | undefined {
  if (!pod.spec || matchesNodeSelection(pod.spec, node)) return undefined
  return refusal('NodeAffinity', "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector")
}

function refuseByPorts(pod: Pod, others: readonly Pod[]): TerminalReason | undefined {
  const wanted = hostPortsOf(pod.spec)
  if (wanted.length === 0) return undefined
  const isTaken = (port: HostPort) =>
    others.some(
      (other) =>
        other.metadata.uid !== pod.metadata.uid &&
        !isPodTerminal(other) &&
        hostPortsOf(other.spec).some((held) => hostPortsCollide(port, held)),
    )
  return wanted.some(isTaken)
    ? refusal('NodePorts', "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports")
    : undefined
}

function refuseByTaint(pod: Pod, node: Node): TerminalReason | undefined {
  const isKeptOff = node.spec?.taints?.some(
    (taint) => taint.effect === 'NoExecute' && !pod.spec?.tolerations?.some((toleration) => tolerates(toleration, taint)),
  )
  return isKeptOff
    ? refusal('TaintToleration', "Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate")
    : undefined
}

function refuseByResources(pod: Pod, others: readonly Pod[], node: Node): TerminalReason | undefined {
  const [first] = shortages(pod, others, node)
  return first && outOf(first)
}

type Shortage = { readonly resource: string; readonly requested: number; readonly used: number; readonly capacity: number }

function shortages(pod: Pod, others: readonly Pod[], node: Node): Shortage[] {
  const allocatable = resourceAmounts(node.status?.allocatable)
  const requests = podRequests(pod)
  const names = Object.keys(requests).filter((name) => requests[name]! > 0)
  let count = 0
  const used: Record<string, number> = {}
  for (const other of others) {
    if (other.metadata.uid === pod.metadata.uid) continue
    const held = heldBy(other)
    if (!held) continue
    count++
    for (const name of names) used[name] = (used[name] ?? 0) + (held[name] ?? 0)
  }
  const found: Shortage[] = []
  if (allocatable.pods !== undefined && count + 1 > allocatable.pods)
    found.push({ resource: 'pods', requested: 1, used: count, capacity: allocatable.pods })
  for (const name of names) {
    const capacity = allocatable[name]
    // A resource that the node does not know is the scheduler's affair: upstream's agent ignores it too.
    if (capacity === undefined || requests[name]! + (used[name] ?? 0) <= capacity) continue
    found.push({ resource: name, requested: requests[name]!, used: used[name] ?? 0, capacity })
  }
  return found
}

const known = new WeakMap<Pod, ResourceAmounts | null>()

/**
 * What a pod takes of the node; null once it has ended. Every pod that comes is weighed against all that are here: each of them is looked
 * at once, as its status may have to be parsed for it.
 */
function heldBy(pod: Pod): ResourceAmounts | null {
  let held = known.get(pod)
  if (held === undefined) known.set(pod, (held = isPodTerminal(pod) ? null : podRequests(pod)))
  return held
}

const outOfPrefix = 'OutOf'

function outOf({ resource, requested, used, capacity }: Shortage): TerminalReason {
  const numbers = `requested: ${requested}, used: ${used}, capacity: ${capacity}`
  return refusal(`${outOfPrefix}${resource}`, `Node didn't have enough resource: ${resource}, ${numbers}`)
}

function refusal(reason: string, message: string): TerminalReason {
  return { reason, message, hasStarted: false }
}
