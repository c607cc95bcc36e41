import { toTime } from '../../base/clock.ts'
import type { ContainerImage, Node, NodeAddress, NodeCondition, NodeStatus } from '../../kinds/generated/types/core-v1.ts'
import { isExtendedResourceName } from '../../kinds/core/resource-name.ts'
import { compareQuantity, formatQuantity, quantityOfMilli, quantityOfUnits } from '../../machinery/quantity.ts'
import type { Condition } from '../runtime/contract.ts'
import type { Pressure } from '../eviction/pressure.ts'
import { boundAmount, type Bounds } from '../eviction/thresholds.ts'
import type { MachineFacts } from './machine.ts'

/** What pods may ask of an agent that not every one of its time gives, in upstream's names and order. Source: KEP-5328. */
const declaredFeatures = [
  'ExtendWebSocketsToKubelet',
  'InPlacePodLevelResourcesVerticalScaling',
  'InPlacePodVerticalScalingInitContainers',
  'RestartAllContainersOnContainerExits',
] as const

/** The agent's version as nodes show it. */
export const agentVersion = 'v1.36.0+keelson'

export type Reserved = { readonly cpuMilli: number; readonly memoryBytes: number; readonly ephemeralStorageBytes: number }

export type NodeStatusInput = {
  readonly old: Node | undefined
  readonly nowMs: number
  readonly facts: MachineFacts
  readonly pressure: Pressure
  readonly reserved: Reserved
  /** Below it pods are evicted: it is not theirs to ask for. */
  readonly evictionHard: Bounds
  readonly runtimeReady: Condition
  readonly networkReady: Condition
  readonly isShuttingDown: boolean
  /** `containerd://1.6.20`. */
  readonly runtimeVersion: string
  readonly addresses: readonly NodeAddress[]
  readonly port: number | undefined
  readonly images: readonly ContainerImage[]
}

/** The whole status of the node as the agent sees it now. Pure. */
export function nodeStatus(input: NodeStatusInput): NodeStatus {
  const { facts } = input
  const capacity = resources(facts, { cpuMilli: 0, memoryBytes: 0, ephemeralStorageBytes: 0 })
  return {
    capacity,
    allocatable: { ...othersOf(input.old?.status?.capacity, capacity), ...resources(facts, allocatableDeduction(input)) },
    conditions: conditions(input),
    addresses: [...input.addresses],
    // Zero is what is written where none is said: left out, it would not be the same as what was told.
    daemonEndpoints: { kubeletEndpoint: { Port: input.port ?? 0 } },
    nodeInfo: {
      machineID: facts.machineId,
      systemUUID: facts.systemUuid,
      bootID: facts.bootId,
      kernelVersion: facts.kernelVersion,
      osImage: facts.osImage,
      containerRuntimeVersion: input.runtimeVersion,
      kubeletVersion: agentVersion,
      kubeProxyVersion: '',
      operatingSystem: facts.operatingSystem,
      architecture: facts.architecture,
    },
    images: [...input.images],
    declaredFeatures: [...declaredFeatures],
  }
}

type Amounts = NodeStatus['capacity']

/** What somebody else says that the node has: all of it is for pods. */
function othersOf(told: Amounts = {}, own: Amounts = {}): NonNullable<Amounts> {
  return Object.fromEntries(Object.entries(told).filter(([name]) => own[name] === undefined))
}

/** What somebody else has taken back, and is still told to be for pods. */
export function withdrawnResources(old: NodeStatus | undefined, status: NodeStatus): string[] {
  return Object.keys(old?.allocatable ?? {}).filter((name) => isExtendedResourceName(name) && status.allocatable?.[name] === undefined)
}

/** Whether somebody else changed what they say that a node has. */
export function haveOthersChanged(before: NodeStatus | undefined, now: NodeStatus | undefined): boolean {
  const extended = (status: NodeStatus | undefined) =>
    Object.entries(status?.capacity ?? {}).filter(([name]) => isExtendedResourceName(name))
  const old = before?.capacity ?? {}
  return extended(before).length !== extended(now).length || extended(now).some(([name, amount]) => old[name] !== amount)
}

/** A_r = C_r − reserved_r − eviction threshold_r. */
function allocatableDeduction({ facts, reserved, evictionHard }: NodeStatusInput): Reserved {
  return {
    cpuMilli: reserved.cpuMilli,
    memoryBytes: reserved.memoryBytes + boundAmount(evictionHard['memory.available'], facts.memoryBytes),
    ephemeralStorageBytes: reserved.ephemeralStorageBytes + boundAmount(evictionHard['nodefs.available'], facts.ephemeralStorageBytes),
  }
}

function resources(facts: MachineFacts, less: Reserved): Record<string, string> {
  const result: Record<string, string> = {
    cpu: formatQuantity(quantityOfMilli(Math.max(0, facts.cpuMilli - less.cpuMilli))),
    memory: kibibytes(Math.max(0, facts.memoryBytes - less.memoryBytes)),
    'ephemeral-storage':
      less.ephemeralStorageBytes === 0
        ? kibibytes(facts.ephemeralStorageBytes)
        : formatQuantity(quantityOfUnits(Math.max(0, facts.ephemeralStorageBytes - less.ephemeralStorageBytes))),
    pods: String(facts.maxPods),
  }
  for (const [size, bytes] of Object.entries(facts.hugePages)) {
    result[`hugepages-${size}`] = formatQuantity(quantityOfUnits(bytes, 'BinarySI'))
  }
  return result
}

function kibibytes(bytes: number): string {
  return `${Math.floor(bytes / 1024)}Ki`
}

type Verdict = { readonly status: 'True' | 'False'; readonly reason: string; readonly message: string }

function conditions(input: NodeStatusInput): NodeCondition[] {
  const { pressure } = input
  return [
    toCondition(
      input,
      'MemoryPressure',
      pressure.memory
        ? { status: 'True', reason: 'KubeletHasInsufficientMemory', message: 'kubelet has insufficient memory available' }
        : { status: 'False', reason: 'KubeletHasSufficientMemory', message: 'kubelet has sufficient memory available' },
    ),
    toCondition(
      input,
      'DiskPressure',
      pressure.disk
        ? { status: 'True', reason: 'KubeletHasDiskPressure', message: 'kubelet has disk pressure' }
        : { status: 'False', reason: 'KubeletHasNoDiskPressure', message: 'kubelet has no disk pressure' },
    ),
    toCondition(
      input,
      'PIDPressure',
      pressure.processes
        ? { status: 'True', reason: 'KubeletHasInsufficientPID', message: 'kubelet has insufficient PID available' }
        : { status: 'False', reason: 'KubeletHasSufficientPID', message: 'kubelet has sufficient PID available' },
    ),
    toCondition(input, 'Ready', readyVerdict(input)),
  ]
}

function readyVerdict({ runtimeReady, networkReady, isShuttingDown }: NodeStatusInput): Verdict {
  if (runtimeReady.status && networkReady.status && !isShuttingDown)
    return { status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' }
  const problems: string[] = []
  if (!runtimeReady.status) problems.push(`container runtime is down: ${runtimeReady.reason} ${runtimeReady.message}`.trim())
  if (!networkReady.status) {
    problems.push(`container runtime network not ready: NetworkReady=false reason:${networkReady.reason} message:${networkReady.message}`)
  }
  if (isShuttingDown) problems.push('node is shutting down')
  return { status: 'False', reason: 'KubeletNotReady', message: problems.join(', ') }
}

function toCondition({ old, nowMs }: NodeStatusInput, type: string, verdict: Verdict): NodeCondition {
  const known = old?.status?.conditions?.find((c) => c.type === type)
  const isSame = known?.status === verdict.status && Boolean(known.lastTransitionTime)
  return { type, ...verdict, lastHeartbeatTime: toTime(nowMs), lastTransitionTime: isSame ? known.lastTransitionTime! : toTime(nowMs) }
}

/** Whether all that `wanted` tells is told; there may be more that others tell. */
function hasAmounts(told: Amounts = {}, wanted: Amounts = {}): boolean {
  return Object.entries(wanted).every(
    ([name, amount]) => told[name] !== undefined && (told[name] === amount || compareQuantity(told[name], amount) === 0),
  )
}

/** Whether two statuses tell the same, heartbeats apart. */
export function isSameNodeStatus(a: NodeStatus | undefined, b: NodeStatus, equal: (a: unknown, b: unknown) => boolean): boolean {
  if (!a) return false
  const bare = (status: NodeStatus) =>
    status.conditions?.map(({ type, status: value, reason, message }) => [type, value, reason, message]).sort() ?? []
  const own = new Set((b.conditions ?? []).map((c) => c.type))
  const ofAgent = { ...a, conditions: (a.conditions ?? []).filter((c) => own.has(c.type)) }
  if (!equal(bare(ofAgent), bare(b))) return false
  const fields = ['addresses', 'daemonEndpoints', 'nodeInfo', 'images', 'declaredFeatures'] as const
  // The API server writes amounts in its own way: 16777216Ki comes back as 16Gi.
  if (!hasAmounts(a.capacity, b.capacity) || !hasAmounts(a.allocatable, b.allocatable)) return false
  if (withdrawnResources(a, b).length > 0) return false
  return fields.every((field) => equal(a[field] ?? [], b[field] ?? []))
}
