import { toTime } from '../../base/clock.ts'
import type { ReplicaSetCondition, ReplicaSetStatus } from '../../kinds/generated/types/apps-v1.ts'
import type { Pod, PodTemplateSpec } from '../../kinds/generated/types/core-v1.ts'
import { isPodActive, isPodReady, isPodTerminal, isPodTerminating, podAvailableInMs } from '../../kinds/pod-status.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { deletionOrder } from './deletion-order.ts'

/** What ReplicaSets and ReplicationControllers have in common. */
export type ReplicaOwner = KubeObject & {
  readonly spec?: {
    readonly replicas?: number
    readonly minReadySeconds?: number
    readonly template?: PodTemplateSpec
  }
  readonly status?: ReplicaSetStatus
}

export type Observed = {
  readonly owner: ReplicaOwner
  /** The owner's pods, whatever their phase. */
  readonly pods: readonly Pod[]
  /** Counts the active pods of the same workload by node, to break up pairs first; asked only when some must go. */
  readonly podsOnNode: () => ReadonlyMap<string, number>
}

export type Plan = {
  /** Pods to create; at most `burst`. */
  readonly create: number
  /** Pods to delete, in this order. */
  readonly remove: readonly Pod[]
}

/** The most pods created or deleted by one reconcile; the next follows at once. Twice upstream's: many alike cost little more than one. */
const burst = 1_000

/** How many pods are missing, or which are too many. An owner that is being deleted manages nothing. */
export function planReplicas(observed: Observed, nowMs: number): Plan {
  const { owner, pods } = observed
  if (owner.metadata.deletionTimestamp) return { create: 0, remove: [] }
  const active = pods.filter(isPodActive)
  const difference = active.length - (owner.spec?.replicas ?? 1)
  if (difference < 0) return { create: Math.min(burst, -difference), remove: [] }
  if (difference === 0) return { create: 0, remove: [] }
  const count = Math.min(burst, difference)
  const isAll = count === active.length
  return { create: 0, remove: isAll ? active : deletionOrder(active, observed.podsOnNode(), nowMs).slice(0, count) }
}

export type StatusInput = {
  readonly owner: ReplicaOwner
  readonly pods: readonly Pod[]
  /** What went wrong while pods were created or deleted just now. */
  readonly failure?: { readonly reason: 'FailedCreate' | 'FailedDelete'; readonly message: string } | undefined
}

export type StatusPlan = {
  /** Undefined: what is stored is right. */
  readonly status: ReplicaSetStatus | undefined
  /** When the next ready pod has been so for minReadySeconds. */
  readonly requeueAfterMs: number | undefined
}

export function planStatus({ owner, pods, failure }: StatusInput, nowMs: number): StatusPlan {
  const minReadySeconds = owner.spec?.minReadySeconds ?? 0
  const templateLabels = Object.entries(owner.spec?.template?.metadata?.labels ?? {})
  let [replicas, fullyLabeled, ready, available, terminating] = [0, 0, 0, 0, 0]
  let requeueAfterMs: number | undefined
  for (const pod of pods) {
    if (isPodTerminal(pod)) continue
    if (isPodTerminating(pod)) {
      terminating++
      continue
    }
    replicas++
    const labels = pod.metadata.labels ?? {}
    if (templateLabels.every(([key, value]) => labels[key] === value)) fullyLabeled++
    if (!isPodReady(pod)) continue
    ready++
    const waitMs = podAvailableInMs(pod, minReadySeconds, nowMs) ?? 0
    if (waitMs === 0) available++
    else requeueAfterMs = Math.min(requeueAfterMs ?? waitMs, waitMs)
  }
  const status: ReplicaSetStatus = {
    replicas,
    ...(fullyLabeled ? { fullyLabeledReplicas: fullyLabeled } : {}),
    ...(ready ? { readyReplicas: ready } : {}),
    ...(available ? { availableReplicas: available } : {}),
    terminatingReplicas: terminating,
    observedGeneration: owner.metadata.generation ?? 0,
    ...withConditions(conditionsAfter(owner.status?.conditions ?? [], failure, nowMs)),
  }
  return { status: statusEquals(owner.status, status) ? undefined : status, requeueAfterMs }
}

function withConditions(conditions: readonly ReplicaSetCondition[]) {
  return conditions.length > 0 ? { conditions: [...conditions] } : {}
}

function conditionsAfter(
  current: readonly ReplicaSetCondition[],
  failure: StatusInput['failure'],
  nowMs: number,
): readonly ReplicaSetCondition[] {
  const existing = current.find((condition) => condition.type === 'ReplicaFailure')
  if (failure && existing?.status === 'True' && existing.reason === failure.reason) return current
  if (!failure && !existing) return current
  const others = current.filter((condition) => condition.type !== 'ReplicaFailure')
  if (!failure) return others
  return [
    ...others,
    { type: 'ReplicaFailure', status: 'True', reason: failure.reason, message: failure.message, lastTransitionTime: toTime(nowMs) },
  ]
}

function statusEquals(old: ReplicaSetStatus | undefined, status: ReplicaSetStatus): boolean {
  if (!old) return false
  const sameConditions =
    (old.conditions ?? []) === status.conditions || JSON.stringify(old.conditions ?? []) === JSON.stringify(status.conditions ?? [])
  return (
    sameConditions &&
    old.replicas === status.replicas &&
    (old.fullyLabeledReplicas ?? 0) === (status.fullyLabeledReplicas ?? 0) &&
    (old.readyReplicas ?? 0) === (status.readyReplicas ?? 0) &&
    (old.availableReplicas ?? 0) === (status.availableReplicas ?? 0) &&
    (old.terminatingReplicas ?? 0) === (status.terminatingReplicas ?? 0) &&
    (old.observedGeneration ?? 0) === (status.observedGeneration ?? 0)
  )
}
