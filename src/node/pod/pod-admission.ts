import type { Node, Pod } from '../../kinds/generated/types/core-v1.ts'
import { type HostPort, hostPortsCollide, hostPortsOf } from '../../kinds/host-ports.ts'
import { matchesNodeSelection } from '../../kinds/node-selection.ts'
import { podRequests, type ResourceAmounts, resourceAmounts } from '../../kinds/pod-requests.ts'
import { isPodTerminal } from '../../kinds/pod-status.ts'
import type { MachineFacts } from '../node-status/machine.ts'
import type { ResizeRefusal, TerminalReason } from './pod-records.ts'
import { podContainers } from './pod-view.ts'

/**
 * Whether a pod that the scheduler (or a user, by nodeName) sent here can be taken in beside `others`. Undefined: yes.
 * Reasons and texts are upstream's (OutOfcpu, OutOfmemory, OutOfpods, NodeAffinity, …). Pure.
 */
export function admitPod(
  pod: Pod,
  others: readonly Pod[],
  { node, machine }: { readonly node: Node | undefined; readonly machine: Pick<MachineFacts, 'appArmor'> },
): TerminalReason | undefined {
  const refused = refuseBySysctl(pod) ?? (machine.appArmor ? undefined : refuseByAppArmor(pod))
  if (refused || !node) return refused
  return refuseBySelector(pod, node) ?? refuseByPorts(pod, others) ?? refuseByTaint(pod, node) ?? refuseByResources(pod, others, node)
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
  for (const taint of node.spec?.taints ?? []) {
    if (taint.effect !== 'NoExecute') continue
    const isTolerated = (pod.spec?.tolerations ?? []).some(
      (t) =>
        (!t.effect || t.effect === taint.effect) &&
        (!t.key || t.key === taint.key) &&
        (t.operator === 'Exists' || ((t.operator ?? 'Equal') === 'Equal' && (t.value ?? '') === (taint.value ?? ''))),
    )
    if (!isTolerated) return refusal('TaintToleration', "Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate")
  }
  return undefined
}

function refuseByResources(pod: Pod, others: readonly Pod[], node: Node): TerminalReason | undefined {
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
  if (allocatable.pods !== undefined && count + 1 > allocatable.pods) return outOf('pods', 1, count, allocatable.pods)
  for (const name of names) {
    const capacity = allocatable[name]
    // A resource that the node does not know is the scheduler's affair: upstream's agent ignores it too.
    if (capacity === undefined) continue
    if (requests[name]! + (used[name] ?? 0) > capacity) return outOf(name, requests[name]!, used[name] ?? 0, capacity)
  }
  return undefined
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

function outOf(resource: string, requested: number, used: number, capacity: number): TerminalReason {
  const numbers = `requested: ${requested}, used: ${used}, capacity: ${capacity}`
  return refusal(`OutOf${resource}`, `Node didn't have enough resource: ${resource}, ${numbers}`)
}

function refusal(reason: string, message: string): TerminalReason {
  return { reason, message, hasStarted: false }
}
