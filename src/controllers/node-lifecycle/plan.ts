/**
 * A node's health, from what it last said and when: (node, its last sign of life, now) → status, taints, pods to mark.
 *  1. A node that is silent for longer than the grace period is Unknown; nobody else's clock is believed, only ours.
 *  2. Conditions and spec.unschedulable become NoSchedule taints at once; NoExecute ones are slowed down by the controller.
 * https://kubernetes.io/docs/concepts/architecture/nodes/#node-controller
 */
import { toTime } from '../../base/clock.ts'
import { taintKeys } from '../../control/taints.ts'
import type { NodeSettings } from '../settings.ts'
import type { Node, NodeCondition, Taint } from '../../kinds/generated/types/core-v1.ts'

export type Observed = {
  readonly node: Node
  /** How long ago the node last renewed its lease or its status, by our clock. */
  readonly silentMs: number
} & Pick<NodeSettings, 'graceMs' | 'startupGraceMs'>

export type Plan = {
  readonly health: 'ready' | 'not-ready' | 'unknown'
  /** Its readiness ends by our own judgement: it is told. */
  readonly hasFallenSilent: boolean
  /** Nobody hears of it though it was heard of before: services shall not lead to its pods. What the node says of itself its agent acts on. */
  readonly isLost: boolean
  /** New conditions; undefined: those stored stand. */
  readonly conditions: readonly NodeCondition[] | undefined
  /** Taints of spec without those that this controller would set by NoExecute; undefined: no change. */
  readonly noScheduleTaints: readonly Taint[] | undefined
  /** The NoExecute taint that the node should have, if any. */
  readonly noExecute: { readonly key: string } | undefined
  /** When the silence would become too long. */
  readonly requeueAfterMs: number | undefined
}

/** Upstream's default of --node-monitor-grace-period. */
const defaultGraceMs = 50_000
/** A node that has never said anything gets longer. Upstream's default of --node-startup-grace-period. */
const defaultStartupGraceMs = 60_000

export const neverUpdatedReason = 'NodeStatusNeverUpdated'
const silentReason = 'NodeStatusUnknown'

const watched = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'] as const

type TaintRule = { readonly condition: string; readonly status: string; readonly key: string }
const noScheduleRules: readonly TaintRule[] = [
  { condition: 'Ready', status: 'False', key: taintKeys.notReady },
  { condition: 'Ready', status: 'Unknown', key: taintKeys.unreachable },
  { condition: 'MemoryPressure', status: 'True', key: taintKeys.memoryPressure },
  { condition: 'DiskPressure', status: 'True', key: taintKeys.diskPressure },
  { condition: 'PIDPressure', status: 'True', key: taintKeys.pidPressure },
  { condition: 'NetworkUnavailable', status: 'True', key: taintKeys.networkUnavailable },
]
const ownKeys = new Set<string>([...noScheduleRules.map(({ key }) => key), taintKeys.unschedulable])

export function planNode(
  { node, silentMs, graceMs = defaultGraceMs, startupGraceMs = defaultStartupGraceMs }: Observed,
  nowMs: number,
): Plan {
  const stored = node.status?.conditions ?? []
  const hasSpoken = stored.some((condition) => condition.type === 'Ready')
  const allowedMs = hasSpoken ? graceMs : Math.max(graceMs, startupGraceMs)
  const isSilent = silentMs >= allowedMs
  const conditions = isSilent ? silentConditions(stored, nowMs) : stored
  const ready = conditions.find((condition) => condition.type === 'Ready')?.status
  const health = ready === 'True' ? 'ready' : ready === 'False' ? 'not-ready' : 'unknown'
  const before = stored.find((condition) => condition.type === 'Ready')
  const after = conditions.find((condition) => condition.type === 'Ready')
  return {
    health,
    hasFallenSilent: before?.status === 'True' && after?.status !== 'True',
    isLost: after?.status === 'Unknown' && after.reason === silentReason,
    conditions: conditions === stored ? undefined : conditions,
    noScheduleTaints: changedTaints(node, wantedNoSchedule(node, conditions), nowMs),
    noExecute:
      health === 'ready' || ready === undefined ? undefined : { key: health === 'not-ready' ? taintKeys.notReady : taintKeys.unreachable },
    requeueAfterMs: isSilent ? undefined : allowedMs - silentMs,
  }
}

/** Every watched condition becomes Unknown; the same list when they are so already. */
function silentConditions(stored: readonly NodeCondition[], nowMs: number): readonly NodeCondition[] {
  const time = toTime(nowMs)
  let isChanged = false
  const changed = stored.map((condition) => {
    if (!watched.some((type) => type === condition.type) || condition.status === 'Unknown') return condition
    isChanged = true
    return {
      ...condition,
      status: 'Unknown',
      reason: silentReason,
      message: 'Kubelet stopped posting node status.',
      lastTransitionTime: time,
    }
  })
  const never = watched.filter((type) => !stored.some((condition) => condition.type === type))
  if (!isChanged && never.length === 0) return stored
  const added = never.map((type) => ({
    type,
    status: 'Unknown',
    reason: neverUpdatedReason,
    message: 'Kubelet never posted node status.',
    lastHeartbeatTime: time,
    lastTransitionTime: time,
  }))
  return [...changed, ...added]
}

function wantedNoSchedule(node: Node, conditions: readonly NodeCondition[]): ReadonlySet<string> {
  const wanted = new Set<string>()
  for (const rule of noScheduleRules)
    if (conditions.some((condition) => condition.type === rule.condition && condition.status === rule.status)) wanted.add(rule.key)
  if (node.spec?.unschedulable) wanted.add(taintKeys.unschedulable)
  return wanted
}

function changedTaints(node: Node, wanted: ReadonlySet<string>, nowMs: number): readonly Taint[] | undefined {
  const stored = node.spec?.taints ?? []
  const isOwn = (taint: Taint) => taint.effect === 'NoSchedule' && ownKeys.has(taint.key)
  const present = new Set(stored.filter(isOwn).map(({ key }) => key))
  if (present.size === wanted.size && [...wanted].every((key) => present.has(key))) return undefined
  const added = [...wanted]
    .filter((key) => !present.has(key))
    .map((key): Taint => ({ key, effect: 'NoSchedule', timeAdded: toTime(nowMs) }))
  return [...stored.filter((taint) => !isOwn(taint) || wanted.has(taint.key)), ...added]
}

/** The node's taints with the one NoExecute taint for its health, or with none; undefined: no change. */
export function withNoExecute(taints: readonly Taint[], key: string | undefined, nowMs: number): readonly Taint[] | undefined {
  const isOwn = (taint: Taint) => taint.effect === 'NoExecute' && (taint.key === taintKeys.notReady || taint.key === taintKeys.unreachable)
  const own = taints.filter(isOwn)
  if (own.length === (key === undefined ? 0 : 1) && own.every((taint) => taint.key === key)) return undefined
  const others = taints.filter((taint) => !isOwn(taint))
  return key === undefined ? others : [...others, { key, effect: 'NoExecute', timeAdded: toTime(nowMs) }]
}
